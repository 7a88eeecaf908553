// What the desktop shell adds, with the shell's commands played by the test: the API behind is real.
import type { Page } from "@playwright/test";
import { expect, test } from "./world";

interface Call {
  command: string;
  args: Record<string, unknown>;
}

async function asDesktop(page: Page, firstStart = false): Promise<void> {
  await page.addInitScript((firstStart) => {
    type Args = Record<string, unknown> & { onText?: { id: number } };
    const callbacks = new Map<number, (message: unknown) => void>();
    const calls: { command: string; args: unknown }[] = [];
    let autostart = false;
    let loginOffered = false;
    async function follow(path: string, id: number): Promise<number> {
      const response = await fetch(path);
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      void (async () => {
        for (let index = 0; ; index++) {
          const piece = await reader?.read();
          callbacks.get(id)?.({ index, message: piece?.value ?? "" });
          if (!piece || piece.done) return;
        }
      })();
      return response.status;
    }
    async function invoke(command: string, args: Args): Promise<unknown> {
      calls.push({ command, args });
      switch (command) {
        case "request": {
          const sent = args["body"] === null ? {} : { body: String(args["body"]), headers: { "content-type": "application/json" } };
          const response = await fetch(String(args["path"]), { method: String(args["method"]), ...sent });
          return { status: response.status, body: await response.text() };
        }
        case "follow":
          return follow(String(args["path"]), args.onText?.id ?? 0);
        case "shell_state":
          return {
            version: "9.9.9", autostart, tray_problem: "No tray host answers.",
            notification_problem: null, log_folder: "/home/ada/.local/state/valetkey", first_start: firstStart, login_offered: loginOffered,
          };
        case "set_autostart":
          autostart = args["enabled"] === true;
          loginOffered = true;
          return null;
        case "login_offer_done":
          loginOffered = true;
          return null;
        case "copy_token":
          return { clears_in_seconds: 30 };
        case "refresh_now": {
          const path = `/api/v1/credentials/connections/${String(args["connection"])}/refresh`;
          const response = await fetch(path, { method: "POST" });
          if (!response.ok) throw ((await response.json()) as { detail: unknown }).detail;
          return null;
        }
        case "open_url":
          throw { code: "browser", message: "no browser could be started", hint: "set one in the settings" };
        default:
          return null;
      }
    }
    const transformCallback = (callback: (message: unknown) => void): number => {
      callbacks.set(callbacks.size + 1, callback);
      return callbacks.size;
    };
    const unregisterCallback = (id: number): boolean => callbacks.delete(id);
    Object.assign(window, { __TAURI_INTERNALS__: { invoke, transformCallback, unregisterCallback }, calls });
  }, firstStart);
}

function calls(page: Page, command: string): Promise<Call[]> {
  return page.evaluate((command) => (window as unknown as { calls: Call[] }).calls.filter((one) => one.command === command), command);
}

test("copying a token is asked about, and the token stays away from the page", async ({ page, world }) => {
  await asDesktop(page);
  await world.authenticator("Demo");
  const id = await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Copy token…" }).click();
  expect(await calls(page, "copy_token")).toEqual([]);
  await page.getByRole("button", { name: "Copy token", exact: true }).click();
  await expect(page.getByText("The clipboard is cleared in 30 seconds.")).toBeVisible();
  expect(await calls(page, "copy_token")).toMatchObject([{ args: { connection: id } }]);
  const asked = (await calls(page, "request")).map(({ args }) => String(args["path"]));
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
  const asked = (await calls(page, "request")).map(({ args }) => String(args["path"]));
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
  const address = await page.getByText(/^http.*\/authorize\?/).textContent();
  await world.consent("ada");
  await fetch(String(address));
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await expect(page.getByText("No browser could be started.")).toBeHidden();
});

test("events reach the window through the shell", async ({ page, world }) => {
  await asDesktop(page);
  await page.goto("/");
  await expect(page.getByText("Nobody is signed in yet.")).toBeVisible();
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

test("the first start is three steps, and can be skipped", async ({ page }) => {
  await asDesktop(page, true);
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in once. Let your tools drive." })).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Your keychain is ready." })).toBeVisible();
  await page.getByRole("button", { name: "Skip" }).click();
  await expect(page.getByText("Nobody is signed in yet.")).toBeVisible();
  await expect.poll(async () => (await calls(page, "first_start_done")).length).toBeGreaterThan(0);
});
