// The desktop shell as a test plays it: what the page asks of it, and what it answers.
import type { Page } from "@playwright/test";

interface Call {
  command: string;
  args: Record<string, unknown>;
}

/** Plays the shell: its commands are answered here, the API behind is real. */
export async function asDesktop(page: Page, firstStart = false): Promise<void> {
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
          const sent =
            typeof args.body !== "string" ? {} : { body: args.body, headers: { "content-type": "application/json" } };
          const response = await fetch(String(args.path), { method: String(args.method), ...sent });
          return { status: response.status, body: await response.text() };
        }
        case "follow":
          return follow(String(args.path), args.onText?.id ?? 0);
        case "shell_state":
          return {
            version: "9.9.9",
            autostart,
            tray_problem: "No tray host answers.",
            notification_problem: null,
            log_folder: "/home/ada/.local/state/valetkey",
            first_start: firstStart,
            login_offered: loginOffered,
            demo: true,
          };
        case "set_autostart":
          autostart = args.enabled === true;
          loginOffered = true;
          return null;
        case "login_offer_done":
          loginOffered = true;
          return null;
        case "copy_token":
          return { clears_in_seconds: 30 };
        case "refresh_now": {
          const path = `/api/v1/credentials/connections/${String(args.connection)}/refresh`;
          const response = await fetch(path, { method: "POST" });
          if (!response.ok) throw ((await response.json()) as { detail: unknown }).detail;
          return null;
        }
        case "open_url":
          // The shell rejects with the API's error, which is no Error.
          // eslint-disable-next-line @typescript-eslint/only-throw-error
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

export function calls(page: Page, command: string): Promise<Call[]> {
  return page.evaluate(
    (command) => (window as unknown as { calls: Call[] }).calls.filter((one) => one.command === command),
    command,
  );
}
