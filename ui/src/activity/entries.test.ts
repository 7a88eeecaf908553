import { expect, test } from "vitest";
import type { Actor, LogEvent } from "../api/types";
import { entries } from "./entries";

const NODE: Actor = { kind: "process", pid: 1, executable: "/usr/bin/node" };

function event(id: number, kind: string, at: string, more: Partial<LogEvent> = {}): LogEvent {
  const none = { connection: null, authenticator: null, authenticator_id: null, session_id: null, actor: null };
  return { id, kind, at: `2026-11-21T12:${at}Z`, connection_id: "c", detail: {}, ...none, ...more };
}

function seen(events: LogEvent[]): string[] {
  return entries(events).map(
    ({ event, count, steps }) => `${event.id} x${count} ${steps.map(({ id }) => id).join("-")}`,
  );
}

test("the steps of a sign-in are one row, and what it stored is one of them", () => {
  const session = { session_id: "s" };
  const log = [
    event(5, "sign_in.completed", "00:03.100", session),
    event(4, "connection.added", "00:03.000"),
    event(3, "settings.changed", "00:02.000", { connection_id: null }),
    event(2, "sign_in.authorized", "00:01.000", { ...session, connection_id: null }),
    event(1, "sign_in.started", "00:00.000", { ...session, connection_id: null }),
  ];
  expect(seen(log)).toEqual(["5 x1 1-2-4-5", "3 x1 "]);
});

test("hand-outs of one program in one minute are one row", () => {
  const log = [
    event(6, "token.served", "01:01.000", { actor: NODE }),
    event(5, "token.served", "00:59.000", { actor: NODE }),
    event(4, "token.served", "00:58.000", { actor: { kind: "key", name: "ci" } }),
    event(3, "connection.refreshed", "00:57.000"),
    event(2, "token.served", "00:56.000", { actor: { ...NODE, pid: 2 } }),
    event(1, "token.served", "00:55.000", { actor: NODE, connection_id: "other" }),
  ];
  expect(seen(log)).toEqual(["6 x1 ", "5 x2 ", "4 x1 ", "3 x1 ", "1 x1 "]);
});
