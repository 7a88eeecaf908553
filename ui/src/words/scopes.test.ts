import { expect, test } from "vitest";
import type { Provider } from "../api/types";
import { broadScopes, broadWarning, spelled } from "./scopes";

const provider = {
  broad_scopes: ["repo", "admin:*"],
  scope_presets: [{ description: "Full access to repositories", scopes: ["repo"] }],
} as unknown as Provider;

test("scopes that give too much are found", () => {
  expect(broadScopes(["repo", "public_repo", "admin:org", "admin"], provider)).toEqual(["repo", "admin:org"]);
  expect(broadScopes(["repo"], null)).toEqual([]);
});

test("the warning names them in words", () => {
  expect(broadWarning(["repo"], provider)).toBe(
    "repo (Full access to repositories) gives far more than most programs need. Choose less if that is enough.",
  );
  expect(broadWarning(["repo", "admin:org"], provider)).toContain("admin:org give far more");
});

test("a scope is spelled in words where there are some", () => {
  expect(spelled("repo", provider)).toBe("Full access to repositories (repo)");
  expect(spelled("https://api.test/auth/files", provider)).toBe("files");
});
