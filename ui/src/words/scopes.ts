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
