// The only file that knows Tauri.
import { Channel, invoke } from "@tauri-apps/api/core";
import { AgentGone, type Backend, type ShellState, type StreamEar } from "./backend";

interface Answer {
  status: number;
  body: string;
}

/** Its requests never reach a network: only path, method and body cross the bridge. */
const BASE = "http://agent.invalid";

async function send(request: Request): Promise<Response> {
  const path = request.url.slice(BASE.length);
  const text = await request.text();
  const body = text === "" ? null : text;
  const answer = await invoke<Answer>("request", { method: request.method, path, body });
  const headers = { "content-type": "application/json" };
  return new Response(answer.body, { status: answer.status, headers });
}

/** The shell sends the end of the stream as an empty piece. */
async function follow(path: string, ear: StreamEar, abort: AbortSignal): Promise<void> {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const onText = new Channel<string>((piece) => (piece === "" ? end() : ear.text(piece)));
  abort.addEventListener("abort", () => {
    end();
    // A stream that has ended by itself cannot be ended again.
    void invoke("unfollow", { id: onText.id }).catch(() => undefined);
  });
  const status = await invoke<number>("follow", { path, onText });
  if (status !== 200) throw new AgentGone();
  ear.begun();
  await ended;
}

export const tauri: Backend = {
  base: BASE,
  fetch: send,
  follow,
  openUrl: (url) => invoke("open_url", { url }),
  save: (name, _type, text) => invoke<string>("save_file", { name, text }),
  desktop: {
    state: () => invoke<ShellState>("shell_state"),
    setAutostart: (enabled) => invoke("set_autostart", { enabled }),
    loginOfferDone: () => invoke("login_offer_done"),
    beginDemo: () => invoke<string>("begin_demo"),
    openLogFolder: () => invoke("open_log_folder"),
    firstStartDone: () => invoke("first_start_done"),
    async copyToken(connection) {
      const copied = await invoke<{ clears_in_seconds: number }>("copy_token", { connection });
      return copied.clears_in_seconds;
    },
    refreshNow: (connection) => invoke("refresh_now", { connection }),
  },
};
