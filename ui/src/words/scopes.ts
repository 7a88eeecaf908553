// Scopes in plain words, where the catalogue has them.
import type { Provider } from "../api/types";

/** What any OpenID provider means by these. */
const STANDARD: Record<string, string> = {
  openid: "Know who you are",
  profile: "See your name and picture",
  email: "See your e-mail address",
  offline_access: "Stay signed in while you are away",
};

/** A scope's last part: what stands in a list ("gmail.readonly"). */
export function shortScope(scope: string): string {
  return scope.startsWith("http") ? (scope.replace(/\/$/, "").split("/").at(-1) ?? scope) : scope;
}

/** Null where the catalogue has words only for several scopes together. */
export function scopeWords(scope: string, provider: Provider | null): string | null {
  const alone = provider?.scope_presets.find(({ scopes }) => scopes.length === 1 && scopes[0] === scope);
  return alone?.description ?? STANDARD[scope] ?? null;
}

/** Those that give far more than most programs need. */
export function broadScopes(scopes: readonly string[], provider: Provider | null): string[] {
  const marks = provider?.broad_scopes ?? [];
  const isBroad = (scope: string): boolean =>
    marks.some((mark) => (mark.endsWith("*") ? scope.startsWith(mark.slice(0, -1)) : scope === mark));
  return scopes.filter(isBroad);
}

/** A sentence about scopes that give too much. */
export function broadWarning(broad: readonly string[], provider: Provider | null): string {
  const named = broad.map((scope) => {
    const words = scopeWords(scope, provider)?.replace(/ \(.*\)$/, "");
    return words ? `${shortScope(scope)} (${words})` : shortScope(scope);
  });
  const verb = broad.length === 1 ? "gives" : "give";
  return `${named.join(", ")} ${verb} far more than most programs need. Choose less if that is enough.`;
}

/** In words, with the scope itself after them. */
export function spelled(scope: string, provider: Provider | null): string {
  const words = scopeWords(scope, provider);
  return words ? `${words} (${shortScope(scope)})` : shortScope(scope);
}
