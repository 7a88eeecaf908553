// An issuer or an MCP server, which says itself how its tokens are got: see look.ts.
import { expect, test } from "./look";
import { opening, PROVIDER } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

test("an issuer's URL fills the form, and its account is signed in", async ({ page, look }) => {
  await page.goto("/#/add");
  await page.getByRole("button", { name: "MCP server or issuer URL" }).click();
  const url = page.getByLabel("URL of an MCP server or issuer");
  await expect(url).toBeFocused();
  await expect(page.getByLabel("Client ID")).toHaveCount(0);

  const panel = page.getByRole("region", { name: "MCP server or issuer" });
  await url.fill("http://mcp.example.com/mcp");
  await page.getByRole("button", { name: "Look it up" }).click();
  await expect(panel.getByText(/https/)).toBeVisible();
  await expect(url).toBeFocused();
  await look("refused");

  await url.fill(PROVIDER);
  await page.getByRole("button", { name: "Look it up" }).click();
  await expect(panel.getByText("an issuer of tokens")).toBeVisible();
  await expect(panel.getByText("register one there and enter its client ID")).toBeVisible();
  await expect(page.getByLabel("Token URL")).toHaveValue(`${PROVIDER}/token`);
  await look("found");

  await page.getByRole("button", { name: "Save and connect" }).click();
  await expect(page.getByLabel("Client ID")).toBeFocused();
  await page.getByLabel("Client ID").fill("demo");
  await page.getByLabel("Name", { exact: true }).fill("Found");
  const consent = await opening(page, () => page.getByRole("button", { name: "Save and connect" }).click());
  await consent.getByRole("button", { name: "Allow" }).click();
  const row = page.locator('[data-connection="found"]');
  await expect(row.getByText("Connected", { exact: true })).toBeVisible();
});
