import { expect, test } from "vitest";
import { stale, staleAccess } from "./stale";

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

test("an answer reads the rules and the questions again, a hand-out neither", () => {
  expect(staleAccess({ kind: "access.asked" })).toEqual(["approvals"]);
  expect(staleAccess({ kind: "access.allowed" })).toEqual(["rules", "approvals"]);
  expect(staleAccess({ kind: "rule.removed" })).toEqual(["rules"]);
  expect(staleAccess({ kind: "key.created" })).toEqual(["keys"]);
  expect(staleAccess({ kind: "token.served", connection_id: "c" })).toEqual([]);
});

test("a refusal reads the questions again: without the app it lists one silently", () => {
  expect(staleAccess({ kind: "token.refused", connection_id: "c" })).toEqual(["approvals"]);
});

test("what is renamed or removed is named in all three lists", () => {
  for (const kind of ["connection.updated", "connection.removed", "authenticator.removed"])
    expect(staleAccess({ kind })).toEqual(["rules", "approvals", "keys"]);
});
