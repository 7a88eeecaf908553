import { expect, test } from "vitest";
import type { AgentStatus } from "../api/types";
import { storeProblem } from "./store";

type Store = AgentStatus["secret_store"];
const READY: Store = { kind: "keychain", state: "ready", unsaved: 0, reason: null };

test("a store that is well is no trouble", () => {
  expect(storeProblem(READY)).toBeNull();
});

test("logins that are kept in memory are told, whatever the matter is", () => {
  const told = (["ready", "locked", "denied", "hung", "unavailable"] as const).map(
    (state) => storeProblem({ ...READY, state, unsaved: 2 })?.text ?? "",
  );
  for (const text of told) expect(text).toContain("2 new logins are kept in memory until then.");
});

test("a file is called a file", () => {
  expect(storeProblem({ ...READY, kind: "file", state: "locked" })?.title).toBe("The secret file is locked.");
});
