import { anotherAccount, expect, opening, PROVIDER, test } from "./world";

test("from nothing to connected, with every mistake named on the way", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByText("No connections yet.")).toBeVisible();
  await page.getByRole("link", { name: /Any OAuth provider/ }).click();

  await page.getByLabel("Name", { exact: true }).fill("Demo");
  await page.getByLabel("Client secret").fill("ghp_0123456789");
  await expect(page.getByText("This looks like a GitHub access token")).toBeVisible();
  await page.getByLabel("Token URL").fill("http://login.example.com/token");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Enter the client ID.")).toBeVisible();
  await expect(page.getByText("Enter the authorization URL.")).toBeVisible();
  await expect(page.getByText("it must be https")).toBeVisible();
  await expect(page.getByText(/client_id|authorize_url/)).toHaveCount(0);

  await page.getByLabel("Client ID").fill("demo");
  await expect(page.getByText("Enter the client ID.")).toBeHidden();
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

test("a failed sign-in stands in its row until the next attempt", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  const row = page.locator('[data-connection="demo"]');
  const connect = row.getByRole("button", { name: "Connect Demo" });
  const provider = await opening(page, () => connect.click());
  await provider.locator("#deny").click();
  await expect(row.getByText("You said no to")).toBeVisible();
  await expect(row.getByText("Not connected")).toBeVisible();
  await expect(row.getByText("valetkey ")).toHaveCount(0);
  await expect(page.locator(".notice")).toHaveCount(0);
  await opening(page, () => connect.click());
  await expect(row.getByText("You said no to")).toBeHidden();
});

test("a request that fails stands in its row", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  const detail = { code: "internal", message: "the database is full", hint: "make room on the disk" };
  await page.route("**/api/v1/credentials/connections", (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 500, json: { detail } }) : route.fallback(),
  );
  const row = page.locator('[data-connection="demo"]');
  await row.getByRole("button", { name: "Connect Demo" }).click();
  await expect(row.getByText("The database is full.")).toBeVisible();
  await expect(row.getByText("Make room on the disk.")).toBeVisible();
  await expect(page.locator(".notice")).toHaveCount(0);
});

test("a message covers no button", async ({ page, world }) => {
  await page.setViewportSize({ width: 1040, height: 480 });
  for (let count = 1; count <= 9; count++) await world.authenticator(`Demo ${count}`);
  await world.signIn("demo-1");
  await page.goto("/");
  await page.getByRole("button", { name: "Disconnect Demo 1" }).click();
  await page.getByRole("button", { name: "Disconnect", exact: true }).click();
  await page.getByText("The provider revoked its tokens.").waitFor();
  const covered = await page.evaluate(() => {
    const main = document.querySelector("main");
    main?.scrollTo(0, main.scrollHeight);
    const bottom = main?.getBoundingClientRect().bottom ?? 0;
    const notices = [...document.querySelectorAll(".notice")].map((notice) => notice.getBoundingClientRect());
    return [...document.querySelectorAll("main button, nav button")].filter((button) => {
      const at = button.getBoundingClientRect();
      return notices.some(
        ({ left, top }) => at.right > left && at.bottom > top && at.top < Math.min(bottom, innerHeight),
      );
    }).length;
  });
  expect(covered).toBe(0);
});

test("rows keep their place when their state changes", async ({ page, world }) => {
  for (const name of ["Alpha", "Beta", "Gamma"]) await world.authenticator(name);
  await page.goto("/");
  const names = page.locator("main li .name a");
  await expect(names).toHaveText(["Alpha", "Beta", "Gamma"]);
  const connect = page.getByRole("button", { name: "Connect Gamma" });
  const provider = await opening(page, () => connect.click());
  await expect(page.getByText("Signing in…")).toBeVisible();
  await expect(names).toHaveText(["Alpha", "Beta", "Gamma"]);
  await expect(page.getByRole("button", { name: "Cancel the sign-in of Gamma" })).toBeFocused();
  await provider.locator("#allow").click();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(names).toHaveText(["Alpha", "Beta", "Gamma"]);
});

test("the banner's names lead to their connections", async ({ page, world }) => {
  for (const [name, who] of [
    ["Alpha", "ada"],
    ["Beta", "grace"],
  ] as const) {
    await world.authenticator(name);
    await world.lose(await world.signIn(name.toLowerCase(), who), who);
  }
  await page.goto("/");
  const banner = page.getByRole("region", { name: "2 connections need you to sign in again." });
  await banner.getByRole("link", { name: "Beta (grace@example.com)" }).click();
  await expect(page.getByRole("dialog", { name: "Details of beta" })).toBeVisible();
});

test("what is cut is in a tooltip, and space is used before anything is cut", async ({ page, world }) => {
  await page.setViewportSize({ width: 1040, height: 700 });
  await world.authenticator("Demo", "custom", ["openid", "email", "files.read", "files.write"]);
  await world.signIn("demo");
  await page.goto("/");
  const scopes = page.getByText("ada@example.com · openid, email, files.read, files.write");
  await expect(scopes).toBeVisible();
  const isWhole = (node: Element): boolean =>
    node.scrollWidth <= node.clientWidth && node.scrollHeight <= node.clientHeight;
  expect(await scopes.evaluate(isWhole)).toBe(true);
  await expect(page.locator('[data-connection="demo"] .name')).toHaveAttribute("title", "Demo");
});

test("a failed sign-in is in its row in a window that opens later", async ({ page, world }) => {
  await world.deny(await world.authenticator("Demo"));
  await page.goto("/");
  await expect(page.locator('[data-connection="demo"]').getByText("You said no to")).toBeVisible();
});

test("a failed sign-in stays in its row when the agent starts again, until it is hidden", async ({ page, world }) => {
  await world.deny(await world.authenticator("Demo"));
  const remembered = async (): Promise<number> => {
    const list = await world.agent<{ authenticators: { failed_sign_in?: object | null }[] }>(
      "GET",
      "oauth/authenticators",
    );
    return list.authenticators.filter(({ failed_sign_in }) => failed_sign_in != null).length;
  };
  await expect.poll(remembered).toBe(1);
  await world.stage("kill");
  await world.stage("restore");
  await page.goto("/");
  const row = page.locator('[data-connection="demo"]');
  await expect(row.getByText("You said no to")).toBeVisible();
  await row.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Hide the message" }).click();
  await expect(row.getByText("You said no to")).toBeHidden();
});

test("a wrong client secret leads to the form of the authenticator", async ({ page, world }) => {
  const id = await world.authenticator("Demo");
  await world.agent("PATCH", `oauth/authenticators/${id}`, { client_secret: "wrong" });
  await world.consent("ada");
  await page.goto("/");
  await opening(page, () => page.getByRole("button", { name: "Connect Demo" }).click());
  const row = page.locator('[data-connection="demo"]');
  await row.getByRole("button", { name: "Edit authenticator of Demo" }).click();
  await expect(page.getByLabel("Client secret")).toBeVisible();
  await page.getByRole("button", { name: "Back" }).click();
  await expect(row.getByRole("button", { name: "Edit authenticator of Demo" })).toBeVisible();
});

test("any pending sign-in takes the address that the browser ended on", async ({ page, world }) => {
  const id = await world.authenticator("Demo");
  await world.consent("ada");
  await page.goto("/");
  const started = await world.agent<{ authorize_url: string }>("POST", "credentials/connections", {
    authenticator: id,
  });
  const row = page.locator('[data-connection="demo"]');
  await row.getByRole("button", { name: "Paste the address" }).click();
  await row.getByLabel("Address that the browser ended on").fill("http://127.0.0.1/callback?code=1&state=wrong");
  await row.getByRole("button", { name: "Finish" }).click();
  await expect(row.getByRole("alert")).not.toBeEmpty();
  const reply = await fetch(started.authorize_url, { redirect: "manual" });
  await row.getByLabel("Address that the browser ended on").fill(reply.headers.get("location") ?? "");
  await row.getByRole("button", { name: "Finish" }).click();
  await expect(row.getByText("Connected", { exact: true })).toBeVisible();
});

test("a redirect to another machine asks for the address at once", async ({ page, world }) => {
  const redirect = "https://login.example.com/callback";
  await world.provider("PATCH", "settings", {
    clients: [{ id: "demo-confidential", secret: "demo-secret", redirect_uris: [redirect] }],
  });
  await world.authenticator("Demo", "custom", ["openid", "email"], { redirect_uri: redirect });
  await page.goto("/");
  await opening(page, () => page.getByRole("button", { name: "Connect Demo" }).click());
  await expect(page.getByLabel("Address that the browser ended on")).toBeVisible();
});

test("two profiles are told apart", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.authenticator("Demo", "custom", ["openid", "email"], { profile: "staging" });
  await world.signIn("demo");
  await world.signIn("demo", "grace", undefined, "staging");
  await page.goto("/");
  const rows = page.locator("main li");
  await expect(rows.nth(0).getByText("default", { exact: true })).toBeVisible();
  await expect(rows.nth(1).getByText("staging", { exact: true })).toBeVisible();
  await rows.nth(1).getByRole("button", { name: "Disconnect Demo (staging)" }).click();
  const dialog = page.getByRole("dialog", { name: "Disconnect demo (staging)" });
  await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(page.getByText("demo (staging) is disconnected.")).toBeVisible();
  await page.getByRole("link", { name: "Activity" }).click();
  await expect(page.getByText(/^demo \(staging\) disconnected/).first()).toBeVisible();
  await page.getByLabel("Profile").selectOption("default");
  await page.getByRole("link", { name: "Connections" }).click();
  await expect(rows).toHaveCount(1);
});

test("access is changed after the difference was shown", async ({ page, world }) => {
  await world.authenticator("Demo", "custom", ["openid", "email"]);
  await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Change access…" }).click();
  const dialog = page.getByRole("dialog", { name: "Change access of demo" });
  await expect(dialog.getByText("Nothing changes.")).toBeVisible();
  await dialog.getByRole("button", { name: "See your e-mail address", pressed: true }).click();
  await dialog.getByLabel("Add scopes").fill("files.read");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Asks for: files.read")).toBeVisible();
  await expect(dialog.getByText(/^Gives up: .*email/)).toBeVisible();
  await world.consent("ada");
  await opening(page, () => dialog.getByRole("button", { name: "Continue in the browser" }).click());
  await expect(page.getByText(/ · openid, files\.read$/)).toBeVisible();
});

test("another account than the one that was to be renewed is explained, and named", async ({ page, world }) => {
  const dialog = await anotherAccount(page, world);
  await expect(dialog.getByText(/grace@example\.com is not the account of demo/)).toBeVisible();
  await dialog.getByLabel("Label of the new connection").fill("grace");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.locator('[data-connection="demo/grace"]')).toBeVisible();
  await expect(page.locator('[data-connection="demo"]')).toBeVisible();
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
  await expect(page.getByText("No connections yet.")).toBeVisible();
  await expect(page.getByText("The sign-in was cancelled.")).toBeVisible();
});

test("a lost login is one click from the list", async ({ page, world }) => {
  await world.authenticator("Demo");
  const id = await world.signIn("demo");
  await page.goto("/");
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await world.lose(id);
  const banner = page.getByRole("region", { name: "Demo (ada@example.com) needs you to sign in again." });
  await expect(banner).toBeVisible();
  await expect(page.getByText("Sign in again", { exact: true })).toBeVisible();
  await world.consent("ada");
  await opening(page, () => page.getByRole("button", { name: "Reconnect Demo", exact: true }).click());
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(banner).toBeHidden();
});

test("a hand-out is seen without a reload", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/");
  await expect(page.getByText("not used yet")).toBeVisible();
  let read: string[] = ["not looked yet"];
  page.on("request", (request) => read.push(request.url()));
  // The page may still be reading what it started with.
  await expect
    .poll(
      () => {
        const isQuiet = read.length === 0;
        read = [];
        return isQuiet;
      },
      { intervals: [1000] },
    )
    .toBe(true);
  for (let count = 0; count < 5; count++) await world.token("demo");
  await expect(page.getByText("used just now by ui")).toBeVisible();
  expect(read, "a hand-out reads nothing again").toEqual([]);
});

test("disconnecting asks once, names who used it, and tells what was revoked", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await world.token("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "Disconnect Demo" }).click();
  const dialog = page.getByRole("dialog", { name: "Disconnect demo" });
  await expect(dialog.getByRole("listitem")).toHaveText(/^ui, (just now|less than a minute ago|1 min ago)$/);
  await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(page.getByText("The provider revoked its tokens.")).toBeVisible();
  await expect(page.getByText("Not connected")).toBeVisible();
});

test("a code that is entered in another browser is a login", async ({ page, world, browser }) => {
  await world.provider("PATCH", "settings", { device_interval_seconds: 1 });
  await world.authenticator("Demo");
  await page.goto("/");
  const row = page.locator('[data-connection="demo"]');
  await row.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Sign in with a code…" }).click();
  await expect(row.getByRole("img", { name: "QR code of the page" })).toBeVisible();
  await expect(row.getByText("Enter only a code that you asked for yourself")).toBeVisible();
  const address = await row.getByText(/\/device$/).innerText();
  const code = await row.locator(".user-code").innerText();
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(address);
  await elsewhere.getByRole("textbox").fill(code);
  await elsewhere.getByRole("button", { name: "Continue" }).click();
  await elsewhere.getByRole("button", { name: "Allow" }).click();
  await expect(elsewhere.getByText("The device is connected.")).toBeVisible();
  await expect(row.getByText("Connected", { exact: true })).toBeVisible();
  await expect(row.locator(".user-code")).toBeHidden();
});
