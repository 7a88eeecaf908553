// What a row says about its token: what comes next, and what was last.
import type { Connection } from "../api/types";
import { shortScope } from "../words/scopes";
import { ago, inTime, left } from "../words/times";
import type { Row } from "./rows";

export interface StatusLine {
  first: string;
  second: string;
  /** Exact times, for the tooltip. */
  instants: string[];
}

/** Countdowns use `second`, the clock that ticks every second. */
export function statusLine(row: Row, now: number, second: number, usedBy: string | null): StatusLine {
  const { connection, pending, authenticator } = row;
  if (pending) return { ...waiting(row, second), instants: [] };
  if (!connection) return { first: "", second: "", instants: [] };
  const instants = [connection.refresh_due_at, connection.expires_at, connection.used_at];
  return {
    first: authenticator.is_active ? next(connection, now) : "No token while disabled",
    second: last(connection, now, usedBy),
    instants: instants.filter((at) => at != null),
  };
}

function waiting({ pending }: Row, second: number): { first: string; second: string } {
  if (!pending) return { first: "", second: "" };
  const remaining = `${left(pending.expiresAt, second)} left`;
  if (pending.authorized) return { first: "Fetching the token", second: "you allowed it" };
  if (pending.direct) return { first: "Asking the provider for a token", second: "no browser is needed" };
  if (pending.device) return { first: "Waiting for the code", second: remaining };
  return {
    first: pending.browserProblem ? "Open the address yourself" : "Waiting for your browser",
    second: remaining,
  };
}

function next(connection: Connection, now: number): string {
  const { status, expires_at, refresh_due_at, refresh_error } = connection;
  if (status === "refreshing") return "Refreshing now";
  if (status === "needs_reconnect" || status === "expired") {
    const ended = expires_at && Date.parse(expires_at) <= now ? expires_at : refresh_error?.at;
    return ended ? `Expired ${ago(ended, now)}` : "Expired";
  }
  if (refresh_error?.retry_at) return `Tries again ${inTime(refresh_error.retry_at, now)}`;
  if (refresh_due_at) return `Refreshes ${inTime(refresh_due_at, now)}`;
  if (!expires_at) return connection.api_key ? "No end known" : "Never expires";
  if (connection.refreshable) return "Refreshes when it is asked for";
  return `Ends ${inTime(expires_at, now)}`;
}

function last(connection: Connection, now: number, usedBy: string | null): string {
  const { refresh_error, used_at, unsaved, needed_scopes } = connection;
  if (unsaved) return "kept in memory: not stored yet";
  if (refresh_error) return refresh_error.reason;
  if (needed_scopes?.is_offered)
    return `${needed_scopes.host} asks for ${needed_scopes.scopes.map(shortScope).join(", ")}`;
  if (!used_at) return "not used yet";
  return `used ${ago(used_at, now)}${usedBy ? ` by ${usedBy}` : ""}`;
}
