import { expect, test } from "vitest";
import type { Actor, LogEvent } from "../api/types";
import { actorText } from "./actor";
import { line, withoutSubject } from "./events";

function event(kind: string, detail: LogEvent["detail"] = {}, actor: Actor | null = null): LogEvent {
  return {
    id: 1,
    at: "2026-11-21T12:00:00Z",
    kind,
    detail,
    actor,
    connection: "github/work",
    connection_id: "c",
    authenticator: null,
    authenticator_id: null,
    session_id: null,
  };
}

test("a hand-out names the program and how it asked", () => {
  const shown = line(event("token.served", {}, { kind: "process", pid: 4711, executable: "/usr/bin/node" }));
  expect(shown).toEqual({
    subject: "github/work",
    account: null,
    tone: "ok",
    group: "handed out",
    text: "token handed to node",
    note: "socket · pid 4711",
  });
  expect(withoutSubject(shown)).toBe("Token handed to node");
});

test("the account stands beside the subject unless the text names it", () => {
  const about = { name: "GitHub", account: "ada@example.com" };
  expect(line(event("connection.refreshed"), about).account).toBe("ada@example.com");
  expect(line(event("sign_in.completed"), about)).toMatchObject({
    account: null,
    text: "signed in as ada@example.com",
  });
});

test("scopes that were not granted are shown", () => {
  const shown = line(event("sign_in.completed", { granted: ["a"], missing: ["repo"], renewed: true }));
  expect([shown.tone, shown.text, shown.note]).toEqual(["warn", "signed in again", "not granted: repo"]);
});

test("a kind of a newer agent is shown by its word", () => {
  expect(line(event("approval.asked")).text).toBe("approval.asked");
});

test("who asked", () => {
  expect(actorText({ kind: "process", pid: 12 })).toEqual({ name: "process 12", via: "socket · pid 12" });
  expect(actorText({ kind: "process" })).toEqual({ name: "process", via: "socket" });
  expect(actorText({ kind: "key", name: "ci" })).toEqual({ name: "ci", via: "client key" });
  expect(actorText({ kind: "agent" })).toBeNull();
  expect(actorText(null)).toBeNull();
});

test("tokens count as revoked by the outcome, whatever the reason says", () => {
  const reason = "GitHub has no way; it can be revoked in its settings";
  const kept = line(event("connection.removed", { revocation: { outcome: "not_possible", reason } }));
  expect([kept.tone, kept.note]).toEqual(["warn", reason]);
  expect(line(event("connection.removed", { revocation: { outcome: "revoked" } })).tone).toBe("ok");
});
