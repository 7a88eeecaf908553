import { describe, expect, it } from "vitest";
import type { Provider } from "../api/types";
import { find } from "./search";

const PROVIDERS = [
  { id: "atlassian", display_name: "Atlassian (Jira, Confluence)", keywords: ["jira", "confluence"] },
  { id: "bitbucket", display_name: "Bitbucket Cloud", keywords: ["git"] },
  { id: "github", display_name: "GitHub (OAuth App)", keywords: ["git"] },
  { id: "github-app", display_name: "GitHub App", keywords: [] },
  { id: "custom", display_name: "Custom", keywords: [] },
] as unknown as Provider[];

function ids(typed: string): string[] {
  return find(PROVIDERS, typed).map(({ id }) => id);
}

describe("the search over the catalogue", () => {
  it("shows all in their order while nothing is typed", () => {
    expect(ids(" ")).toEqual(PROVIDERS.map(({ id }) => id));
  });
  it("finds products by their keywords", () => {
    expect(ids("Jira")).toEqual(["atlassian"]);
  });
  it("shows names that begin with the text first", () => {
    expect(ids("git")).toEqual(["github", "github-app", "bitbucket"]);
  });
  it("wants every word", () => {
    expect(ids("github app")).toEqual(["github-app", "github"]);
    expect(ids("github jira")).toEqual(["custom"]);
  });
  it("offers the custom provider where nothing matches", () => {
    expect(ids("no such thing")).toEqual(["custom"]);
  });
});
