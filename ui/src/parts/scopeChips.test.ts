import { expect, test } from "vitest";
import type { Provider } from "../api/types";
import { chips, toggled, typedScopes } from "./scopeChips";

const SLACK = {
  id: "slack",
  scope_presets: [
    { description: "Post", scopes: ["chat:write"] },
    { description: "Directory with e-mail", scopes: ["users:read", "users:read.email"] },
  ],
} as Provider;

const words = (offered: string[], chosen: string[]): string[] =>
  chips(SLACK, offered, chosen).map(({ words }) => words);

test("a default scope that a larger preset contains has a chip of its own", () => {
  expect(words(["users:read"], ["users:read"])).toEqual(["users:read", "Post", "Directory with e-mail"]);
});

test("a scope of a chosen preset has no second chip", () => {
  expect(words(["users:read"], ["users:read", "users:read.email"])).toEqual(["Post", "Directory with e-mail"]);
});

test("what a preset says in brackets is a note, so that chips stay short", () => {
  const provider = { scope_presets: [{ description: "Read mail (restricted)", scopes: ["mail"] }] } as Provider;
  expect(chips(provider, [], [])).toEqual([{ words: "Read mail", note: "restricted", scopes: ["mail"] }]);
});

test("without a provider each scope is a chip", () => {
  expect(chips(null, ["read"], ["write"]).map(({ words }) => words)).toEqual(["read", "write"]);
});

test("a scope stays while another selected chip contains it", () => {
  const chosen = ["users:read", "users:read.email", "chat:write"];
  const all = chips(SLACK, [], chosen);
  const [post, directory] = all;
  if (!post || !directory) throw new Error("there are two presets");
  expect(toggled(directory, all, chosen)).toEqual(["chat:write"]);
  expect(toggled(post, all, chosen)).toEqual(["users:read", "users:read.email"]);
  expect(toggled(post, all, ["users:read"])).toEqual(["users:read", "chat:write"]);
});

test("typed scopes are separated by spaces or commas", () => {
  expect(typedScopes(" a, b  c,")).toEqual(["a", "b", "c"]);
});
