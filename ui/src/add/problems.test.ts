import { expect, test } from "vitest";
import { problemText } from "./problems";

const HINT = "copy it from the provider's console";

test("a missing field is asked for by its label", () => {
  const problem = { field: "client_id", message: "`client_id` is missing", hint: HINT };
  expect(problemText(problem, "Client ID")).toBe("Enter the client ID. Copy it from the provider's console.");
  const url = { field: "userinfo_url", message: "userinfo_url is missing", hint: HINT };
  expect(problemText(url, "Userinfo URL (who is signed in)")).toMatch(/^Enter the userinfo URL\. /);
});

test("other messages name the field by its label, not by its JSON name", () => {
  const problem = { field: "token_url", message: "`token_url` is no https address", hint: HINT };
  expect(problemText(problem, "Token URL")).toMatch(/^The token URL is no https address\. /);
  expect(problemText({ field: "", message: "it is odd", hint: HINT })).toMatch(/^It is odd\. /);
});

test("no option of the command is named where the field is", () => {
  const message = "`http://127.0.0.1:1` registers no clients by itself";
  const hint = "register a client there, and give its id with `--client-id`";
  expect(problemText({ field: "client_id", message, hint }, "Client ID")).toMatch(/Register a client there\.$/);
  const secret = 'copy it; give it with `--client-secret-stdin` or `"client_secret": "${NAME}"`';
  expect(problemText({ field: "client_secret", message, hint: secret }, "Client secret")).toMatch(/Copy it\.$/);
});
