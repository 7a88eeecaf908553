import { expect, test } from "vitest";
import type { LogEvent } from "../api/types";
import { alone, line } from "./events";
import { who } from "./actor";

function event(kind: string, detail: Record<string, unknown> | null = null, actor: string | null = null): LogEvent {
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

test("a hand-out names the program and its door", () => {
  const said = line(event("token.served", null, "process 4711 /usr/bin/node"));
  expect(said).toEqual({
    subject: "github/work",
    tone: "ok",
    group: "handed out",
    text: "token handed to node",
    aside: "socket · pid 4711",
  });
  expect(alone(said)).toBe("Token handed to node");
});

test("scopes that were not granted are told", () => {
  const said = line(event("sign_in.completed", { granted: ["a"], missing: ["repo"], renewed: true }));
  expect([said.tone, said.text, said.aside]).toEqual(["warn", "signed in again", "not granted: repo"]);
});

test("a kind of a newer agent is shown by its word", () => {
  expect(line(event("approval.asked")).text).toBe("approval.asked");
});

test("who asked", () => {
  expect(who("process 12")).toEqual({ name: "process 12", door: "socket · pid 12" });
  expect(who("key ci")).toEqual({ name: "ci", door: "client key" });
  expect(who("valetkey")).toBeNull();
  expect(who(null)).toBeNull();
});
