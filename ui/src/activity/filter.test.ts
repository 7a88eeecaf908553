import { expect, test } from "vitest";
import type { Actor, LogEvent } from "../api/types";
import type { About } from "../words/events";
import { programs, shown, subjects, type Filter } from "./filter";

function event(id: number, kind: string, connection: string, actor: Actor | null = null): LogEvent {
  return {
    id,
    at: "2026-11-21T12:00:00Z",
    kind,
    connection,
    actor,
    detail: {},
    connection_id: "c",
    authenticator: null,
    authenticator_id: null,
    session_id: null,
  };
}

const LOG = [
  event(1, "token.served", "github", { kind: "process", pid: 1, executable: "/usr/bin/node" }),
  event(2, "token.served", "google", { kind: "key", name: "ci" }),
  event(3, "connection.needs_reconnect", "github"),
];
const all: Filter = { group: null, program: null, search: "" };

function ids(filter: Partial<Filter>): number[] {
  const about = ({ connection }: LogEvent): About =>
    connection === "github" ? { name: "GitHub", account: "ada@example.com" } : { name: null, account: null };
  return shown(LOG, { ...all, ...filter }, about).map(({ id }) => id);
}

test("by kind, by program, and by words of what is on the screen", () => {
  expect(ids({ group: "problems" })).toEqual([3]);
  expect(ids({ program: "ci" })).toEqual([2]);
  expect(ids({ search: "hub NODE" })).toEqual([1]);
  expect(ids({ search: "needs_reconnect" })).toEqual([3]);
  expect(ids({ search: "ada@example.com" })).toEqual([1, 3]);
  expect(ids({ group: "handed out", search: "google" })).toEqual([2]);
});

test("programs are named once, in order", () => {
  expect(programs([...LOG, event(4, "token.served", "google", { kind: "key", name: "ci" })])).toEqual(["ci", "node"]);
});

test("what was removed keeps the name that the log has", () => {
  const started = { ...event(1, "sign_in.started", ""), connection: null, connection_id: null, session_id: "s" };
  const log = [
    { ...started, authenticator_id: "a" },
    { ...event(2, "connection.added", ""), connection: null },
    { ...event(3, "connection.removed", "hub/work"), authenticator_id: "a" },
    {
      ...event(4, "authenticator.removed", ""),
      connection: null,
      connection_id: null,
      authenticator_id: "a",
      authenticator: "hub",
    },
  ];
  const about = subjects([], [], log, (name) => name);
  expect(log.map((one) => about(one).name)).toEqual(["hub", "hub/work", "hub/work", "hub"]);
});
