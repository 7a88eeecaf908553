// Every page and state: see look.ts.
import { expect, test } from "./look";
import { asDesktop } from "./shell";
import { opening } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

test("the text is drawn with the font of the page", async ({ page }) => {
  await page.goto("/");
  await page.getByText("No connections yet.").waitFor();
  const fonts = await page.evaluate(async () =>
    [...(await document.fonts.ready)].map(({ family, status }) => [family, status]),
  );
  expect(fonts).toEqual([[expect.stringContaining("Inter Variable"), "loaded"]]);
});

test("nothing there yet", async ({ page, world, look }) => {
  await page.route("**/api/**", () => undefined);
  await page.goto("/");
  await page.getByText("Waiting for Valet Key's agent.").waitFor();
  await look("loading");
  await page.unroute("**/api/**");
  await page.reload();
  await page.getByText("No connections yet.").waitFor();
  await look("empty");
  await page.goto("/#/connection/nobody");
  await page.goto("/#/authenticator/nobody");
  await page.getByText("There is no such authenticator any more.").waitFor();
  await look("authenticator-gone");
  const detail = {
    code: "internal",
    message: "the database cannot be read",
    reason: "disk I/O error",
    hint: "look at the log",
  };
  await page.route("**/api/v1/oauth/providers", (route) => route.fulfill({ status: 500, json: { detail } }));
  await page.reload();
  await page.getByRole("heading", { name: "The database cannot be read." }).waitFor();
  await look("failed");
  await page.unroute("**/api/v1/oauth/providers");
  await world.stage("kill");
  await page.reload();
  await page.getByRole("heading", { name: "Valet Key's agent does not answer" }).waitFor();
  await look("gone");
});

test("the first start", async ({ page, world, look }) => {
  await asDesktop(page, true);
  await page.goto("/");
  await page.getByRole("heading", { name: "Sign in once. Let your tools drive." }).waitFor();
  await look("first-1");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Your keychain is ready." }).waitFor();
  await look("first-2");
  await world.stage("lock");
  await page.reload();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "The keychain is locked." }).waitFor();
  await look("first-2-locked");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("link", { name: /Connect an account/ }).waitFor();
  await look("first-3");
});

test("a list in every state", async ({ page, world, look }) => {
  test.setTimeout(180_000);
  await world.authenticator("GitHub", "github", ["openid", "email", "repo"]);
  await world.authenticator("Google", "google", [
    "openid",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/calendar.readonly",
  ]);
  await world.authenticator("Slack", "slack", ["openid"]);
  await world.authenticator("Microsoft", "microsoft", ["openid", "email"]);
  await world.authenticator("Nightly builds of the data team");
  const hub = await world.authenticator("Hub");
  await world.authenticator("Spare");
  await world.signIn("github", "ada");
  await world.token("github");
  await world.signIn("github", "grace", "work");
  await world.signIn("google", "linus");
  await world.signIn("microsoft", "grace");
  await world.refuse("microsoft", { kind: "oauth_error", error: "invalid_client" });
  await world.signIn("nightly-builds-of-the-data-team", "ada");
  await world.lose("nightly-builds-of-the-data-team", "ada");
  await world.signIn("hub", "linus");
  await world.agent("PATCH", `oauth/authenticators/${hub}`, { is_active: false });
  await world.agent("POST", "credentials/connections", { authenticator: "slack" });
  await page.goto("/");
  for (const words of ["Connected", "Sign in again", "Signing in…", "Needs fixing", "Disabled", "Not connected"]) {
    await page.getByText(words, { exact: true }).first().waitFor();
  }
  await look("connections");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("no such thing");
  await page.getByText("Nothing matches “no such thing”.").waitFor();
  await look("search-none");
  await page.keyboard.press("Escape");

  const more = page.getByRole("button", { name: "More for GitHub", exact: true });
  await look("menu", async () => {
    await page.keyboard.press("Escape");
    await more.click();
    await page.getByRole("menu").waitFor();
  });
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "GitHub", exact: true }).click();
  await page.getByText("Recent activity").waitFor();
  await look("details");
  await page.getByRole("button", { name: "Disconnect…" }).click();
  await page.getByText("used github within a day").waitFor();
  await look("disconnect-in-use");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  for (const [name, text] of [
    ["Nightly builds of the data team", "Sign in again to get new tokens."],
    ["Microsoft", "Edit authenticator"],
  ] as const) {
    await page.locator("main li").getByRole("link", { name }).click();
    await page.getByText(text).waitFor();
    await look(`details-${text.split(" ")[0]?.toLowerCase()}`);
    await page.keyboard.press("Escape");
  }

  // A sign-in that was denied stands in its row.
  const provider = await opening(page, () => page.getByRole("button", { name: "Connect Spare" }).click());
  await provider.locator("#deny").click();
  await page.getByText("You said no to").waitFor();
  await provider.close();
  await look("denied");

  await page.evaluate(() => {
    Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
    window.dispatchEvent(new Event("offline"));
  });
  await world.agent("POST", "pause");
  await world.stage("lock");
  await page.reload();
  await page.evaluate(() => {
    Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
    window.dispatchEvent(new Event("offline"));
  });
  for (const words of ["The keychain is locked.", "Token sharing is paused.", "This computer is offline."])
    await page.getByText(words).waitFor();
  await look("every-banner");
  await world.stage("restore");

  await page.goto("/#/activity");
  await page.getByText("Today").waitFor();
  await look("activity");
  await look("activity-export", async () => {
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Export" }).click();
  });
  await page.keyboard.press("Escape");
  await page.getByLabel("Filter").fill("no such thing");
  await page.getByText("Nothing matches this filter.").waitFor();
  await look("activity-none");

  await page.goto("/#/connections");
  await page.getByRole("button", { name: "More for Google" }).click();
  await page.getByRole("menuitem", { name: "Edit authenticator…" }).click();
  await page.getByText("in use by google").waitFor();
  await page.getByRole("button", { name: "Advanced" }).click();
  await look("edit");
  await page.getByRole("button", { name: "Remove…" }).click();
  await look("remove");
  await page.keyboard.press("Escape");

  await world.stage("kill");
  await page.goto("/#/connections");
  await page.getByText("Valet Key's agent does not answer.").waitFor();
  await look("gone-while-known");
});

test("adding", async ({ page, look }) => {
  await page.goto("/#/add");
  await page.getByRole("button", { name: "GitHub", exact: true }).waitFor();
  await look("add");
  await page.getByRole("button", { name: "GitHub", exact: true }).click();
  await page.getByText("One-time set-up at GitHub").waitFor();
  await page.getByLabel("Client secret").fill("ghp_0123456789");
  await page.getByText("This looks like a GitHub access token").waitFor();
  await look("add-github");
  for (const id of ["atlassian", "gitlab", "okta", "reddit", "salesforce", "stripe"]) {
    await page.goto(`/#/add/${id}`);
    await page.getByText("One-time set-up").waitFor();
    await look(`add-${id}`);
  }
  await page.getByRole("button", { name: "Another provider…" }).click();
  await page.getByRole("button", { name: "Custom" }).click();
  await page.getByRole("button", { name: "Advanced" }).click();
  await page.getByLabel("Token URL").fill("http://login.example.com/token");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Enter the client ID.").waitFor();
  await look("add-problems");
  await page
    .getByLabel("File to import")
    .setInputFiles({ name: "odd.json", mimeType: "application/json", buffer: Buffer.from("[]") });
  await page.locator(".notice.failed").waitFor();
  await page.getByLabel("Find a provider").fill("no such thing");
  await page.getByText("No provider matches.").waitFor();
  await look("add-odd-file");
  await page.keyboard.press("Escape");
  const one = { authenticator_type: "github", client_id: "Iv1.x", client_secret: "${HUB_SECRET}", scopes: ["repo"] };
  const list = {
    authenticators: [
      { ...one, name: "hub" },
      { ...one, name: "ci", client_secret: "0123456789abcdef" },
    ],
  };
  await page
    .getByLabel("File to import")
    .setInputFiles({ name: "all.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(list)) });
  await page.getByText("Ready to add.").waitFor();
  await page.locator("main").evaluate((main) => main.scrollTo(0, 0));
  await look("import-list");
});

test("what only the desktop app has", async ({ page, world, look }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  await world.authenticator("Other");
  await world.signIn("other");
  await page.goto("/");
  await page.getByRole("button", { name: "Connect Demo" }).click();
  await page.getByText("No browser could be started.").waitFor();
  await look("no-browser");
  await page.getByRole("button", { name: "More for Other" }).click();
  await page.getByRole("menuitem", { name: "Copy token…" }).click();
  await page.getByText("The clipboard is cleared in 30 seconds.").waitFor();
  await page.goto("/#/settings");
  await page.getByText("No tray host answers.").waitFor();
  await look("settings");
  await page.locator("main").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await look("settings-end");
});

test("who wants less motion gets none", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  const moving = (): Promise<number> =>
    page.evaluate(
      () =>
        [...document.querySelectorAll("*")].filter(
          (node) =>
            getComputedStyle(node).animationName !== "none" || getComputedStyle(node).transitionDuration !== "0s",
        ).length,
    );
  for (const reducedMotion of ["no-preference", "reduce"] as const) {
    await page.emulateMedia({ reducedMotion });
    await page.goto("/#/connections");
    await page.getByRole("link", { name: "Demo" }).click();
    await page.getByRole("dialog").waitFor();
    expect((await moving()) === 0).toBe(reducedMotion === "reduce");
  }
});
