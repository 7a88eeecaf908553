import type { Actor } from "../api/types";

export interface ActorText {
  /** "node" */
  name: string;
  /** "socket · pid 4711" */
  via: string;
}

/** Null for the agent itself, which needs no mention. */
export function actorText(actor: Actor | null | undefined): ActorText | null {
  switch (actor?.kind) {
    case undefined:
    case "agent":
      return null;
    case "process": {
      const pid = actor.pid == null ? "" : ` · pid ${actor.pid}`;
      const name = actor.executable?.split("/").at(-1) ?? `process ${actor.pid ?? ""}`.trim();
      return { name, via: `socket${pid}` };
    }
    case "key":
      return { name: actor.name, via: "client key" };
    case "window":
      return { name: "this window", via: "this window" };
    case "tray":
      return { name: "the tray", via: "tray menu" };
    case "notification":
      return { name: "a notification", via: "notification" };
    case "approval_window":
      return { name: "you", via: "approval window" };
    case "clipboard":
      return { name: "the clipboard", via: "desktop app" };
    case "connect_page":
      return { name: "the connect page", via: "local link" };
    case "other":
      return { name: actor.name, via: actor.name };
  }
}
