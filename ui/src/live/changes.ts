// Changes that the person makes. Each resolves when the agent has done it and the snapshot is read again.
import { api, ask } from "../api/client";
import { backend } from "../backend";
import type { Authenticator, Connection, KeepWarm } from "../api/types";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";
import { profiles } from "./profiles.svelte";

function named({ name, profile }: { name: string; profile: string }): string {
  return profiles.qualified(name, profile);
}

export async function setActive(authenticator: Authenticator, active: boolean): Promise<void> {
  const params = { path: { id: authenticator.id } };
  await ask(api.PATCH("/api/v1/oauth/authenticators/{id}", { params, body: { is_active: active } }));
  await live.refresh("authenticators", "connections");
  const name = profiles.qualified(authenticator.display_name, authenticator.profile);
  notices.done(active ? `${name} is enabled again.` : `${name} is disabled: no sign-ins, no tokens; nothing is lost.`);
}

/** Asks the provider whether it accepts the token; refreshes an expired one first. */
export async function check(connection: Connection): Promise<void> {
  const params = { path: { id: connection.id } };
  const told = await ask(api.POST("/api/v1/credentials/connections/{id}/test", { params }));
  await live.refresh("connections");
  const account = told.account ? ` as ${told.account}` : "";
  notices.done(
    told.method === "stored"
      ? `${named(connection)} has a token that has not expired. Its provider has no way to check it.`
      : `${named(connection)} works: the provider accepts the token${account} (${told.elapsed_ms} ms).`,
  );
}

/** Forces a refresh. Only the desktop app can do it without showing the token. */
export async function refreshNow(connection: Connection): Promise<void> {
  await backend.desktop?.refreshNow(connection.id);
  await live.refresh("connections");
  notices.done(`${named(connection)} has a new token.`);
}

export function canRefresh({ refreshable, status }: Connection): boolean {
  return backend.desktop !== null && refreshable && (status === "active" || status === "expired");
}

export async function rename(connection: Connection, account: string | null): Promise<void> {
  const params = { path: { id: connection.id } };
  const view = await ask(api.PATCH("/api/v1/credentials/connections/{id}", { params, body: { account } }));
  await live.refresh("connections", "authenticators");
  notices.done(`${named(connection)} is called ${named(view)} now.`);
}

export async function keepWarm(connection: Connection, keep_warm: KeepWarm): Promise<void> {
  const params = { path: { id: connection.id } };
  await ask(api.PATCH("/api/v1/credentials/connections/{id}", { params, body: { keep_warm } }));
  await live.refresh("connections");
}

/** Asks the person, who answers a dialog of the desktop. */
export async function unlockKeychain(): Promise<void> {
  await backend.desktop?.unlockKeychain();
  await live.refresh("status");
}

export async function setPaused(paused: boolean): Promise<void> {
  await ask(paused ? api.POST("/api/v1/pause") : api.POST("/api/v1/resume"));
  await live.refresh("status");
  notices.done(paused ? "Paused: programs get no tokens." : "Token sharing is resumed.");
}
