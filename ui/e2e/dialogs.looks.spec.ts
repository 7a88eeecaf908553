// Every dialog, menu, message and kind of row that needs a situation of its own: see look.ts.
import { test } from "./look";
import { asDesktop } from "./shell";
import { anotherAccount, opening } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

test("dialogs and menus of a connection", async ({ page, world, look }) => {
  await asDesktop(page);
  await world.authenticator("GitHub", "github", ["read:user", "repo"]);
  await world.signIn("github");
  await page.goto("/");
  const more = page.getByRole("button", { name: "More for GitHub", exact: true });
  const choose = async (words: string): Promise<void> => {
    await more.click();
    await page.getByRole("menuitem", { name: words }).click();
  };
  await page.getByRole("button", { name: "Disconnect GitHub" }).click();
  await page.getByText("No program has used it yet.").waitFor();
  await look("disconnect");
  await page.keyboard.press("Escape");
  await choose("Change access…");
  const access = page.getByRole("dialog", { name: "Change access of github" });
  await look("change-access");
  await access.getByRole("button", { name: "Read notifications" }).click();
  await access.getByRole("button", { name: "Know who you are" }).click();
  await look("change-access-difference");
  await page.keyboard.press("Escape");

  await look("sidebar-menu", async () => {
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Valet Key menu" }).click();
  });
  await page.getByRole("menuitem", { name: "Doctor" }).click();
  await page.getByText("OK", { exact: true }).first().waitFor();
  await look("doctor");
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "GitHub", exact: true }).click();
  await page.getByText("Recent activity").waitFor();
  await look("drawer");
  await look("drawer-menu", async () => {
    await page.keyboard.press("Escape");
    if (await page.getByRole("dialog").isHidden())
      await page.getByRole("link", { name: "GitHub", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "More for GitHub" }).click();
  });
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").getByText("All of its activity").scrollIntoViewIfNeeded();
  await look("drawer-end");
});

test("another account, and messages", async ({ page, world, look }) => {
  await (await anotherAccount(page, world)).waitFor();
  await look("other-account");
  await page.getByLabel("Label of the new connection").fill("grace");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText(/is called/).waitFor();
  await look("message");
  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByRole("button", { name: /steps/ }).first().click();
  await look("activity-unfolded");
});

test("what needs the person, one thing at a time", async ({ page, world, look }) => {
  await asDesktop(page);
  await world.authenticator("Slack", "slack", ["openid", "users:read"]);
  await world.signIn("slack");
  await world.lose("slack");
  await page.goto("/");
  await page.getByText("needs you to sign in again.").waitFor();
  await look("banner");
  await world.agent("POST", "pause");
  await page.getByText("Token sharing is paused.").waitFor();
  await look("paused");
  await world.agent("POST", "resume");
  await world.stage("lock");
  await page.reload();
  await page.getByText("The keychain is locked.").waitFor();
  await look("keychain-locked");
});

test("a pending sign-in and failures in rows", async ({ page, world, look }) => {
  const wrong = await world.authenticator("Wrong secret");
  await world.agent("PATCH", `oauth/authenticators/${wrong}`, { client_secret: "wrong" });
  await world.authenticator("Denied");
  await world.authenticator("Waiting");
  await world.authenticator("Unreachable");
  await page.goto("/");
  const open = async (name: string): Promise<void> => {
    const provider = await opening(page, () => page.getByRole("button", { name: `Connect ${name}` }).click());
    if (name === "Denied") await provider.locator("#deny").click();
    await page.bringToFront();
  };
  await open("Denied");
  await page.getByText("You said no to").waitFor();
  await world.consent("ada");
  await open("Wrong secret");
  await page.getByRole("button", { name: "Edit authenticator of Wrong secret" }).waitFor();
  await world.provider("PATCH", "settings", { consent: "ask" });
  await open("Waiting");
  await look("pending");
  await page.getByRole("button", { name: "Paste the address" }).click();
  await page.getByLabel("Address that the browser ended on").fill("http://127.0.0.1/callback?code=1&state=wrong");
  await page.getByRole("button", { name: "Finish" }).click();
  await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  await look("pending-paste");
});

test("each check of the form", async ({ page, world, look }) => {
  await world.authenticator("taken");
  await page.goto("/#/add/google");
  await page.getByLabel("Name", { exact: true }).fill("taken");
  await page.getByLabel("Client ID").fill("GOCSPX-0123");
  await page.getByLabel("Client secret").fill("two words");
  await page.getByText("It contains a space.").waitFor();
  await look("add-checks");
  await page.goto("/#/add/microsoft");
  await page.getByText("One-time set-up at Microsoft").waitFor();
  await look("add-microsoft");
  await page.goto("/#/add/slack");
  await page.getByLabel("Add scopes").fill("admin");
  await page.keyboard.press("Enter");
  await look("add-slack");
  await page.locator("main").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await look("add-slack-end");
  await page.goto("/#/add/custom");
  await page.getByLabel("Authorization URL").fill("login.example.com/authorize");
  await page.getByLabel("Token URL").fill("http://login.example.com/token");
  await page.getByLabel("Token URL").scrollIntoViewIfNeeded();
  await look("add-urls");
  await page.getByLabel("File to import").setInputFiles({
    name: "client_secret_1.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify({ installed: { client_id: "1.apps.googleusercontent.com" } })),
  });
  await page.getByRole("dialog", { name: "Replace what is in the form" }).waitFor();
  await look("replace-form");
});

test("two profiles", async ({ page, world, look }) => {
  await world.authenticator("Demo");
  await world.authenticator("Demo", "custom", ["openid", "email"], { profile: "staging" });
  await world.signIn("demo");
  await page.goto("/");
  await page.getByText("Connected", { exact: true }).waitFor();
  await look("profiles");
  await page.goto("/#/settings");
  await page.getByText("Profile in view").waitFor();
  await look("settings-browser");
});
