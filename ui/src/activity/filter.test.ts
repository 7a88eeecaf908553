import { expect, test } from "vitest";
import type { Actor, LogEvent } from "../api/types";
import type { About } from "../words/events";
import { programs, shown, type Filter } from "./filter";

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
