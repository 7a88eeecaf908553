import { expect, test } from "vitest";
import { NotImported, readFile } from "./importFile";

test("Google's desktop client", () => {
  const file = {
    installed: {
      client_id: "1.apps",
      client_secret: "s",
      auth_uri: "https://a",
      token_uri: "https://t",
      redirect_uris: ["http://localhost"],
    },
  };
  expect(readFile(JSON.stringify(file))).toMatchObject([
    { provider: "google", texts: { client_id: "1.apps", client_secret: "s" }, remarks: [] },
  ]);
});

test("Google's web client takes its loopback redirect URI along", () => {
  const file = {
    web: { client_id: "1", client_secret: "s", redirect_uris: ["https://x.test/cb", "http://127.0.0.1:4316/callback"] },
  };
  const [read] = readFile(JSON.stringify(file));
  expect(read?.texts.redirect_uri).toBe("http://127.0.0.1:4316/callback");
  expect(read?.remarks).toHaveLength(1);
});

test("our own format, with `app_id` and what is not known", () => {
  const file = {
    name: "Hub",
    authenticator_type: "github",
    app_id: "Iv1.x",
    scopes: ["repo"],
    tenant: "t",
    colour: "red",
  };
  const [read] = readFile(`\uFEFF${JSON.stringify(file)}`);
  expect(read).toMatchObject({
    provider: "github",
    texts: { name: "Hub", client_id: "Iv1.x" },
    scopes: ["repo"],
    placeholders: { tenant: "t" },
  });
  expect(read?.remarks).toEqual(["“colour” is unknown and was left out."]);
});

test("what hangs on a variable is left for the person", () => {
  const file = { authenticator_type: "google", client_id: "1", client_secret: "${GOOGLE_CLIENT_SECRET}" };
  const [read] = readFile(JSON.stringify(file));
  expect(read?.texts.client_secret).toBe("");
  expect(read?.variables).toEqual({ client_secret: "GOOGLE_CLIENT_SECRET" });
});

test("anything else is refused with a reason", () => {
  for (const text of [
    "",
    '{"authenticators": []}',
    '{"authenticators": [3]}',
    "nonsense",
    "[]",
    "3",
    "{}",
    '{"web": {}}',
  ]) {
    expect(() => readFile(text), text).toThrow(NotImported);
  }
});
