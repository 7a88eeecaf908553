// Actions on a connection that are confirmed first.
import { api, ask } from "../api/client";
import type { Connection, Disconnected, LogEvent } from "../api/types";
import { backend } from "../backend";
import { live } from "./live.svelte";
import { actorText } from "../words/actor";
import { notices } from "./notices.svelte";
import { profiles } from "./profiles.svelte";
import { signIns } from "./signIns.svelte";

/** The desktop app asks in a window of its own and copies: the token never reaches this page. */
export async function copyToken({ id, name: bare, profile }: Connection): Promise<void> {
  if (!backend.desktop) return;
  const seconds = await backend.desktop.copyToken(id);
  const name = profiles.qualified(bare, profile);
  notices.done(`A token of ${name} is on the clipboard.`, `The clipboard is cleared in ${seconds} seconds.`);
}

/** A program that got a token, and when it last did. */
export interface User {
  name: string;
  at: string;
}

/** Programs that got a token this recently stop working. */
const IN_USE_MS = 24 * 60 * 60_000;

/** One question that names the programs that would stop working: the answer disconnects what is in use, too. */
class Disconnecting {
  connection = $state.raw<Connection | null>(null);
  /** Null: not read yet. */
  users = $state.raw<User[] | null>(null);

  open(connection: Connection): void {
    this.connection = connection;
    this.users = null;
    void this.#read(connection.id);
  }

  close(): void {
    this.connection = null;
  }

  async confirm(): Promise<void> {
    if (!this.connection) return;
    const params = { path: { id: this.connection.id }, query: { force: true } };
    const done = await ask(api.DELETE("/api/v1/credentials/connections/{id}", { params }));
    this.close();
    notifyDisconnected(done);
    await live.refresh("connections", "authenticators", "status");
  }

  async #read(connection: string): Promise<void> {
    const query = { connection, kind: "token.served" as const, limit: 300 };
    const { events } = await ask(api.GET("/api/v1/events", { params: { query } })).catch(() => ({ events: [] }));
    const users = new Map<string, string>();
    for (const { actor, at } of events as LogEvent[]) {
      const name = actorText(actor)?.name;
      if (name && Date.now() - Date.parse(at) < IN_USE_MS) users.set(name, at);
    }
    if (this.connection?.id !== connection) return;
    this.users = [...users].map(([name, at]) => ({ name, at })).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  }
}

export function notifyDisconnected({ name: bare, profile, revocation }: Disconnected): void {
  const name = profiles.qualified(bare, profile);
  switch (revocation.outcome) {
    case "revoked":
      notices.done(`${name} is disconnected.`, "The provider revoked its tokens.");
      break;
    case "not_possible":
      notices.done(`${name} is disconnected.`, `Its tokens stay valid until they expire: ${revocation.reason}`);
      break;
    case "failed":
      notices.done(
        `${name} is disconnected here.`,
        `The provider did not confirm the revocation: ${revocation.reason}`,
      );
      break;
  }
}

/** Signing in again with other scopes. */
class Changing {
  connection = $state.raw<Connection | null>(null);
  scopes = $state.raw<string[]>([]);

  /** `added` are chosen beside those that it has. */
  open(connection: Connection, added: readonly string[] = []): void {
    this.connection = connection;
    this.scopes = [...new Set([...connection.scopes, ...added])];
  }

  close(): void {
    this.connection = null;
  }

  async confirm(): Promise<void> {
    const { connection, scopes } = this;
    if (!connection) return;
    this.close();
    const needed = connection.needed_scopes;
    const isNeeded = needed?.scopes.some((scope) => scopes.includes(scope)) ?? false;
    const reason = needed && isNeeded ? `${needed.host} refused a request without it` : undefined;
    await signIns.begin({ authenticatorId: connection.authenticator_id, connection, scopes, reason });
  }
}

export const changing = new Changing();
export const disconnecting = new Disconnecting();
