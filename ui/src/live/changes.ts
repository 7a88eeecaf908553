// Changes that the person makes. Each resolves when the agent has done it and the snapshot is read again.
import { api, ask } from "../api/client";
import { backend } from "../backend";
import type { Authenticator, Connection, KeepWarm } from "../api/types";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";

export async function setActive(authenticator: Authenticator, active: boolean): Promise<void> {
  const params = { path: { id: authenticator.id } };
  await ask(api.PATCH("/api/v1/oauth/authenticators/{id}", { params, body: { is_active: active } }));
  await live.refresh("authenticators", "connections");
  notices.done(
    active
      ? `${authenticator.display_name} is enabled again.`
      : `${authenticator.display_name} is disabled: no sign-ins, no tokens; nothing is lost.`,
  );
}

/** Asks the provider whether it accepts the token; refreshes an expired one first. */
export async function check(connection: Connection): Promise<void> {
  const params = { path: { id: connection.id } };
  const told = await ask(api.POST("/api/v1/credentials/connections/{id}/test", { params }));
  await live.refresh("connections");
  const account = told.account ? ` as ${told.account}` : "";
  notices.done(
    told.method === "stored"
      ? `${connection.name} has a token that lives; its provider cannot be asked about it.`
      : `${connection.name} works: the provider knows you${account} (${told.elapsed_ms} ms).`,
  );
}

/** Forces a refresh. Only the desktop app can do it without showing the token. */
export async function refreshNow(connection: Connection): Promise<void> {
  await backend.desktop?.refreshNow(connection.id);
  await live.refresh("connections");
  notices.done(`${connection.name} has a new token.`);
}

export function canRefresh({ refreshable, status }: Connection): boolean {
  return backend.desktop !== null && refreshable && (status === "active" || status === "expired");
}

export async function rename(connection: Connection, account: string | null): Promise<void> {
  const params = { path: { id: connection.id } };
  const view = await ask(api.PATCH("/api/v1/credentials/connections/{id}", { params, body: { account } }));
  await live.refresh("connections", "authenticators");
  notices.done(`${connection.name} is called ${view.name} now.`);
}

export async function keepWarm(connection: Connection, keep_warm: KeepWarm): Promise<void> {
  const params = { path: { id: connection.id } };
  await ask(api.PATCH("/api/v1/credentials/connections/{id}", { params, body: { keep_warm } }));
  await live.refresh("connections");
}

export async function setPaused(paused: boolean): Promise<void> {
  await ask(paused ? api.POST("/api/v1/pause") : api.POST("/api/v1/resume"));
  await live.refresh("status");
  notices.done(paused ? "Paused: programs get no tokens." : "Token sharing is resumed.");
}
