// Files that describe an OAuth client: our own format, and Google's `client_secret_*.json`.

import type { NewAuthenticator } from "../api/types";
import { TEXTS, type TextField } from "./draft.svelte";

/** One authenticator of a file, with the field names of the API. */
export interface Imported {
  provider: string;
  /** Null: the profile in view. */
  profile: string | null;
  texts: Record<string, string>;
  scopes: string[] | null;
  placeholders: Record<string, string>;
  authorizeParams: Record<string, string>;
  /** Fields that the form does not show. */
  others: Record<string, unknown>;
  /** False: it was exported as disabled. */
  isActive: boolean;
  /** Names of the variables that a file refers to, by field. */
  variables: Record<string, string>;
  /** Shown to the person. */
  remarks: string[];
}

export class NotImported extends Error {}

type Shown = TextField | "app_id" | "authenticator_type" | "scopes" | "authorize_params" | "placeholders";
/** Fields that the form does not show: all that the API has beside. */
const OTHERS: Record<Exclude<keyof NewAuthenticator, Shown>, true> = {
  assume_pkce: true,
  api_keys_only: true,
  discovered_from: true,
  narrow_tokens: true,
  mcp_server: true,
};
const VARIABLE = /\$\{([^}]*)\}/;

/** Reads one authenticator, or all of an export. */
export function readFile(text: string): Imported[] {
  const members = object(parse(text));
  const several = members?.authenticators;
  if (!Array.isArray(several)) return [readOne(members)];
  if (several.length === 0) throw new NotImported("There is no authenticator in this file.");
  return several.map((one) => readOne(object(one)));
}

function readOne(members: Record<string, unknown> | null): Imported {
  if (!members) throw new NotImported("This file does not describe an authenticator.");
  const google = object(members.installed) ?? object(members.web);
  return google ? fromGoogle(google, "web" in members) : fromOwn(members);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new NotImported("This file is not JSON.");
  }
}

function object(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function fromGoogle(client: Record<string, unknown>, web: boolean): Imported {
  const text = (field: string): string => (typeof client[field] === "string" ? client[field] : "");
  if (text("client_id") === "") throw new NotImported("This Google file has no client ID.");
  const loopback = strings(client.redirect_uris).find((uri) =>
    /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\//.test(uri),
  );
  const texts: Record<string, string> = { client_id: text("client_id"), client_secret: text("client_secret") };
  const remarks: string[] = [];
  if (web) {
    remarks.push(
      "This is a client of the type “Web application”: it needs the exact redirect URI registered. “Desktop app” is simpler.",
    );
    if (loopback !== undefined) texts.redirect_uri = loopback;
  }
  return {
    provider: "google",
    profile: null,
    texts,
    scopes: null,
    placeholders: {},
    authorizeParams: {},
    others: {},
    isActive: true,
    variables: {},
    remarks,
  };
}

function fromOwn(members: Record<string, unknown>): Imported {
  const provider = members.authenticator_type;
  if (typeof provider !== "string")
    throw new NotImported("The file does not say which provider it is for (`authenticator_type`).");
  const { app_id, profile, is_active, ...rest } = members;
  const fields: Record<string, unknown> = app_id === undefined ? rest : { client_id: app_id, ...rest };
  const imported: Imported = {
    provider,
    profile: typeof profile === "string" ? profile : null,
    texts: {},
    scopes: null,
    placeholders: {},
    authorizeParams: {},
    others: {},
    isActive: is_active !== false,
    variables: {},
    remarks: [],
  };
  if (!imported.isActive) imported.remarks.push("It was exported as disabled and stays disabled until you enable it.");
  for (const [field, value] of Object.entries(fields)) {
    if (field === "authenticator_type" || value === null) continue;
    if (!take(imported, field, value)) imported.remarks.push(`“${field}” is unknown and was left out.`);
  }
  return imported;
}

function take(imported: Imported, field: string, value: unknown): boolean {
  if (field === "api_hosts") {
    imported.texts[field] = strings(value).join(" ");
    return true;
  }
  if (TEXTS.some((text) => text === field) && (typeof value === "string" || typeof value === "number")) {
    imported.texts[field] = resolved(imported, field, String(value));
    return true;
  }
  if (field in OTHERS) {
    const taken = typeof value === "string" ? resolved(imported, field, value) : value;
    if (taken !== "") imported.others[field] = taken;
    return true;
  }
  if (field === "scopes" && Array.isArray(value)) {
    imported.scopes = strings(value);
    return true;
  }
  if (field === "authorize_params" || field === "placeholders") {
    const values = Object.entries(object(value) ?? {}).map(([name, one]): [string, string] => [
      name,
      resolved(imported, name, String(one)),
    ]);
    imported[field === "placeholders" ? "placeholders" : "authorizeParams"] = Object.fromEntries(values);
    return true;
  }
  if (field === "tenant" && typeof value === "string") {
    imported.placeholders[field] = resolved(imported, field, value);
    return true;
  }
  return false;
}

/** The page cannot read environment variables: the person fills those fields in. */
function resolved(imported: Imported, field: string, value: string): string {
  const variable = VARIABLE.exec(value);
  if (!variable) return value;
  imported.variables[field] = variable[1] ?? "";
  return "";
}
