import { expect, test } from "./world";

test("details: scopes in words, snippets, label, policy, timeline", async ({ page, world }) => {
  await world.authenticator("Demo", "custom", ["openid", "email", "files.read"]);
  await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("link", { name: "Demo" }).click();
  const drawer = page.getByRole("dialog", { name: "Details of demo" });
  await expect(drawer.getByText("Know who you are")).toBeVisible();
  await drawer.getByRole("tab", { name: "Python" }).click();
  await expect(drawer.getByText('["valetkey", "token", "demo"]')).toBeVisible();
  await drawer.getByRole("button", { name: "Copy the snippet" }).click();
  await expect(drawer.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("subprocess");

  const actions = drawer.getByRole("group", { name: "Actions" }).getByRole("button");
  await expect(actions).toHaveText(["Check now", "Sign in again", "⋯", "Disconnect…"]);
  await drawer.getByRole("button", { name: "More for Demo" }).click();
  await expect(drawer.getByRole("menuitem", { name: "Edit authenticator…" })).toBeVisible();
  await page.keyboard.press("Escape");
  await drawer.getByRole("button", { name: "Check now" }).click();
  await expect(drawer.getByText(/demo works: the provider accepts the token as ada@example\.com/)).toBeVisible();
  await drawer.getByLabel("Refresh", { exact: true }).selectOption("always");
  await expect(drawer.getByText("Saved.")).toBeVisible();
  await drawer.getByLabel("Account label").fill("work");
  await drawer.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("dialog", { name: "Details of demo/work" })).toBeVisible();
  await expect(page.getByText("Signed in", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("link", { name: "Demo / work" })).toBeFocused();
});

test("scopes that were not granted are named", async ({ page, world }) => {
  await world.authenticator("Demo", "custom", ["openid", "email", "files.write"]);
  await world.consent("ada", ["openid", "email"]);
  const started = await world.agent<{ authorize_url: string; session_id: string }>("POST", "credentials/connections", {
    authenticator: "demo",
  });
  await fetch(started.authorize_url);
  await page.goto("/");
  await page.getByRole("link", { name: "Demo" }).click();
  await expect(page.getByText("Asked for, not granted: files.write")).toBeVisible();
});
