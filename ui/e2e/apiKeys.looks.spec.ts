// A connection from a key that the person has: see look.ts.
import { expect, test } from "./look";
import { PROVIDER, type World } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

/** A token of the provider, which takes it as it would a key. */
async function keyOf(world: World): Promise<string> {
  await world.authenticator("Other");
  await world.signIn("other");
  const path = "credentials/connections/other/token";
  // Nothing allows this program yet.
  await expect(world.socket("POST", path, {})).rejects.toThrow("access_denied");
  const { approvals } = await world.socket<{ approvals: { id: number }[] }>("GET", "approvals");
  for (const { id } of approvals) await world.socket("POST", `approvals/${id}/answer`, { verdict: "allow" });
  const { access_token: key } = await world.socket<{ access_token: string }>("POST", path, {});
  return key;
}

test("a key is given, refused and renewed in the window", async ({ page, world, look }) => {
  const key = await keyOf(world);
  await page.goto("/");
  await page.getByRole("link", { name: "Add authenticator" }).click();
  await page.getByRole("button", { name: "Custom" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Acme");
  await page.getByLabel("Userinfo URL").fill(`${PROVIDER}/userinfo`);
  await look("tile");
  await page.getByRole("button", { name: "Use a key or personal token…" }).click();
  const dialog = page.getByRole("dialog", { name: "Use a key or personal token" });
  await expect(dialog.getByLabel("API key", { exact: true })).toBeFocused();
  await look("dialog");

  await dialog.getByRole("button", { name: "Connect" }).click();
  await expect(dialog.getByText("Paste the API key first.")).toBeVisible();
  await dialog.getByLabel("API key", { exact: true }).fill("Authorization: Bearer 0123456789");
  await dialog.getByRole("button", { name: "Connect" }).click();
  await expect(dialog.getByText("This is a whole header line")).toBeVisible();
  await dialog.getByLabel("API key", { exact: true }).fill("not-a-key-of-theirs");
  await dialog.getByRole("button", { name: "Connect" }).click();
  await expect(dialog.getByText("Acme refused this API key; nothing was stored.")).toBeVisible();
  await look("refused");

  await dialog.getByLabel("API key", { exact: true }).fill(`  ${key}\n`);
  await dialog.getByLabel("Ends").selectOption("90");
  await dialog.getByRole("button", { name: "Connect" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("status").getByText("acme is connected.")).toBeVisible();
  const row = page.locator('[data-connection="acme"]');
  await expect(row.getByText(/@example\.com · API key/)).toBeVisible();
  await expect(row.getByText(/in (89|90) days/)).toBeVisible();
  expect(await page.content()).not.toContain(key);

  await page.getByRole("link", { name: "Acme" }).click();
  await expect(page.getByText(/Nothing refreshes the API key/)).toBeVisible();
  await look("details");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "More for Acme" }).click();
  await expect(page.getByRole("menuitem", { name: "Sign in again" })).toHaveCount(0);
  await page.getByRole("menuitem", { name: "Give another key…" }).click();
  await expect(dialog.getByLabel("API key", { exact: true })).toHaveValue("");
  await page.keyboard.press("Escape");
});

test("a catalogue entry says where its keys are made", async ({ page, look }) => {
  await page.goto("/#/add/github");
  await page.getByRole("button", { name: "Use a key or personal token…" }).click();
  const dialog = page.getByRole("dialog", { name: "Use a key or personal token" });
  await expect(dialog.getByText("https://github.com/settings/personal-access-tokens")).toBeVisible();
  await look("github");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Give a key for GitHub" })).toBeVisible();
});
