// The form of an authenticator. It lives as long as the window, so that a half-filled form survives
// switching pages. A secret is only put into the request that saves it.
import type { Authenticator, AuthenticatorPatch, Discovered, NewAuthenticator, Problem, Provider } from "../api/types";
import type { Imported } from "./importFile";

export const URL_FIELDS = [
  "authorize_url",
  "token_url",
  "device_authorization_url",
  "pushed_authorization_url",
  "revocation_url",
  "userinfo_url",
  "issuer",
] as const;
export type UrlField = (typeof URL_FIELDS)[number];

/** Fields that belong to one provider. */
const OWN = [
  "redirect_uri",
  "client_auth",
  "assertion_audience",
  "grant_type",
  "subject",
  "audience",
  "requested_token_type",
  "resource",
  "dpop",
  "api_hosts",
  "api_key_header",
  ...URL_FIELDS,
] as const;
/** Fields of the form's folded part. */
export const ADVANCED = ["private_key", ...OWN] as const;
/** What the form holds as text. */
export const TEXTS = ["name", "client_id", "client_secret", ...ADVANCED] as const;
export type TextField = (typeof TEXTS)[number];

/** What was entered for one provider and fits no other. */
interface Left {
  texts: Partial<Record<TextField, string>>;
  scopes: string[];
  placeholders: Record<string, string>;
}

export class Draft {
  provider = $state("");
  /** Null: the profile in view. */
  profile = $state<string | null>(null);
  readonly texts = $state<Record<TextField, string>>(blank());
  scopes = $state<string[]>([]);
  placeholders = $state<Record<string, string>>({});
  authorizeParams = $state<Record<string, string>>({});
  /** Fields of a file that the form does not show. */
  #others: Record<string, unknown> = {};
  /** Problems that the agent reported; changing a field removes its problems. */
  problems = $state.raw<Problem[]>([]);
  /** Fields that a file leaves to a variable (`${GOOGLE_CLIENT_SECRET}`), with its name. */
  variables = $state<Record<string, string>>({});
  advanced = $state(false);
  /** What was found behind a URL; what of it has no field here is saved with the rest. */
  found = $state.raw<Discovered | null>(null);
  /** False: it is disabled after saving, as it was exported. */
  isActive = true;
  /** The body at the start. */
  #begun = "";
  /** The name that was filled in automatically. */
  #automatic = "";
  /** By provider. */
  readonly #left = new Map<string, Left>();

  /** Whether the person has changed something. */
  get touched(): boolean {
    return this.provider !== "" && JSON.stringify(this.body()) !== this.#begun;
  }

  /** Starts with the defaults of this provider. */
  begin(provider: Provider, taken: (name: string) => boolean): void {
    Object.assign(this.texts, blank());
    this.provider = provider.id;
    this.profile = null;
    this.texts.name = this.#automatic = freeName(provider.id === "custom" ? "" : provider.id, taken);
    this.scopes = [...provider.default_scopes];
    this.placeholders = {};
    this.authorizeParams = {};
    this.#others = {};
    this.variables = {};
    this.problems = [];
    this.found = null;
    this.advanced = provider.id === "custom";
    this.isActive = true;
    this.#begun = JSON.stringify(this.body());
  }

  /** Changes to another provider: what fits is kept, the rest is restored when its provider is chosen again. */
  change(provider: Provider, taken: (name: string) => boolean): void {
    const { name, client_id, client_secret, private_key } = this.texts;
    const { scopes, profile } = this;
    const isNamed = name !== this.#automatic;
    if (this.provider !== "") {
      const texts = Object.fromEntries(OWN.map((field) => [field, this.texts[field]]));
      this.#left.set(this.provider, { texts, scopes, placeholders: { ...this.placeholders } });
    }
    this.begin(provider, taken);
    this.profile = profile;
    Object.assign(this.texts, { client_id, client_secret, private_key });
    if (isNamed) this.texts.name = name;
    const known = new Set(provider.scope_presets.flatMap((preset) => preset.scopes));
    const left = this.#left.get(provider.id);
    Object.assign(this.texts, left?.texts);
    Object.assign(this.placeholders, left?.placeholders);
    this.scopes = left?.scopes ?? [...new Set([...this.scopes, ...scopes.filter((scope) => known.has(scope))])];
  }

  /** Fills in what a file contains. */
  take(imported: Imported, provider: Provider, taken: (name: string) => boolean): void {
    this.begin(provider, taken);
    this.profile = imported.profile;
    Object.assign(this.texts, imported.texts);
    if (imported.scopes) this.setScopes(imported.scopes);
    Object.assign(this.placeholders, imported.placeholders);
    Object.assign(this.authorizeParams, imported.authorizeParams);
    this.#others = { ...imported.others };
    this.variables = imported.variables;
    this.isActive = imported.isActive;
    this.#begun = JSON.stringify(this.body());
  }

  /** Fills in what was found behind a URL. */
  fill(found: Discovered): void {
    const { name } = this.texts;
    const fields = found.draft ?? {};
    for (const field of [...OWN, "client_id"] as const) {
      const value = fields[field];
      if (typeof value === "string") this.texts[field] = value;
      else if (Array.isArray(value)) this.texts[field] = value.join(" ");
      else if (field !== "client_id") this.texts[field] = "";
    }
    if (name === "" || name === this.#automatic) this.texts.name = this.#automatic = found.name;
    this.setScopes(found.scopes);
    this.found = found;
    this.problems = found.needs;
  }

  set(field: TextField, value: string): void {
    this.texts[field] = value;
    this.changed(field);
  }

  setScopes(scopes: string[]): void {
    this.scopes = [...new Set(scopes)];
    this.changed("scopes");
  }

  /** Removes the problems of a field that was changed. */
  changed(field: string): void {
    this.problems = this.problems.filter((problem) => problem.field !== field);
    if (this.texts[field as TextField]) delete this.variables[field];
  }

  clear(): void {
    this.provider = "";
    this.profile = null;
    Object.assign(this.texts, blank());
    this.problems = [];
    this.variables = {};
    this.found = null;
    this.#left.clear();
  }

  /** The request body. Empty fields are left out, so that the defaults of the provider apply. */
  body(): NewAuthenticator {
    const filledIn = TEXTS.filter((field) => this.texts[field].trim() !== "");
    const texts = Object.fromEntries(filledIn.map((field) => [field, this.#sent(field)]));
    const found = Object.entries(this.found?.draft ?? {}).filter(([field]) => !TEXTS.some((text) => text === field));
    return {
      ...this.#others,
      client_id: "",
      ...Object.fromEntries(found),
      ...texts,
      authenticator_type: this.provider,
      scopes: [...this.scopes],
      ...(filled(this.placeholders) ? { placeholders: { ...this.placeholders } } : {}),
      ...(filled(this.authorizeParams) ? { authorize_params: { ...this.authorizeParams } } : {}),
    };
  }

  /** What a field that is not empty says to the API. */
  #sent(field: TextField): string | string[] {
    const text = this.texts[field].trim();
    return field === "api_hosts" ? text.split(/[\s,]+/) : text;
  }

  /** Fills in a stored authenticator. */
  load(old: Authenticator): void {
    this.provider = old.provider;
    Object.assign(this.texts, stored(old));
    this.scopes = [...old.scopes];
    this.placeholders = { ...old.placeholders };
    this.problems = [];
    this.advanced = old.provider === "custom";
  }

  /** The changes against the stored one. An empty secret keeps the old one. */
  patch(old: Authenticator): AuthenticatorPatch {
    const before = stored(old);
    const changes: Record<string, unknown> = {};
    for (const field of TEXTS) {
      const value = this.texts[field].trim();
      if (value !== before[field]) changes[field] = value === "" ? null : this.#sent(field);
    }
    if (this.scopes.join(" ") !== old.scopes.join(" ")) changes.scopes = [...this.scopes];
    const values = Object.entries(this.placeholders).filter(([name, value]) => value !== old.placeholders[name]);
    if (values.length > 0) changes.placeholders = Object.fromEntries(values);
    return changes;
  }
}

function stored(old: Authenticator): Record<TextField, string> {
  const { name, client_id, redirect_uri, endpoints } = old;
  return {
    name,
    client_id,
    client_secret: "",
    private_key: "",
    assertion_audience: old.assertion_audience ?? "",
    grant_type: old.grant_type === "authorization_code" ? "" : old.grant_type,
    subject: old.subject ?? "",
    audience: old.audience ?? "",
    requested_token_type: old.requested_token_type ?? "",
    api_hosts: (old.api_hosts ?? []).join(" "),
    api_key_header: old.api_key_header ?? "",
    redirect_uri,
    client_auth: endpoints.client_auth ?? "",
    authorize_url: endpoints.authorize_url ?? "",
    token_url: endpoints.token_url ?? "",
    device_authorization_url: endpoints.device_authorization_url ?? "",
    pushed_authorization_url: endpoints.pushed_authorization_url ?? "",
    dpop: endpoints.dpop ?? "",
    revocation_url: endpoints.revocation_url ?? "",
    userinfo_url: endpoints.userinfo_url ?? "",
    issuer: endpoints.issuer ?? "",
    resource: endpoints.resource ?? "",
  };
}

function blank(): Record<TextField, string> {
  return Object.fromEntries(TEXTS.map((field) => [field, ""])) as Record<TextField, string>;
}

function filled(values: Record<string, string>): boolean {
  return Object.values(values).some((value) => value !== "");
}

function freeName(wanted: string, taken: (name: string) => boolean): string {
  if (wanted === "" || !taken(wanted)) return wanted;
  for (let number = 2; ; number++) if (!taken(`${wanted}-${number}`)) return `${wanted}-${number}`;
}

/** The authenticator that is being added. */
export const adding = new Draft();

/** Unsaved changes by authenticator id: they survive switching pages. */
const drafts = new Map<string, Draft>();

export function editing(id: string, stored: Authenticator | undefined): Draft {
  const known = drafts.get(id);
  if (known) return known;
  const draft = new Draft();
  if (stored) {
    draft.load(stored);
    drafts.set(id, draft);
  }
  return draft;
}
