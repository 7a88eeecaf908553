import { describe, expect, it } from "vitest";
import { readFile } from "../add/importFile";
import type { Authenticator, Provider } from "../api/types";
import { asFile } from "./export";

const URLS = {
  authorize_url: "https://a.test/authorize",
  token_url: "https://a.test/token",
  revocation_url: null,
  userinfo_url: null,
  issuer: null,
  resource: null,
  client_auth: null,
};
const NONE = {
  authorize_url: null,
  token_url: null,
  revocation_url: null,
  userinfo_url: null,
  issuer: null,
  resource: null,
  client_auth: null,
};

function authenticator(changes: Partial<Authenticator>): Authenticator {
  return {
    grant_type: "authorization_code",
    id: "1",
    name: "my-app",
    profile: "default",
    display_name: "My-App",
    provider: "custom",
    client_id: "abc",
    has_client_secret: true,
    scopes: ["a", "b"],
    redirect_uri: "http://127.0.0.1/callback",
    endpoints: URLS,
    own_endpoints: URLS,
    authorize_params: {},
    placeholders: {},
    differs_from_file: false,
    is_active: true,
    connections: [],
    console_url: null,
    created_at: "",
    updated_at: "",
    ...changes,
  };
}

const PROVIDERS = [{ id: "github", redirect: { default: "http://127.0.0.1/callback" } }] as Provider[];

describe("an export of authenticators", () => {
  it("reads back, and leaves the secret to a variable", () => {
    const github = authenticator({
      name: "github",
      display_name: "GitHub (OAuth App)",
      provider: "github",
      profile: "work",
      is_active: false,
      has_client_secret: false,
      own_endpoints: NONE,
      placeholders: { tenant: "t" },
    });
    const [one, two] = readFile(asFile([authenticator({}), github], PROVIDERS));
    expect(one).toMatchObject({
      provider: "custom",
      profile: null,
      texts: {
        name: "My-App",
        client_id: "abc",
        client_secret: "",
        authorize_url: "https://a.test/authorize",
        redirect_uri: "http://127.0.0.1/callback",
      },
      scopes: ["a", "b"],
      isActive: true,
      variables: { client_secret: "MY_APP_CLIENT_SECRET" },
      remarks: [],
    });
    expect(two).toMatchObject({
      provider: "github",
      profile: "work",
      placeholders: { tenant: "t" },
      isActive: false,
      variables: {},
    });
    // What comes from the catalogue stays the catalogue's.
    expect(Object.keys(two?.texts ?? {})).toEqual(["name", "client_id"]);
  });

  it("gives each client a variable of its own", () => {
    const named = (name: string, profile = "default"): Authenticator =>
      authenticator({ name, display_name: name, profile });
    const file = asFile(
      [named("my-app"), named("my-app", "work"), named("my.app"), named("почта"), named("диск"), named("2fa")],
      PROVIDERS,
    );
    expect(readFile(file).map(({ variables }) => variables.client_secret)).toEqual([
      "MY_APP_CLIENT_SECRET",
      "WORK_MY_APP_CLIENT_SECRET",
      "MY_APP_CLIENT_SECRET_2",
      "CUSTOM_CLIENT_SECRET",
      "CUSTOM_CLIENT_SECRET_2",
      "_2FA_CLIENT_SECRET",
    ]);
  });
});
