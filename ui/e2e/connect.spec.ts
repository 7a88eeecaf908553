import { expect, opening, PROVIDER, test } from "./world";

test("from nothing to connected, with every mistake named on the way", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByText("Nobody is signed in yet.")).toBeVisible();
  await page.getByRole("link", { name: /Any OAuth provider/ }).click();

  await page.getByLabel("Name", { exact: true }).fill("Demo");
  await page.getByLabel("Client secret").fill("ghp_0123456789");
  await expect(page.getByText("This looks like a GitHub access token")).toBeVisible();
  await page.getByLabel("Token URL").fill("http://login.example.com/token");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("client_id is missing.")).toBeVisible();
  await expect(page.getByText("authorize_url is missing.")).toBeVisible();
  await expect(page.getByText("it must be https")).toBeVisible();

  await page.getByLabel("Client ID").fill("demo");
  await expect(page.getByText("client_id is missing.")).toBeHidden();
  await page.getByLabel("Client secret").fill("");
  await page.getByLabel("Authorization URL").fill(`${PROVIDER}/authorize`);
  await page.getByLabel("Token URL").fill(`${PROVIDER}/token`);
  await page.getByLabel("Userinfo URL").fill(`${PROVIDER}/userinfo`);
  await page.getByLabel("Add scopes").fill("openid email");
  await page.keyboard.press("Enter");

  const provider = await opening(page, () => page.getByRole("button", { name: "Save and connect" }).click());
  await expect(page.getByText("Signing in…")).toBeVisible();
  await expect(page.getByText(/^4:\d\d left$/)).toBeVisible();
  await provider.locator("#allow").click();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(page.getByRole("status").getByText("demo is connected.")).toBeVisible();
  await expect(page.getByText(/@example\.com · openid, email/)).toBeVisible();
});

test("a sign-in can be cancelled", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  await opening(page, () => page.getByRole("button", { name: "Connect Demo" }).click());
  await page.getByRole("button", { name: "Cancel the sign-in of Demo" }).click();
  await expect(page.getByText("Not connected")).toBeVisible();
});

test("a no at the provider is told, with what to do", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  const provider = await opening(page, () => page.getByRole("button", { name: "Connect Demo" }).click());
  await provider.locator("#deny").click();
  await expect(page.locator(".notice.failed")).toBeVisible();
  await expect(page.getByText("Not connected")).toBeVisible();
});

test("a sign-in that a terminal began is shown", async ({ page, world }) => {
  const id = await world.authenticator("Demo");
  await page.goto("/");
  await expect(page.getByText("Not connected")).toBeVisible();
  await world.agent("POST", "credentials/connections", { authenticator: id });
  await expect(page.getByText("Signing in…")).toBeVisible();
});

test("a window that opens in the middle of a sign-in shows it, on its own row", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await world.signIn("demo", "grace", "work");
  await world.agent("POST", "credentials/connections", { authenticator: "demo/work" });
  await page.goto("/");
  await expect(page.locator('[data-connection="demo/work"]').getByText("Signing in…")).toBeVisible();
  await expect(page.locator("main li")).toHaveCount(2);
});

test("removing an authenticator takes its sign-in away", async ({ page, world }) => {
  const id = await world.authenticator("Demo");
  await page.goto("/");
  await opening(page, () => page.getByRole("button", { name: "Connect Demo" }).click());
  await expect(page.getByText("Signing in…")).toBeVisible();
  await world.agent("DELETE", `oauth/authenticators/${id}`);
  await expect(page.getByText("Nobody is signed in yet.")).toBeVisible();
  await expect(page.getByText("The sign-in was cancelled.")).toBeVisible();
});

test("a lost login is one click from the list", async ({ page, world }) => {
  await world.authenticator("Demo");
  const id = await world.signIn("demo");
  await page.goto("/");
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await world.lose(id);
  await expect(page.getByText("Demo needs you to sign in again.")).toBeVisible();
  await expect(page.getByText("Sign in again", { exact: true })).toBeVisible();
  await world.consent("ada");
  await opening(page, () => page.getByRole("button", { name: "Reconnect Demo", exact: true }).click());
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(page.getByText("Demo needs you to sign in again.")).toBeHidden();
});

test("a hand-out is seen without a reload", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/");
  await expect(page.getByText("not used yet")).toBeVisible();
  const read: string[] = [];
  // The page may still be reading the sign-ins of the log that it started with.
  const isSignIn = (url: string): boolean => url.includes("/credentials/sessions/");
  page.on("request", (request) => {
    if (!isSignIn(request.url())) read.push(request.url());
  });
  for (let count = 0; count < 5; count++) await world.token("demo");
  await expect(page.getByText("used just now by ui")).toBeVisible();
  expect(read, "a hand-out reads nothing again").toEqual([]);
});

test("disconnecting asks, names what is in use, and tells what was revoked", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await world.token("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "Disconnect Demo" }).click();
  const dialog = page.getByRole("dialog", { name: "Disconnect demo" });
  await expect(dialog.getByText("It was last used by ui")).toBeVisible();
  await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(dialog.getByText("It is in use.")).toBeVisible();
  await dialog.getByRole("button", { name: "Disconnect anyway" }).click();
  await expect(page.getByText("The provider revoked its tokens.")).toBeVisible();
  await expect(page.getByText("Not connected")).toBeVisible();
});
