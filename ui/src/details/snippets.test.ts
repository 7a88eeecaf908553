import { expect, test } from "vitest";
import { snippets, variable } from "./snippets";

test("names become variables", () => {
  expect(variable("github/work")).toBe("GITHUB_WORK_TOKEN");
});

test("snippets name the connection, its profile and the socket", () => {
  const texts = snippets(
    { name: "github/work", profile: "staging", provider: "github" },
    "/run/user/1/valet key/agent.sock",
  );
  expect(texts.find(({ name }) => name === "Shell")?.text).toBe(
    "valetkey token github/work --profile staging --header |\n  curl -H @- https://api.github.com/user",
  );
  expect(texts.find(({ name }) => name === "Socket")?.text).toBe(
    "curl --unix-socket '/run/user/1/valet key/agent.sock' -X POST \\\n  'http://valetkey/api/v1/credentials/connections/github%2Fwork/token?profile=staging'",
  );
});
