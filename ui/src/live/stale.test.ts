import { expect, test } from "vitest";
import { stale } from "./stale";

test("a hand-out reads nothing again", () => {
  expect(stale({ kind: "token.served", connection_id: "c" })).toEqual([]);
});

test("a refresh reads one connection again", () => {
  expect(stale({ kind: "connection.refreshed", connection_id: "c" })).toEqual([{ connection: "c" }, "status"]);
});

test("what appears or goes reads the lists again", () => {
  for (const kind of ["connection.added", "connection.removed", "authenticator.removed"]) {
    expect(stale({ kind, connection_id: "c" })).toEqual(expect.arrayContaining(["connections", "authenticators"]));
  }
});
