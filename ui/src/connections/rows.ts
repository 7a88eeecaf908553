// The list: every connection, every sign-in of a new account, every authenticator
// without a connection. Pure.
import type { Authenticator, Connection } from "../api/types";
import type { Pending } from "../live/signIns.svelte";
import { title as named } from "../words/names";
import { shortScope } from "../words/scopes";
import type { Tone } from "../words/events";

export interface Row {
  key: string;
  authenticator: Authenticator;
  connection: Connection | null;
  pending: Pending | null;
  /** In lower case, for the search. */
  haystack: string;
}

export interface Known {
  authenticators: readonly Authenticator[];
  connections: readonly Connection[];
  pending: readonly Pending[];
  /** Whether the last attempt to add an account to this authenticator failed. */
  hasFailed: (authenticator: string) => boolean;
}

/** Each row keeps its key and its place when its state changes: the key of an authenticator's first row is the
 * authenticator's id, whether it has a connection, a sign-in or neither. */
export function buildRows({ authenticators, connections, pending, hasFailed }: Known): Row[] {
  const byId = new Map(authenticators.map((one) => [one.id, one]));
  const used = new Set<string>();
  const key = (authenticator: Authenticator, other: string): string => {
    const first = !used.has(authenticator.id);
    used.add(authenticator.id);
    return first ? authenticator.id : other;
  };
  const renewing = new Map(
    pending.flatMap((one) => {
      const renewed = renews(one, connections);
      return renewed ? [[renewed, one]] : [];
    }),
  );
  const rows: Row[] = [];
  for (const connection of [...connections].sort(byAge)) {
    const authenticator = byId.get(connection.authenticator_id);
    if (!authenticator) continue;
    const of = { authenticator, connection, pending: renewing.get(connection.id) ?? null };
    rows.push(row(key(authenticator, connection.id), of));
  }
  for (const one of pending) {
    if ([...renewing.values()].includes(one)) continue;
    const authenticator = byId.get(one.authenticatorId);
    if (authenticator)
      rows.push(row(key(authenticator, one.session), { authenticator, connection: null, pending: one }));
  }
  for (const authenticator of authenticators) {
    if (used.has(authenticator.id) && !hasFailed(authenticator.id)) continue;
    rows.push(row(key(authenticator, `${authenticator.id}+`), { authenticator, connection: null, pending: null }));
  }
  return rows.sort(byPlace);
}

/** The connection that it renews. For a sign-in that began elsewhere: the one that needs it. */
function renews(pending: Pending, connections: readonly Connection[]): string | null {
  if (pending.connection) return connections.some(({ id }) => id === pending.connection) ? pending.connection : null;
  const lost = connections.filter(
    ({ authenticator_id, status }) => authenticator_id === pending.authenticatorId && status === "needs_reconnect",
  );
  return lost.length === 1 && !pending.own ? (lost[0]?.id ?? null) : null;
}

function byAge(a: Connection, b: Connection): number {
  return Date.parse(a.created_at) - Date.parse(b.created_at) || a.id.localeCompare(b.id);
}

/** By name. Where two are equal, a later account comes after the first row of its authenticator. */
function byPlace(a: Row, b: Row): number {
  return (
    title(a).localeCompare(title(b)) ||
    a.authenticator.profile.localeCompare(b.authenticator.profile) ||
    a.authenticator.id.localeCompare(b.authenticator.id) ||
    Number(a.key !== a.authenticator.id) - Number(b.key !== b.authenticator.id) ||
    a.key.localeCompare(b.key)
  );
}

function row(
  key: string,
  { authenticator, connection, pending }: Pick<Row, "authenticator" | "connection" | "pending">,
): Row {
  const words = [
    authenticator.display_name,
    authenticator.name,
    authenticator.provider,
    connection?.name,
    connection?.account.display_name,
    connection?.provider_name,
    ...(connection?.scopes ?? authenticator.scopes),
  ];
  return {
    key,
    authenticator,
    connection,
    pending,
    haystack: words.filter(Boolean).join(" ").toLowerCase(),
  };
}

export function matching(rows: readonly Row[], search: string): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ haystack }) => words.every((word) => haystack.includes(word)));
}

/** For labels and sorting. */
export function title({ authenticator, connection }: Pick<Row, "authenticator" | "connection">): string {
  return named(authenticator, connection);
}

export function subtitle({ authenticator, connection }: Row): string {
  const scopes = (connection?.scopes ?? authenticator.scopes).map(shortScope).join(", ");
  return [connection?.account.display_name, connection?.api_key?.name, scopes].filter(Boolean).join(" · ");
}

export interface RowState {
  tone: Tone;
  words: string;
}

/** Whether it works, but a host asks for more than it may do. A key may do what it was made for. */
function lacksScopes({ status, needed_scopes, api_key }: Connection): boolean {
  return !api_key && (status === "active" || status === "refreshing") && (needed_scopes?.is_offered ?? false);
}

export type PrimaryAction =
  "allow" | "connect" | "reconnect" | "key" | "fix" | "disconnect" | "cancel" | "enable" | null;

export function rowState({ authenticator, connection, pending }: Row): RowState {
  if (pending) return { tone: "idle", words: "Signing in…" };
  if (!authenticator.is_active) return { tone: "idle", words: "Disabled" };
  if (!connection) return { tone: "idle", words: "Not connected" };
  if (connection.refresh_error?.kind === "fix_client") return { tone: "bad", words: "Needs fixing" };
  if (lacksScopes(connection)) return { tone: "warn", words: "Needs more" };
  switch (connection.status) {
    case "active":
      return { tone: "ok", words: "Connected" };
    case "refreshing":
      return { tone: "ok", words: "Refreshing…" };
    case "expired":
      return { tone: "warn", words: "Trying again" };
    case "needs_reconnect":
      return { tone: "warn", words: connection.api_key ? "Needs a key" : "Sign in again" };
    case "connecting":
      return { tone: "idle", words: "Connecting…" };
    case "removing":
      return { tone: "idle", words: "Disconnecting…" };
  }
}

/** The action that the row shows as a button. */
export function primaryAction({ authenticator, connection, pending }: Row): PrimaryAction {
  if (pending) return "cancel";
  if (!authenticator.is_active) return "enable";
  if (!connection) return authenticator.client_id === "" ? "key" : "connect";
  if (connection.refresh_error?.kind === "fix_client") return "fix";
  if (lacksScopes(connection)) return "allow";
  switch (connection.status) {
    case "needs_reconnect":
      return connection.api_key ? "key" : "reconnect";
    case "active":
    case "refreshing":
    case "expired":
      return "disconnect";
    case "connecting":
    case "removing":
      return null;
  }
}
