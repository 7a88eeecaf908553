// What the desktop shell adds.
import { asDesktop, calls } from "./shell";
import { expect, test } from "./world";

test("a token is copied behind the page", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  const id = await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Copy token…" }).click();
  await expect(page.getByText("The clipboard is cleared in 30 seconds.")).toBeVisible();
  expect(await calls(page, "copy_token")).toMatchObject([{ args: { connection: id } }]);
  const asked = (await calls(page, "request")).map(({ args }) => String(args.path));
  expect(asked.filter((path) => /\/(token|refresh|invalidate)\b/.test(path))).toEqual([]);
});

test("refreshing is done behind the page, and failing it is told", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo", "custom", ["openid", "email", "offline_access"]);
  await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Refresh now" }).click();
  await expect(page.getByText("demo has a new token.")).toBeVisible();
  const asked = (await calls(page, "request")).map(({ args }) => String(args.path));
  expect(asked.filter((path) => /\/(token|refresh|invalidate)\b/.test(path))).toEqual([]);

  await world.provider("POST", "revoke", { account: "ada" });
  await page.getByRole("link", { name: "Demo" }).click();
  await page.getByRole("button", { name: "Refresh now" }).click();
  await expect(page.getByText("needs you to sign in again").first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Reconnect" }).first()).toBeVisible();
});

test("a browser that cannot be opened is no dead end", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  await page.goto("/");
  await page.getByRole("button", { name: "Connect Demo" }).click();
  await expect(page.getByText("No browser could be started.")).toBeVisible();
  const address = await page.getByLabel("Address to open").inputValue();
  await world.consent("ada");
  await fetch(address);
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(page.getByText("No browser could be started.")).toBeHidden();
});

test("the sidebar's menu has Doctor and Quit", async ({ page }) => {
  await asDesktop(page);
  await page.goto("/");
  await page.getByRole("button", { name: "Valet Key menu" }).click();
  await page.getByRole("menuitem", { name: "Doctor" }).click();
  const doctor = page.getByRole("dialog", { name: "Doctor" });
  await expect(doctor.getByText("OK", { exact: true }).first()).toBeVisible();
  await expect(doctor.getByText(/database/i).first()).toBeVisible();
  await doctor.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Valet Key menu" }).click();
  await page.getByRole("menuitem", { name: "Quit Valet Key" }).click();
  await expect.poll(() => calls(page, "quit")).toHaveLength(1);
});

test("a locked keychain is unlocked from the window, and the footer says so", async ({ page }) => {
  await asDesktop(page);
  let state = "locked";
  await page.route("**/api/v1/status", async (route) => {
    const reply = await route.fetch();
    const status = (await reply.json()) as { secret_store: object };
    await route.fulfill({ json: { ...status, secret_store: { kind: "keychain", state, unsaved: 0 } } });
  });
  await page.goto("/");
  await expect(page.getByRole("navigation").getByText(/^Keychain locked/)).toBeVisible();
  await page.getByRole("button", { name: "Unlock…" }).click();
  await expect.poll(() => calls(page, "unlock_keychain")).toHaveLength(1);
  state = "ready";
  await expect(page.getByText("The keychain is locked.")).toBeHidden();
});

test("events reach the window through the shell", async ({ page, world }) => {
  await asDesktop(page);
  await page.goto("/");
  await expect(page.getByText("No connections yet.")).toBeVisible();
  await world.authenticator("Demo");
  await expect(page.getByText("Not connected")).toBeVisible();
});

test("settings of the shell", async ({ page }) => {
  await asDesktop(page);
  await page.goto("/#/settings");
  await expect(page.getByText("No tray host answers.")).toBeVisible();
  const autostart = page.getByRole("switch", { name: "Start at login" });
  await expect(autostart).not.toBeChecked();
  await autostart.click();
  await expect(autostart).toBeChecked();
  await page.getByRole("button", { name: "Open log folder" }).click();
  await expect.poll(() => calls(page, "open_log_folder")).toHaveLength(1);
  await expect(page.getByText("Valet Key 9.9.9")).toBeVisible();
});

test("starting at login is offered once, when there is something to keep fresh", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  await page.goto("/");
  await expect(page.getByText("Not connected")).toBeVisible();
  await expect(page.getByText("Start Valet Key at login?")).toBeHidden();
  await world.signIn("demo");
  await expect(page.getByText("Start Valet Key at login?")).toBeVisible();
  await page.getByRole("button", { name: "Not now" }).click();
  await expect(page.getByText("Start Valet Key at login?")).toBeHidden();
  expect(await calls(page, "set_autostart")).toEqual([]);
  await expect.poll(() => calls(page, "login_offer_done")).toHaveLength(1);
});

test("the first start is three steps with three headlines, and can be skipped", async ({ page }) => {
  await asDesktop(page, true);
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in once. Let your tools drive." })).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Your keychain is ready." })).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Connect your first account." })).toBeVisible();
  await expect(page.getByText("Valet Key asks you. It remembers your answer.")).toBeVisible();
  await expect(page.getByText("programs you allow")).toHaveCount(0);
  await page.reload();
  await page.getByRole("button", { name: "Skip" }).click();
  await expect(page.getByText("No connections yet.")).toBeVisible();
  await expect.poll(async () => (await calls(page, "first_start_done")).length).toBeGreaterThan(0);
});

test("a locked or an idle session pauses, each by its switch", async ({ page, world }) => {
  await asDesktop(page);
  await page.goto("/#/settings");
  for (const [name, field] of [
    ["Pause while locked", "pause_on_lock"],
    ["Pause while idle", "pause_on_idle"],
  ] as const) {
    const pauses = page.getByRole("switch", { name });
    await expect(pauses).not.toBeChecked();
    await pauses.click();
    await expect(pauses).toBeChecked();
    await expect.poll(() => world.agent("GET", "settings")).toMatchObject({ [field]: true });
  }
});
