import { expect, PROVIDER, test } from "./world";

test("a scope that a host asks for is allowed from its row", async ({ page, context, world }) => {
  const api_hosts = [new URL(PROVIDER).host];
  await world.authenticator("Demo", "custom", ["openid", "email"], { api_hosts });
  await world.signIn("demo");
  await page.goto("/");
  const row = page.locator("[data-connection=demo]");
  await expect(row.getByText("Connected")).toBeVisible();

  expect(await world.proxied("demo/api/echo?needs=files.read")).toBe(403);
  await expect(row.getByText("Needs more")).toBeVisible();
  await expect(row.getByText("asks for files.read")).toBeVisible();
  await row.getByRole("button", { name: "Allow more for Demo" }).click();
  const dialog = page.getByRole("dialog", { name: "Change access of demo" });
  await expect(dialog.getByText("refused a request: files.read is missing")).toBeVisible();
  await expect(dialog.getByText("Asks for: files.read")).toBeVisible();

  await world.consent("ada");
  const opened = context.waitForEvent("page");
  await dialog.getByRole("button", { name: "Continue in the browser" }).click();
  await (await opened).close();
  await expect(row.getByText("Connected")).toBeVisible();
  expect(await world.proxied("demo/api/echo?needs=files.read")).toBe(200);
});

test("scopes that give too much are told before they are asked for", async ({ page }) => {
  await page.goto("/#/add/github");
  await page.getByRole("button", { name: /Full access to public and private repositories/ }).click();
  await expect(page.getByText(/repo .* gives far more than most programs need/)).toBeVisible();
  await expect(page.getByText(/We could not check these facts in GitHub's documentation/)).toBeVisible();
});
