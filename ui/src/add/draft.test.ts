import { beforeEach, expect, test } from "vitest";
import type { Authenticator, Provider } from "../api/types";
import { Draft } from "./draft.svelte";
import { readFile, type Imported } from "./importFile";

const GITHUB = {
  id: "github",
  default_scopes: ["read:user"],
  scope_presets: [{ description: "Read organisations", scopes: ["read:org"] }],
} as Provider;
const CUSTOM = { id: "custom", default_scopes: [] as string[], scope_presets: [] as unknown[] } as Provider;
const STORED = {
  provider: "github",
  name: "github",
  client_id: "Iv1.x",
  grant_type: "authorization_code",
  redirect_uri: "http://127.0.0.1/callback",
  scopes: ["repo"],
  placeholders: { tenant: "acme" },
  endpoints: { userinfo_url: "https://api.example.com/user" },
} as unknown as Authenticator;
const [FROM_FILE] = readFile(JSON.stringify({ authenticator_type: "github", client_id: "Iv1.x" })) as [Imported];

let draft: Draft;
beforeEach(() => {
  draft = new Draft();
});

test("a name that is taken gets a number", () => {
  draft.begin(GITHUB, (name) => name === "github" || name === "github-2");
  expect([draft.texts.name, draft.scopes]).toEqual(["github-3", ["read:user"]]);
});

test("another provider keeps what fits, and what does not comes back with its own", () => {
  draft.begin(CUSTOM, () => false);
  draft.set("client_id", "Iv1.x");
  draft.set("token_url", "https://login.example.com/token");
  draft.setScopes(["read:org", "files.read"]);
  draft.change(GITHUB, () => false);
  expect(draft.body()).toEqual({
    authenticator_type: "github",
    name: "github",
    client_id: "Iv1.x",
    scopes: ["read:user", "read:org"],
  });
  draft.set("name", "mine");
  draft.set("client_id", "Iv2.y");
  draft.change(CUSTOM, () => false);
  expect(draft.body()).toEqual({
    authenticator_type: "custom",
    name: "mine",
    client_id: "Iv2.y",
    token_url: "https://login.example.com/token",
    scopes: ["read:org", "files.read"],
  });
});

test("what was left empty is left to the provider", () => {
  draft.begin(GITHUB, () => false);
  draft.set("client_id", " Iv1.x ");
  expect(draft.body()).toEqual({
    authenticator_type: "github",
    name: "github",
    client_id: "Iv1.x",
    scopes: ["read:user"],
  });
});

test("what somebody wrote is told from what a file or a provider gave", () => {
  expect(draft.touched).toBe(false);
  draft.begin(GITHUB, () => false);
  expect(draft.touched).toBe(false);
  draft.setScopes(["gist"]);
  expect(draft.touched).toBe(true);
  draft.take(FROM_FILE, GITHUB, () => false);
  expect([draft.touched, draft.texts.client_id]).toEqual([false, "Iv1.x"]);
  draft.set("name", "mine");
  expect(draft.touched).toBe(true);
  draft.clear();
  expect(draft.touched).toBe(false);
});

test("a change is only what differs, and an empty secret keeps the old one", () => {
  draft.load(STORED);
  expect(draft.patch(STORED)).toEqual({});
  draft.set("userinfo_url", "");
  draft.set("client_secret", "new");
  draft.setScopes(["repo", "gist", "repo"]);
  draft.placeholders.tenant = "other";
  expect(draft.patch(STORED)).toEqual({
    userinfo_url: null,
    client_secret: "new",
    scopes: ["repo", "gist"],
    placeholders: { tenant: "other" },
  });
});

test("a problem goes when its field is changed, and only that one", () => {
  draft.problems = [
    { field: "client_id", message: "m", hint: "h" },
    { field: "scopes", message: "m", hint: "h" },
  ] as typeof draft.problems;
  draft.set("client_id", "x");
  expect(draft.problems.map(({ field }) => field)).toEqual(["scopes"]);
});

test("fields of a file that the form does not show are saved with it", () => {
  const own = { narrow_tokens: true, mcp_server: "https://mcp.example.com/mcp" };
  const file = { authenticator_type: "github", client_id: "Iv1.x", ...own };
  const [imported] = readFile(JSON.stringify(file)) as [Imported];
  expect(imported.remarks).toEqual([]);
  draft.take(imported, GITHUB, () => false);
  expect(draft.body()).toMatchObject(own);
  draft.change(CUSTOM, () => false);
  expect(Object.keys(draft.body())).not.toContain("mcp_server");
});

test("hosts of the API are a list to the agent, and a line in the form", () => {
  const file = { authenticator_type: "custom", client_id: "x", api_hosts: ["api.example.com", "files.example.com"] };
  const [imported] = readFile(JSON.stringify(file)) as [Imported];
  draft.take(imported, CUSTOM, () => false);
  expect(draft.texts.api_hosts).toBe("api.example.com files.example.com");
  expect(draft.body().api_hosts).toEqual(file.api_hosts);

  const stored = { ...STORED, api_hosts: ["api.github.com"] };
  draft.load(stored);
  expect(draft.patch(stored)).toEqual({});
  draft.set("api_hosts", "api.github.com,  uploads.github.com");
  expect(draft.patch(stored)).toEqual({ api_hosts: ["api.github.com", "uploads.github.com"] });
  draft.set("api_hosts", "");
  expect(draft.patch(stored)).toEqual({ api_hosts: null });
});
