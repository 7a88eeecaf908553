// The audit log as text. The subject (a connection's or authenticator's name) comes first, in bold.
import type { EventKind, LogEvent } from "../api/types";
import { actorText } from "./actor";
import { shortScope } from "./scopes";
import { exact } from "./times";

export type Tone = "ok" | "warn" | "bad" | "idle";
export type Group = "handed out" | "refreshed" | "signed in" | "problems" | "rest";

export interface Line {
  tone: Tone;
  group: Group;
  /** What the sentence is about; empty where it has no subject. */
  subject: string;
  /** Whose connection it is about; null where that is unknown or in the text already. */
  account: string | null;
  text: string;
  /** The technical part, small beside it. */
  note: string;
}

type Words = (event: LogEvent, account: string | null) => Omit<Line, "subject" | "account">;

function by({ actor }: LogEvent): string {
  return actorText(actor)?.name ?? "a program";
}

function via({ actor }: LogEvent): string {
  return actorText(actor)?.via ?? "";
}

function says(tone: Tone, group: Group, text: string, note: (event: LogEvent) => string = via): Words {
  return (event) => ({ tone, group, text, note: note(event) });
}

function scopes({ detail }: LogEvent): string {
  const missing = (detail.missing ?? []).map(shortScope);
  if (missing.length > 0) return `not granted: ${missing.join(", ")}`;
  return (detail.granted ?? []).map(shortScope).join(", ");
}

const why = ({ detail }: LogEvent): string => detail.why ?? "";
const none = (): string => "";

function removed(event: LogEvent): Omit<Line, "subject" | "account"> {
  const revocation = event.detail.revocation;
  const revoked = revocation?.outcome === "revoked";
  return {
    tone: revoked ? "ok" : "warn",
    group: "signed in",
    text: revoked
      ? "disconnected; the provider revoked its tokens"
      : "disconnected; its tokens stay valid until they expire",
    note:
      revocation?.outcome === "failed"
        ? `not revoked: ${revocation.reason}`
        : revocation?.outcome === "not_possible"
          ? revocation.reason
          : via(event),
  };
}

const LOG_DAMAGE: Record<string, string> = {
  database_replaced: "the database was lost or replaced",
  lines_missing: "the newest events were gone",
  line_changed: "the newest event was another one",
  changed_before_pruning: "old events had been changed before they were deleted",
  key_missing: "its key was gone from the keychain",
};

const WORDS: Record<EventKind, Words> = {
  "agent.started": says("idle", "rest", "Valet Key started", ({ detail }) => `version ${detail.version ?? ""}`),
  "agent.stopped": says("idle", "rest", "Valet Key stopped"),
  "agent.paused": says("warn", "rest", "Token sharing was paused"),
  "agent.resumed": says("ok", "rest", "Token sharing was resumed"),
  "authenticator.added": says("ok", "rest", "authenticator added"),
  "authenticator.updated": (event) => ({
    tone: "idle",
    group: "rest",
    text: event.detail.is_active === false ? "authenticator is disabled" : "authenticator changed",
    note: event.detail.new_secret === true ? "new client secret" : via(event),
  }),
  "authenticator.exported": says("warn", "rest", "client secret was exported"),
  "authenticator.removed": says("idle", "rest", "authenticator removed"),
  "sign_in.started": says("idle", "signed in", "sign-in started", (event) => event.detail.reason ?? via(event)),
  "sign_in.authorized": says("idle", "signed in", "sign-in allowed at the provider", none),
  "sign_in.completed": (event, account) => ({
    tone: (event.detail.missing ?? []).length > 0 ? "warn" : "ok",
    group: "signed in",
    text: `signed in${event.detail.renewed === true ? " again" : ""}${account ? ` as ${account}` : ""}`,
    note: scopes(event),
  }),
  "sign_in.denied": says("warn", "problems", "sign-in was denied at the provider", none),
  "sign_in.failed": says("bad", "problems", "sign-in failed", why),
  "sign_in.timed_out": says("warn", "problems", "sign-in was not finished in time", none),
  "sign_in.cancelled": says("idle", "signed in", "sign-in was cancelled"),
  "connection.added": says("ok", "signed in", "connected", none),
  "connection.renewed": says("ok", "signed in", "connection renewed", none),
  "connection.refreshed": says("ok", "refreshed", "refreshed", ({ detail }) =>
    detail.expires_at ? `until ${exact(detail.expires_at)}` : "",
  ),
  "connection.postponed": says("idle", "problems", "could not be refreshed; retries automatically", why),
  "connection.unavailable": says("warn", "problems", "has not been refreshed for a day; retries automatically", why),
  "connection.expired": says("warn", "problems", "token expired and could not be refreshed yet", why),
  "connection.needs_reconnect": says("warn", "problems", "needs you to sign in again", why),
  "connection.misconfigured": says("bad", "problems", "was refused: the registered client must be corrected", why),
  "connection.lacks_scopes": says("warn", "problems", "lacks scopes that a host asks for", ({ detail }) =>
    [detail.scopes, detail.host].filter((it) => typeof it === "string" && it !== "").join(" · "),
  ),
  "connection.adopted": says("idle", "rest", "found again in the keychain", none),
  "connection.updated": says("idle", "rest", "settings changed"),
  "connection.removing": says("idle", "signed in", "is being disconnected"),
  "connection.removed": removed,
  "grant.unsaved": says("bad", "problems", "new token is kept in memory: the keychain did not store it", why),
  "grant.saved": says("ok", "rest", "token is stored in the keychain now", none),
  "token.served": (event) => ({
    tone: "ok",
    group: "handed out",
    text: `token handed to ${by(event)}`,
    note: via(event),
  }),
  "token.refused": (event) => ({
    tone: "bad",
    group: "problems",
    text: `token refused to ${by(event)}`,
    note: why(event) || via(event),
  }),
  "token.unrecorded": says(
    "bad",
    "problems",
    "requests for tokens were left out of the log",
    (event) => `${String(event.detail.count)} of them`,
  ),
  "log.damaged": says(
    "bad",
    "problems",
    "the audit log was found damaged",
    ({ detail }) => LOG_DAMAGE[detail.why ?? ""] ?? "",
  ),
  "log.chained": says("idle", "rest", "events from while the keychain was locked joined the audit log's chain", none),
  "proxy.request": (event) => ({
    tone: event.detail.why === undefined ? "ok" : "bad",
    group: event.detail.why === undefined ? "handed out" : "problems",
    text: `${String(event.detail.method)} ${typeof event.detail.host === "string" ? event.detail.host : ""}${String(event.detail.path)} by ${by(event)}`,
    note: why(event) || `status ${String(event.detail.status)}`,
  }),
  "proxy.scrubbed": (event) => ({
    tone: "bad",
    group: "problems",
    text: `${String(event.detail.host)} sent the token back; it was masked`,
    note: by(event),
  }),
  "token.invalidated": (event) => ({
    tone: "idle",
    group: "problems",
    text: `${by(event)} reported that its token was refused`,
    note: event.detail.current === false ? "an older token" : via(event),
  }),
  "token.exchanged": ({ detail }) => ({
    tone: "ok",
    group: "handed out",
    text: `token was exchanged for that of ${String(detail.for)}`,
    note: String(detail.host),
  }),
  "access.asked": (event) => ({
    tone: "warn",
    group: "handed out",
    text: `${event.detail.program ?? "a program"} asked for access`,
    note: event.detail.location ?? "",
  }),
  "access.allowed": (event) => ({
    tone: "ok",
    group: "handed out",
    text: `access was allowed for ${event.detail.program ?? "a program"}`,
    note: event.detail.location ?? "",
  }),
  "access.denied": (event) => ({
    tone: "bad",
    group: "handed out",
    text: `access was denied for ${event.detail.program ?? "a program"}`,
    note: event.detail.location ?? "",
  }),
  "rule.confirmed": (event) => ({
    tone: "ok",
    group: "rest",
    text: `the rule about ${event.detail.program ?? "a program"} was confirmed`,
    note: via(event),
  }),
  "rule.removed": (event) => ({
    tone: "idle",
    group: "rest",
    text: `the rule about ${event.detail.program ?? "a program"} was removed`,
    note: via(event),
  }),
  "key.created": (event) => ({
    tone: "idle",
    group: "rest",
    text: `client key ${event.detail.key ?? ""} created`,
    note: via(event),
  }),
  "key.confirmed": (event) => ({
    tone: "ok",
    group: "rest",
    text: `client key ${event.detail.key ?? ""} confirmed`,
    note: via(event),
  }),
  "key.guessed": says(
    "bad",
    "problems",
    "many wrong client keys were tried",
    (event) => `${String(event.detail.count)} of them`,
  ),
  "key.revoked": (event) => ({
    tone: "idle",
    group: "rest",
    text: `client key ${event.detail.key ?? ""} revoked`,
    note: via(event),
  }),
  "settings.changed": says("idle", "rest", "Settings changed"),
};

/** What is known beside the event: a name that replaces the one it carries, and who is signed in. */
export interface About {
  name: string | null;
  account: string | null;
}

/** An unknown kind is shown as it is. */
export function line(event: LogEvent, about: About = { name: null, account: null }): Line {
  const of = (WORDS as Record<string, Words>)[event.kind] ?? says("idle", "rest", event.kind);
  const words = of(event, about.account);
  const isNamed = about.account === null || words.text.includes(about.account);
  return {
    subject: about.name ?? event.connection ?? event.authenticator ?? "",
    account: isNamed ? null : about.account,
    ...words,
  };
}

/** As a sentence without a subject: in the timeline of one connection. */
export function withoutSubject({ text }: Line): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
