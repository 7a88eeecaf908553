import { expect, test } from "vitest";
import { hints, type Hint } from "./hints";

function of(texts: Record<string, string>, scopes: string[] = []): Hint[] {
  return hints({ texts, scopes, provider: null, taken: (name) => name === "github" });
}

test("an access token is no client secret", () => {
  for (const token of ["ghp_abc", "github_pat_x", "xoxb-1", "ya29.x", "eyJhbGciOi.x"]) {
    expect(of({ client_secret: token }), token).toMatchObject([{ field: "client_secret", tone: "bad" }]);
  }
  expect(of({ client_secret: "0123456789abcdef" })).toEqual([]);
});

test("a hint never repeats the secret", () => {
  expect(JSON.stringify(of({ client_secret: "ghp_planted", client_id: "GOCSPX-planted" }))).not.toContain("planted");
});

test("a name that is taken is told", () => {
  expect(of({ name: "GitHub" })).toMatchObject([{ field: "name", tone: "bad" }]);
});

test("a space can be taken out", () => {
  expect(of({ client_id: "abc def " })).toMatchObject([{ field: "client_id", offer: "abcdef" }]);
});

test("addresses must be https, but for loopback", () => {
  expect(of({ token_url: "http://example.com/t" })).toMatchObject([
    { field: "token_url", offer: "https://example.com/t" },
  ]);
  expect(of({ token_url: "login.example.com/t" })).toMatchObject([{ offer: "https://login.example.com/t" }]);
  expect(of({ token_url: "http://127.0.0.1:9/t", authorize_url: "https://a.test/" })).toEqual([]);
});

test("several scopes in one are told apart", () => {
  expect(of({}, ["openid email"])).toMatchObject([{ field: "scopes", tone: "bad" }]);
});
