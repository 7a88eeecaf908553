// The only file that knows Tauri.
import { Channel, invoke } from "@tauri-apps/api/core";
import { AgentGone, type Backend, type StreamHandlers } from "./backend";
import type { Command, Reply } from "./shell.gen";

type Name = Command["command"];
type Args<N extends Name> = Extract<Command, { command: N }>["args"];
type ReplyTo<N extends Name> = Extract<Reply, { command: N }>["reply"];

function call<N extends Name>(command: N, args: Args<N>): Promise<ReplyTo<N>> {
  return invoke<ReplyTo<N>>(command, args);
}

/** Its requests never reach a network: only path, method and body cross the bridge. */
const BASE = "http://agent.invalid";

async function send(request: Request): Promise<Response> {
  const path = request.url.slice(BASE.length);
  const text = await request.text();
  const body = text === "" ? null : text;
  const answer = await call("request", { method: request.method, path, body });
  const headers = { "content-type": "application/json" };
  return new Response(answer.body, { status: answer.status, headers });
}

/** The shell sends the end of the stream as an empty piece. */
async function follow(path: string, handlers: StreamHandlers, abort: AbortSignal): Promise<void> {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const onText = new Channel<string>((piece) => (piece === "" ? end() : handlers.text(piece)));
  abort.addEventListener("abort", () => {
    end();
    // It may have ended already.
    void call("unfollow", { id: onText.id }).catch(() => undefined);
  });
  const status = await call("follow", { path, onText });
  if (status !== 200) throw new AgentGone();
  handlers.begun();
  await ended;
}

export const tauri: Backend = {
  base: BASE,
  fetch: send,
  follow,
  openUrl: (url) => call("open_url", { url }),
  save: (name, _type, text) => call("save_file", { name, text }),
  desktop: {
    state: () => call("shell_state", {}),
    setAutostart: (enabled) => call("set_autostart", { enabled }),
    loginOfferDone: () => call("login_offer_done", {}),
    beginDemo: () => call("begin_demo", {}),
    openLogFolder: () => call("open_log_folder", {}),
    firstStartDone: () => call("first_start_done", {}),
    unlockKeychain: () => call("unlock_keychain", {}),
    quit: () => call("quit", {}),
    async copyToken(connection) {
      const copied = await call("copy_token", { connection });
      return copied.clears_in_seconds;
    },
    refreshNow: (connection) => call("refresh_now", { connection }),
  },
};
