import { expect, test } from "vitest";
import type { Authenticator, Connection } from "../api/types";
import type { Pending } from "../live/signIns.svelte";
import { statusLine } from "./statusLine";
import { primaryAction, buildRows, matching, rowState, title } from "./rows";

const NOW = Date.parse("2026-11-21T12:00:00Z");

function authenticator(name: string, more: Partial<Authenticator> = {}): Authenticator {
  return {
    id: `a-${name}`,
    name,
    display_name: name,
    profile: "default",
    provider: "custom",
    client_id: "x",
    has_client_secret: false,
    scopes: ["openid"],
    redirect_uri: "",
    endpoints: {},
    own_endpoints: {},
    authorize_params: {},
    placeholders: {},
    is_active: true,
    connections: [],
    created_at: "",
    updated_at: "",
    ...more,
  };
}

function connection(name: string, more: Partial<Connection> = {}): Connection {
  const [owner = "", label = null] = name.split("/");
  return {
    id: `c-${name}`,
    name,
    profile: "default",
    authenticator: owner,
    authenticator_id: `a-${owner}`,
    provider: "custom",
    provider_name: owner,
    account: { display_name: "ada@example.com", label },
    status: "active",
    asked_scopes: [],
    scopes: ["openid"],
    missing_scopes: [],
    refreshable: true,
    unsaved: false,
    keep_warm: "when_used",
    generation: 1,
    created_at: "",
    refresh_due_at: "2026-11-21T12:41:30Z",
    expires_at: "2026-11-21T12:46:00Z",
    ...more,
  };
}

function pending(owner: string, more: Partial<Pending> = {}): Pending {
  return {
    session: `s-${owner}`,
    authenticatorId: `a-${owner}`,
    connection: null,
    expiresAt: "2026-11-21T12:04:12Z",
    authorized: false,
    url: null,
    browserProblem: null,
    ...more,
  };
}

test("connections come first, then sign-ins, then what nobody is signed in through", () => {
  const rows = buildRows({
    authenticators: ["zeta", "alpha", "mid"].map((name) => authenticator(name)),
    connections: [connection("zeta/work"), connection("zeta")],
    pending: [pending("mid")],
  });
  expect(rows.map((row) => `${title(row)}: ${rowState(row).words}`)).toEqual([
    "zeta: Connected",
    "zeta / work: Connected",
    "mid: Signing in…",
    "alpha: Not connected",
  ]);
});

test("a sign-in that renews a connection stands in its row", () => {
  const rows = buildRows({
    authenticators: [authenticator("hub")],
    connections: [connection("hub", { status: "needs_reconnect" })],
    pending: [pending("hub", { connection: "c-hub" })],
  });
  expect(rows.map((row) => [rowState(row).words, primaryAction(row)])).toEqual([["Signing in…", "cancel"]]);
});

test("a sign-in that began elsewhere stands where it is waited for", () => {
  const rows = buildRows({
    authenticators: [authenticator("hub")],
    connections: [connection("hub"), connection("hub/work", { status: "needs_reconnect" })],
    pending: [pending("hub")],
  });
  expect(rows.map((row) => `${title(row)}: ${rowState(row).words}`)).toEqual([
    "hub: Connected",
    "hub / work: Signing in…",
  ]);
});

test("each state offers the one thing to do", () => {
  const acts = (["active", "refreshing", "expired", "needs_reconnect", "connecting", "removing"] as const).map(
    (status) => {
      const [row] = buildRows({
        authenticators: [authenticator("hub")],
        connections: [connection("hub", { status })],
        pending: [],
      });
      return row && primaryAction(row);
    },
  );
  expect(acts).toEqual(["disconnect", "disconnect", "disconnect", "reconnect", null, null]);
});

test("a disabled authenticator offers to enable it", () => {
  const [row] = buildRows({
    authenticators: [authenticator("hub", { is_active: false })],
    connections: [],
    pending: [],
  });
  expect(row && [rowState(row).words, primaryAction(row)]).toEqual(["Disabled", "enable"]);
});

test("the search finds all of its words, anywhere", () => {
  const rows = buildRows({
    authenticators: [authenticator("hub"), authenticator("mail")],
    connections: [connection("hub"), connection("mail", { scopes: ["gmail.readonly"] })],
    pending: [],
  });
  expect(matching(rows, " ADA gmail").map(title)).toEqual(["mail"]);
  expect(matching(rows, "")).toHaveLength(2);
});

test("the statusLine line", () => {
  const lines = (more: Partial<Connection>): string[] => {
    const [row] = buildRows({
      authenticators: [authenticator("hub")],
      connections: [connection("hub", more)],
      pending: [],
    });
    const said = row && statusLine(row, NOW, NOW, "node");
    return said ? [said.first, said.second] : [];
  };
  const refresh_error = {
    kind: "sign_in_again" as const,
    reason: "invalid_grant",
    at: "2026-11-21T11:48:00Z",
    attempts: 1,
  };
  expect(lines({ used_at: "2026-11-21T11:58:00Z" })).toEqual(["Refreshes in 41 min", "used 2 min ago by node"]);
  expect(lines({ expires_at: null, refresh_due_at: null })).toEqual(["Never expires", "not used yet"]);
  expect(lines({ status: "needs_reconnect", refresh_error })).toEqual(["Expired 12 min ago", "invalid_grant"]);
  expect(lines({ refreshable: false, refresh_due_at: null })).toEqual(["Ends in 46 min", "not used yet"]);
});
