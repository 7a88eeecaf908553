// The log as rows: one for all steps of a sign-in, one for what a program was handed within a minute. Pure.
import type { LogEvent } from "../api/types";
import { actorText } from "../words/actor";

export interface Entry {
  /** The newest of its events; it says where the row stands. */
  event: LogEvent;
  /** Hand-outs in this row, 1 for everything else. */
  count: number;
  /** All steps of a sign-in, oldest first; empty for everything else. */
  steps: LogEvent[];
}

const MINUTE = 60_000;
/** A connection is stored together with the end of its sign-in. */
const SAME_MOMENT = 2000;

/** `events`: newest first, and so are the rows. */
export function entries(events: readonly LogEvent[]): Entry[] {
  const sessions = sessionsOf(events);
  const rows = new Map<string, [LogEvent, ...LogEvent[]]>();
  for (const event of events) {
    const key = sessions(event) ?? handOut(event) ?? String(event.id);
    const row = rows.get(key);
    if (row) row.push(event);
    else rows.set(key, [event]);
  }
  return [...rows.values()].map((row) => {
    if (row[0].kind === "token.served") return { event: row[0], count: row.length, steps: [] };
    // What a sign-in stored is one of its steps; its own last step names the outcome.
    const event = row.find(({ kind }) => kind.startsWith("sign_in.")) ?? row[0];
    return { event, count: 1, steps: row.length === 1 ? [] : [...row].reverse() };
  });
}

function handOut({ kind, connection_id, actor, at }: LogEvent): string | null {
  if (kind !== "token.served") return null;
  return `served ${connection_id ?? ""} ${actorText(actor)?.name ?? ""} ${Math.floor(Date.parse(at) / MINUTE)}`;
}

function sessionsOf(events: readonly LogEvent[]): (event: LogEvent) => string | null {
  const completed = events.filter(({ kind }) => kind === "sign_in.completed");
  return ({ kind, session_id, connection_id, at }) => {
    if (session_id) return session_id;
    if (kind !== "connection.added" && kind !== "connection.renewed") return null;
    const end = completed.find(
      (one) => one.connection_id === connection_id && Math.abs(Date.parse(one.at) - Date.parse(at)) < SAME_MOMENT,
    );
    return end?.session_id ?? null;
  };
}
