import { expect, test } from "vitest";
import type { Authenticator, Connection } from "../api/types";
import type { Pending } from "../live/signIns.svelte";
import { statusLine } from "./statusLine";
import { primaryAction, buildRows, matching, rowState, title, type Known, type Row } from "./rows";

const NOW = Date.parse("2026-11-21T12:00:00Z");

function authenticator(name: string, more: Partial<Authenticator> = {}): Authenticator {
  return {
    narrow_tokens: false,
    id: `a-${name}`,
    grant_type: "authorization_code",
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
    differs_from_file: false,
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
    broad_scopes: [],
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
    device: null,
    reason: null,
    authenticatorId: `a-${owner}`,
    connection: null,
    expiresAt: "2026-11-21T12:04:12Z",
    authorized: false,
    own: false,
    direct: false,
    url: null,
    browserProblem: null,
    ...more,
  };
}

function build(known: Omit<Known, "hasFailed">): Row[] {
  return buildRows({ ...known, hasFailed: () => false });
}

function lines(known: Omit<Known, "hasFailed">): string[] {
  return build(known).map((row) => `${row.key} ${title(row)}: ${rowState(row).words}`);
}

test("a row keeps its key and its place when its state changes", () => {
  const authenticators = ["zeta", "alpha", "mid"].map((name) => authenticator(name));
  const others = { before: "a-alpha alpha: Not connected", after: "a-zeta zeta: Not connected" };
  const stages: [Omit<Known, "hasFailed">, string][] = [
    [{ authenticators, connections: [], pending: [] }, "a-mid mid: Not connected"],
    [{ authenticators, connections: [], pending: [pending("mid")] }, "a-mid mid: Signing in…"],
    [{ authenticators, connections: [connection("mid")], pending: [] }, "a-mid mid: Connected"],
  ];
  for (const [known, middle] of stages) expect(lines(known)).toEqual([others.before, middle, others.after]);
});

test("a second account stands below the first", () => {
  const authenticators = [authenticator("hub")];
  const first = connection("hub", { created_at: "2026-11-21T10:00:00Z" });
  const second = connection("hub/work", { created_at: "2026-11-21T11:00:00Z" });
  expect(lines({ authenticators, connections: [first], pending: [pending("hub", { own: true })] })).toEqual([
    "a-hub hub: Connected",
    "s-hub hub: Signing in…",
  ]);
  expect(lines({ authenticators, connections: [second, first], pending: [] })).toEqual([
    "a-hub hub: Connected",
    "c-hub/work hub / work: Connected",
  ]);
});

test("an account that could not be added has a row of its own", () => {
  const known = { authenticators: [authenticator("hub")], connections: [connection("hub")], pending: [] };
  const rows = buildRows({ ...known, hasFailed: (id) => id === "a-hub" });
  expect(rows.map((row) => rowState(row).words)).toEqual(["Connected", "Not connected"]);
});

test("a sign-in that renews a connection stands in its row", () => {
  const rows = build({
    authenticators: [authenticator("hub")],
    connections: [connection("hub", { status: "needs_reconnect" })],
    pending: [pending("hub", { connection: "c-hub" })],
  });
  expect(rows.map((row) => [rowState(row).words, primaryAction(row)])).toEqual([["Signing in…", "cancel"]]);
});

test("a sign-in that began elsewhere stands where it is waited for", () => {
  const rows = build({
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
      const [row] = build({
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
  const [row] = build({
    authenticators: [authenticator("hub", { is_active: false })],
    connections: [],
    pending: [],
  });
  expect(row && [rowState(row).words, primaryAction(row)]).toEqual(["Disabled", "enable"]);
});

test("the search finds all of its words, anywhere", () => {
  const rows = build({
    authenticators: [authenticator("hub"), authenticator("mail")],
    connections: [connection("hub"), connection("mail", { scopes: ["gmail.readonly"] })],
    pending: [],
  });
  expect(matching(rows, " ADA gmail").map(title)).toEqual(["mail"]);
  expect(matching(rows, "")).toHaveLength(2);
});

test("the statusLine line", () => {
  const statusLines = (more: Partial<Connection>): string[] => {
    const [row] = build({
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
    since: "2026-11-21T11:48:00Z",
    attempts: 1,
  };
  expect(statusLines({ used_at: "2026-11-21T11:58:00Z" })).toEqual(["Refreshes in 41 min", "used 2 min ago by node"]);
  expect(statusLines({ expires_at: null, refresh_due_at: null })).toEqual(["Never expires", "not used yet"]);
  expect(statusLines({ status: "needs_reconnect", refresh_error })).toEqual(["Expired 12 min ago", "invalid_grant"]);
  expect(statusLines({ refreshable: false, refresh_due_at: null })).toEqual(["Ends in 46 min", "not used yet"]);
});
