// The audit log in words. The subject (a connection's or authenticator's name) comes first, in bold.
import type { EventKind, LogEvent } from "../api/types";
import { shortScope } from "./scopes";
import { exact } from "./times";
import { who } from "./actor";

export type Tone = "ok" | "warn" | "bad" | "idle";
export type Group = "handed out" | "refreshed" | "signed in" | "problems" | "rest";

export interface Line {
  tone: Tone;
  group: Group;
  /** What the sentence is about; empty where it has no subject. */
  subject: string;
  text: string;
  /** Small beside it: the technical part. */
  aside: string;
}

type Words = (event: LogEvent) => Omit<Line, "subject">;

function text(event: LogEvent, field: string): string {
  const value = event.detail?.[field];
  return typeof value === "string" ? value : "";
}

function list(event: LogEvent, field: string): string[] {
  const value = event.detail?.[field];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function by(event: LogEvent): string {
  return who(event.actor)?.name ?? "a program";
}

function door(event: LogEvent): string {
  return who(event.actor)?.door ?? "";
}

function says(tone: Tone, group: Group, words: string, aside: (event: LogEvent) => string = door): Words {
  return (event) => ({ tone, group, text: words, aside: aside(event) });
}

function scopesOf(event: LogEvent): string {
  const missing = list(event, "missing").map(shortScope);
  if (missing.length > 0) return `not granted: ${missing.join(", ")}`;
  return list(event, "granted").map(shortScope).join(", ");
}

const why = (event: LogEvent): string => text(event, "why");

function removed(event: LogEvent): Omit<Line, "subject"> {
  const told = JSON.stringify(event.detail?.revocation ?? "");
  const revoked = /revoked/i.test(told);
  const words = revoked
    ? "disconnected; the provider revoked its tokens"
    : "disconnected; its tokens live until they end";
  return { tone: revoked ? "ok" : "warn", group: "signed in", text: words, aside: door(event) };
}

const WORDS: Record<EventKind, Words> = {
  "agent.started": says("idle", "rest", "Valet Key started", (event) => `version ${text(event, "version")}`),
  "agent.stopped": says("idle", "rest", "Valet Key stopped"),
  "agent.paused": says("warn", "rest", "Handing out was paused"),
  "agent.resumed": says("ok", "rest", "Handing out was resumed"),
  "authenticator.added": says("ok", "rest", "authenticator added"),
  "authenticator.updated": (event) => ({
    tone: "idle",
    group: "rest",
    text: event.detail?.is_active === false ? "authenticator is disabled" : "authenticator changed",
    aside: event.detail?.new_secret === true ? "new client secret" : door(event),
  }),
  "authenticator.removed": says("idle", "rest", "authenticator removed"),
  "sign_in.started": says("idle", "signed in", "sign-in started", (event) => text(event, "reason") || door(event)),
  "sign_in.authorized": says("idle", "signed in", "sign-in allowed at the provider", () => ""),
  "sign_in.completed": (event) => ({
    tone: list(event, "missing").length > 0 ? "warn" : "ok",
    group: "signed in",
    text: event.detail?.renewed === true ? "signed in again" : "signed in",
    aside: scopesOf(event),
  }),
  "sign_in.denied": says("warn", "problems", "sign-in was denied at the provider", () => ""),
  "sign_in.failed": says("bad", "problems", "sign-in failed", why),
  "sign_in.timed_out": says("warn", "problems", "sign-in was not finished in time", () => ""),
  "sign_in.cancelled": says("idle", "signed in", "sign-in was cancelled"),
  "connection.added": says("ok", "signed in", "connected", () => ""),
  "connection.renewed": says("ok", "signed in", "connection renewed", () => ""),
  "connection.refreshed": says("ok", "refreshed", "refreshed", (event) => {
    const until = text(event, "expires_at");
    return until ? `until ${exact(until)}` : "";
  }),
  "connection.postponed": says("idle", "problems", "could not be refreshed; trying again by itself", why),
  "connection.expired": says("warn", "problems", "token ended and could not be renewed yet", why),
  "connection.needs_reconnect": says("warn", "problems", "needs you to sign in again", why),
  "connection.misconfigured": says("bad", "problems", "is refused: the registration must be mended", why),
  "connection.adopted": says("idle", "rest", "found again in the keychain", () => ""),
  "connection.updated": says("idle", "rest", "settings changed"),
  "connection.removing": says("idle", "signed in", "is being disconnected"),
  "connection.removed": removed,
  "grant.unsaved": says("bad", "problems", "new token is kept in memory: the keychain did not take it", why),
  "grant.saved": says("ok", "rest", "token is stored in the keychain now", () => ""),
  "token.served": (event) => ({
    tone: "ok",
    group: "handed out",
    text: `token handed to ${by(event)}`,
    aside: door(event),
  }),
  "token.refused": (event) => ({
    tone: "bad",
    group: "problems",
    text: `token refused to ${by(event)}`,
    aside: why(event) || door(event),
  }),
  "token.unrecorded": says("bad", "problems", "requests for tokens were left out of the log", (event) => `${String(event.detail?.["count"])} of them`),
  "token.invalidated": (event) => ({
    tone: "idle",
    group: "problems",
    text: `${by(event)} reported that its token was refused`,
    aside: event.detail?.current === false ? "an older token" : door(event),
  }),
  "key.created": (event) => ({
    tone: "idle",
    group: "rest",
    text: `client key ${text(event, "key")} created`,
    aside: door(event),
  }),
  "key.revoked": (event) => ({
    tone: "idle",
    group: "rest",
    text: `client key ${text(event, "key")} revoked`,
    aside: door(event),
  }),
  "settings.changed": says("idle", "rest", "Settings changed"),
};

/** `subject`: what it is about, if somebody knows better than the event. A kind of a newer agent is shown
 * by its own word. */
export function line(event: LogEvent, subject?: string | null): Line {
  const words = (WORDS as Record<string, Words>)[event.kind] ?? says("idle", "rest", event.kind);
  return { subject: subject ?? event.connection ?? event.authenticator ?? "", ...words(event) };
}

/** As a sentence that stands alone: in a timeline of one connection. */
export function alone({ text }: Line): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
