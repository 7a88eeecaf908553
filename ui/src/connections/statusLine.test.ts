import { expect, test } from "vitest";
import type { Authenticator, Connection } from "../api/types";
import { statusLine } from "./statusLine";
import type { Row } from "./rows";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const at = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();

function line(
  connection: Partial<Connection>,
  authenticator: Partial<Authenticator> = { is_active: true },
): [string, string] {
  const whole = {
    status: "active",
    expires_at: null,
    refresh_due_at: null,
    refresh_error: null,
    used_at: null,
    unsaved: false,
    refreshable: true,
    ...connection,
  };
  const row = { key: "c", authenticator, connection: whole, pending: null, haystack: "" } as unknown as Row;
  const { first, second } = statusLine(row, NOW, NOW, "node");
  return [first, second];
}

test("what comes next, and what was last", () => {
  expect(line({ refresh_due_at: at(41), expires_at: at(46), used_at: at(-2) })).toEqual([
    "Refreshes in 41 min",
    "used 2 min ago by node",
  ]);
  expect(line({})).toEqual(["Never expires", "not used yet"]);
  expect(line({ expires_at: at(30) })[0]).toBe("Refreshes when it is asked for");
  expect(line({ expires_at: at(30), refreshable: false })[0]).toBe("Ends in 30 min");
  expect(line({ unsaved: true })[1]).toBe("kept in memory: not stored yet");
});

test("a refresh_error says when it is tried again, and why it was", () => {
  const refresh_error = { kind: "later", at: at(-1), reason: "503", retry_at: at(5) } as NonNullable<
    Connection["refresh_error"]
  >;
  expect(line({ refresh_error, expires_at: at(30), refresh_due_at: at(5) })).toEqual(["Tries again in 5 min", "503"]);
  expect(line({ status: "needs_reconnect", refresh_error, expires_at: at(30) })).toEqual(["Expired 1 min ago", "503"]);
  expect(line({ status: "needs_reconnect", expires_at: at(-12) })[0]).toBe("Expired 12 min ago");
});

test("a sign-in that needs no person waits for nobody", () => {
  const pending = { direct: true, expiresAt: at(5), authorized: false, device: null, browserProblem: null };
  const row = { key: "a", authenticator: {}, connection: null, pending, haystack: "" } as unknown as Row;
  expect(statusLine(row, NOW, NOW, null)).toEqual({
    first: "Asking the provider for a token",
    second: "no browser is needed",
    instants: [],
  });
});

test("a disabled one promises nothing", () => {
  expect(line({ refresh_due_at: at(41) }, { is_active: false })[0]).toBe("No token while disabled");
});
