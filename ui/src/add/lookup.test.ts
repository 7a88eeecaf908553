import { expect, test } from "vitest";
import type { Discovered } from "../api/types";
import { Draft } from "./draft.svelte";
import { clientText, kindText } from "./lookup";

const found: Discovered = {
  url: "https://mcp.example.com/mcp",
  kind: "mcp_server",
  name: "example",
  resource_name: "Example",
  resource: "https://mcp.example.com/mcp",
  issuer: "https://auth.example.org",
  issuers: ["https://auth.example.org"],
  scopes: ["read"],
  registration: "dynamic",
  draft: {
    name: "example",
    authenticator_type: "custom",
    discovered_from: "https://mcp.example.com/mcp",
    mcp_server: "https://mcp.example.com/mcp",
    resource: "https://mcp.example.com/mcp",
    issuer: "https://auth.example.org",
    authorize_url: "https://auth.example.org/authorize",
    token_url: "https://auth.example.org/token",
    api_hosts: ["mcp.example.com"],
    scopes: ["read"],
  },
  warnings: [],
  needs: [],
};

test("what was found fills the form, and all of it is saved", () => {
  const draft = new Draft();
  draft.provider = "custom";
  draft.fill(found);
  expect(draft.texts.token_url).toBe("https://auth.example.org/token");
  expect(draft.scopes).toEqual(["read"]);
  expect(draft.body()).toMatchObject({ ...found.draft, client_id: "" });
});

test("a name that was typed stays", () => {
  const draft = new Draft();
  draft.provider = "custom";
  draft.texts.name = "mine";
  draft.fill(found);
  expect(draft.texts.name).toBe("mine");
});

test("what is still needed is shown at its field", () => {
  const draft = new Draft();
  const needs = [{ field: "client_id", message: "it registers no clients", hint: "register one" }];
  draft.fill({ ...found, registration: "by_hand", needs });
  expect(draft.problems).toEqual(needs);
  expect(clientText({ ...found, registration: "by_hand" })).toContain("register one there");
});

test("a server is named in its own words, and these are marked as such", () => {
  expect(kindText(found)).toBe("an MCP server that calls itself “Example”");
  expect(kindText({ ...found, kind: "issuer" })).toBe("an issuer of tokens");
});
