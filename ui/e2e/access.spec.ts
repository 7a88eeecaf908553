// Who may use which connection: programs that ask at the socket of a real agent, and the page that shows them.
import type { Page } from "@playwright/test";
import { expect, test } from "./look";
import { asDesktop } from "./shell";
import { AGENT, asWindow, type World } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

interface Approvals {
  approvals: { id: number; question: { program: { name: string } } }[];
}

async function answer(world: World, program: string, body: Record<string, unknown>): Promise<void> {
  const { approvals } = await world.socket<Approvals>("GET", "approvals");
  const asked = approvals.find(({ question }) => question.program.name === program);
  if (!asked) throw new Error(`${program} has not asked`);
  await world.socket("POST", `approvals/${asked.id}/answer`, body);
}

/** Keys are made only while the port is the one that it will be after the next start. */
async function keepPort(world: World): Promise<void> {
  await world.socket("PATCH", "settings?force=true", { port: Number(new URL(AGENT).port) });
}

function row(page: Page, name: string): ReturnType<Page["getByRole"]> {
  return page.getByRole("listitem", { name, exact: true });
}

test.beforeEach(async ({ page }) => asWindow(page));

test("a program asks, is allowed, uses it, and is removed", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/#/access");
  await expect(page.getByText("No answers are remembered.")).toBeVisible();
  // The page itself came in with this key.
  await expect(row(page, "ui")).toContainText("manage");

  // The page follows what happens elsewhere.
  expect(await world.script("report.py", "demo")).toBe(403);
  const banner = page.getByRole("region", { name: "report.py asks for Demo." });
  await expect(banner).toContainText("It was not answered");
  await expect(page.getByRole("link", { name: "Access , not answered: 1" })).toBeVisible();

  // The app would open its window now: the question counts down.
  await banner.getByRole("button", { name: "Allow report.py for Demo…" }).click();
  await expect(banner).toContainText(/Refused in 0:\d\d/);
  await expect(banner.getByRole("button", { name: "Decide report.py for Demo…" })).toBeFocused();

  await answer(world, "report.py", { verdict: "allow" });
  await expect(banner).toBeHidden();
  const program = row(page, "report.py");
  await expect(program).toContainText("Demo");
  await expect(program).toContainText("always");
  await expect(program).toContainText("not used yet");

  await program.getByRole("button", { name: "Remove report.py" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove report.py" });
  await expect(dialog.getByText("It gets no token of Demo until it asks again")).toBeVisible();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(program).toBeHidden();
  expect(await world.socket("GET", "rules")).toMatchObject({ rules: [] });
});

test("rules say what is less than the whole token, and until when", async ({ page, world }) => {
  await world.authenticator("Demo", "custom", undefined, { api_hosts: ["api.demo.example"] });
  await world.signIn("demo");
  await page.goto("/#/access");
  for (const [name, body] of [
    ["hourly.py", { verdict: "allow", lasts: "hour" }],
    ["lent.py", { verdict: "allow", only_proxy: true }],
    ["denied.py", { verdict: "deny" }],
  ] as const) {
    await world.script(name, "demo");
    await answer(world, name, body);
  }
  await expect(row(page, "hourly.py")).toContainText(/until (\d\d:\d\d|\d)/);
  await expect(row(page, "lent.py")).toContainText("Demo: proxy only");
  await expect(row(page, "denied.py")).toContainText("Demo: denied");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("lent");
  await expect(page.getByRole("listitem").filter({ hasText: ".py" })).toHaveCount(1);
  await page.keyboard.press("Escape");

  // Where a connection is shown, so are the programs that may use it.
  await page.goto("/#/connections");
  await page.getByRole("link", { name: "Demo" }).click();
  const drawer = page.getByRole("dialog", { name: "Details of demo" });
  await expect(drawer.getByText("lent.py: proxy only")).toBeVisible();
  await expect(drawer.getByRole("listitem").filter({ hasText: /^denied\.py/ })).toHaveCount(0);
  await drawer.getByRole("link", { name: "Change under Access" }).click();

  // A denial is removed without a question of the page: the app asks.
  let let_go = (): void => undefined;
  const held = new Promise<void>((resolve) => (let_go = resolve));
  await page.route("**/api/v1/rules/*", async (route) => {
    await held;
    await route.fallback();
  });
  await row(page, "denied.py").getByRole("button", { name: "Remove denied.py" }).click();
  await expect(row(page, "denied.py")).toContainText("Confirm in the window of Valet Key");
  let_go();
  await expect(row(page, "denied.py")).toBeHidden();
});

test("a rule that was made without the app is confirmed", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await world.script("backup.py", "demo");
  await answer(world, "backup.py", { verdict: "allow" });
  // This agent has no window: a desktop app reports such a rule as not active.
  let active = false;
  await page.route("**/api/v1/rules", async (route) => {
    const list = await world.socket<{ rules: object[] }>("GET", "rules");
    await route.fulfill({ json: { ...list, rules: list.rules.map((rule) => ({ ...rule, is_active: active })) } });
  });
  let refused = true;
  await page.route("**/api/v1/rules/*/confirm", async (route) => {
    const detail = { code: "access_denied", message: "nobody confirmed it in time", hint: "try again" };
    if (refused) return route.fulfill({ status: 403, json: { detail } });
    active = true;
    await route.fulfill({ json: {} });
  });
  await page.goto("/#/access");
  await expect(row(page, "backup.py")).toContainText("Demo: not confirmed");
  await expect(row(page, "backup.py")).toContainText("made without the app");
  const confirm = page.getByRole("button", { name: "Confirm backup.py…" });
  await confirm.click();
  await expect(page.getByText("Nobody confirmed it in time.")).toBeVisible();
  refused = false;
  await confirm.click();
  await expect(confirm).toBeHidden();
  await expect(row(page, "backup.py")).not.toContainText("not confirmed");
});

test("a client key is made, shown once, and revoked, by keyboard alone", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/#/access");
  await keepPort(world);
  await page.getByRole("button", { name: "New client key…" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "New client key" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await page.keyboard.type("notebook");
  // Esc keeps what was typed.
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await expect(dialog.getByLabel("Name")).toHaveValue("notebook");
  const create = dialog.getByRole("button", { name: "Create key" });
  await create.press("Enter");
  await expect(dialog.getByText("Choose at least one connection.")).toBeVisible();
  await dialog.getByLabel("Demo").press("Space");
  await create.press("Enter");
  const copy = dialog.getByRole("button", { name: "Copy the key" });
  await expect(copy).toBeVisible();
  // The only look at it is not lost by one wrong key.
  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Copy the key first: it is not shown again.")).toBeVisible();
  await copy.press("Enter");
  await expect(dialog.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^vk_/);
  await dialog.getByRole("button", { name: "Done" }).press("Enter");
  const key = row(page, "notebook");
  await expect(key).toContainText("Demo");
  await expect(key).toContainText("never used");
  await expect(key).toContainText(/ends .*\d/);
  await key.getByRole("button", { name: "Revoke notebook" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).press("Enter");
  await expect(page.getByText("The client key notebook is revoked.")).toBeVisible();
  await expect(key).toBeHidden();
});

test("a key that nobody confirms is not made, and what was written stays", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/#/access");
  await page.getByRole("button", { name: "New client key…" }).click();
  const dialog = page.getByRole("dialog", { name: "New client key" });
  await dialog.getByLabel("Name").fill("ci");
  await dialog.getByLabel("All, also those added later").check();
  let let_go = (): void => undefined;
  const held = new Promise<void>((resolve) => (let_go = resolve));
  await page.route("**/api/v1/clients", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    await held;
    const detail = { code: "access_denied", message: "it was not confirmed", hint: "try again" };
    await route.fulfill({ status: 403, json: { detail } });
  });
  await dialog.getByRole("button", { name: "Create key" }).click();
  await expect(dialog.getByRole("button", { name: "Confirm in the window of Valet Key" })).toBeVisible();
  // A key that may be made any moment is not closed away.
  await page.keyboard.press("Escape");
  await expect(dialog).toBeVisible();
  let_go();
  await expect(dialog.getByText("It was not confirmed. Try again.")).toBeVisible();
  await expect(dialog.getByLabel("Name")).toHaveValue("ci");
});

test("what undecided programs get is chosen here", async ({ page, world }) => {
  await page.goto("/#/access");
  const choice = page.getByLabel("When nothing is decided");
  await expect(choice).toHaveValue("ask");
  await expect(page.getByText("what nothing is decided about is refused")).toBeVisible();
  await choice.selectOption("allow");
  await expect(page.getByText("Every program that runs as your user gets every token")).toBeVisible();
  await expect.poll(() => world.socket("GET", "settings")).toMatchObject({ access_policy: "allow" });
  await choice.selectOption("deny");
  await expect(page.getByText("A program gets only what you allowed.")).toBeVisible();
});

test("with a client key the page says why it shows nothing", async ({ page }) => {
  await page.unrouteAll();
  await page.goto("/#/access");
  await expect(page.getByText(/A client key can neither see nor change/)).toBeVisible();
  await expect(page.getByRole("button", { name: "New client key…" })).toHaveCount(0);
});

test("how it looks", async ({ page, world, look }) => {
  test.setTimeout(180_000);
  await page.route("**/api/v1/clients", (route) => route.fulfill({ json: { clients: [] } }));
  await page.goto("/#/access");
  await page.getByText("No answers are remembered.").waitFor();
  await page.getByText("None. A program that cannot reach the socket").waitFor();
  await look("access-empty");
  await page.unroute("**/api/v1/clients");
  await world.authenticator("GitHub", "github", ["openid", "email"]);
  await world.authenticator("Google", "google", ["openid", "email"]);
  await world.authenticator("Nightly builds of the data team");
  await world.signIn("github");
  await world.signIn("github", "grace", "work");
  await world.signIn("google", "linus");
  await world.signIn("nightly-builds-of-the-data-team");
  for (const [name, connection, body] of [
    ["report.py", "google", { verdict: "allow", only_proxy: true, lasts: "hour" }],
    ["deploy-of-the-whole-site-and-everything-else.py", "github", { verdict: "allow", only_project: true }],
    ["deploy-of-the-whole-site-and-everything-else.py", "nightly-builds-of-the-data-team", { verdict: "allow" }],
    ["curious.py", "github%2Fwork", { verdict: "deny" }],
  ] as const) {
    await world.script(name, connection);
    await answer(world, name, body);
  }
  await world.script("sync.py", "github%2Fwork");
  await world.script("again.py", "google");
  const { approvals } = await world.socket<Approvals>("GET", "approvals");
  await world.socket("POST", `approvals/${approvals[0]?.id}/show`);
  await keepPort(world);
  await world.socket("POST", "clients", { name: "notebook", connections: ["google"], expires_in: 6_000_000 });
  await world.socket("POST", "clients", { name: "ci-box", manage: true });
  await page.reload();
  await row(page, "ci-box").waitFor();
  await look("access");
  await page.getByRole("button", { name: "Remove report.py" }).click();
  await look("access-remove");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New client key…" }).click();
  await look("access-new-key");
  await page.getByLabel("All, also those added later").check();
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("button", { name: "Copy the key" }).waitFor();
  await look("access-key");
  await page.getByRole("button", { name: "Done" }).click();
  await page.locator("main").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await look("access-end");
  await page.goto("/#/connections");
  await page.locator("main li").getByRole("link", { name: "GitHub", exact: true }).click();
  await page.getByText("Programs that may use it").scrollIntoViewIfNeeded();
  await look("access-details");
});
