// Checks while a person types. The agent validates again when it saves.
import type { Provider } from "../api/types";
import { broadScopes, broadWarning } from "../words/scopes";
import { URL_FIELDS } from "./draft.svelte";

export interface Hint {
  field: string;
  tone: "bad" | "warn";
  text: string;
  /** A better value that a click fills in. */
  offer?: string;
}

export interface Typed {
  texts: Readonly<Record<string, string>>;
  scopes: readonly string[];
  provider: Provider | null;
  taken: (name: string) => boolean;
}

/** Prefixes of access tokens, and who issues them. */
const TOKENS: [RegExp, string][] = [
  [/^(gh[pousr]_|github_pat_)/, "a GitHub access token"],
  [/^xox[a-z]-/, "a Slack token"],
  [/^ya29\./, "a Google access token"],
  [/^glpat-/, "a GitLab access token"],
  [/^eyJ[\w-]+\./, "a token (JWT)"],
  [/^sk-/, "an API key"],
];

export function hints({ texts, scopes, provider, taken }: Typed): Hint[] {
  const found: Hint[] = [];
  const { name = "", client_id = "", client_secret = "" } = texts;
  if (name !== "" && taken(name.trim().toLowerCase())) {
    found.push({ field: "name", tone: "bad", text: `“${name}” is taken. Choose another name.` });
  }
  if (name.includes("/"))
    found.push({
      field: "name",
      tone: "bad",
      text: "A name cannot contain a slash, which separates the label of an account.",
    });
  for (const field of ["client_id", "client_secret"]) {
    const value = texts[field] ?? "";
    const token = TOKENS.find(([pattern]) => pattern.test(value.trim()));
    const what = field === "client_id" ? "a client ID" : "a client secret";
    if (token) found.push({ field, tone: "bad", text: `This looks like ${token[1]}, not ${what}.` });
    else if (/\s/.test(value)) {
      found.push({ field, tone: "warn", text: "It contains a space.", offer: value.replaceAll(/\s+/g, "") });
    }
  }
  if (client_id.trim().startsWith("GOCSPX-"))
    found.push({ field: "client_id", tone: "bad", text: "This is Google's client secret, not the client ID." });
  if (client_id !== "" && client_id.trim() === client_secret.trim()) {
    found.push({ field: "client_secret", tone: "warn", text: "This is the same as the client ID." });
  }
  for (const scope of scopes) {
    if (/[\s,]/.test(scope))
      found.push({
        field: "scopes",
        tone: "bad",
        text: `“${scope}” contains several scopes. Add each of them separately.`,
      });
  }
  const broad = broadScopes(scopes, provider);
  if (broad.length > 0) found.push({ field: "scopes", tone: "warn", text: broadWarning(broad, provider) });
  for (const field of URL_FIELDS) {
    const problem = urlProblem(texts[field]?.trim() ?? "");
    if (problem) found.push({ field, ...problem });
  }
  return found;
}

function parsed(value: string): URL | null {
  return URL.canParse(value) ? new URL(value) : null;
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

function urlProblem(value: string): Omit<Hint, "field"> | null {
  if (value === "") return null;
  const url = parsed(value);
  if (!url || !/^https?:$/.test(url.protocol)) {
    const better = parsed(`https://${value}`);
    const offer = better?.hostname.includes(".") ? { offer: better.href } : {};
    return { tone: "bad", text: "This is not an https address.", ...offer };
  }
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname)) {
    return {
      tone: "bad",
      text: "Secrets are sent to this address, so it must be https.",
      offer: value.replace(/^http:/, "https:"),
    };
  }
  return null;
}
