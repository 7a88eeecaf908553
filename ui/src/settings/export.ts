// Authenticators as a file that the drop zone and `valetkey add --config` read back. Tokens are never in
// it, and a client secret only as the name of a variable.
import type { Authenticator, Provider } from "../api/types";
import { slug } from "../words/names";

/** `${GITHUB_CLIENT_SECRET}`: the terminal resolves it, the window asks for its value. */
function variable(name: string): string {
  return `\${${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_")}_CLIENT_SECRET}`;
}

function entry(one: Authenticator, provider: Provider | undefined): Record<string, unknown> {
  const own = Object.entries(one.own_endpoints).filter(([, value]) => value !== null && value !== undefined);
  return {
    authenticator_type: one.provider,
    // As it was typed, where that still leads to its name.
    name: slug(one.display_name) === one.name ? one.display_name : one.name,
    ...(one.profile === "default" ? {} : { profile: one.profile }),
    client_id: one.client_id,
    ...(one.has_client_secret ? { client_secret: variable(one.name) } : {}),
    scopes: one.scopes,
    ...(one.redirect_uri === provider?.redirect.default ? {} : { redirect_uri: one.redirect_uri }),
    ...Object.fromEntries(own),
    ...(Object.keys(one.authorize_params).length > 0 ? { authorize_params: one.authorize_params } : {}),
    ...(Object.keys(one.placeholders).length > 0 ? { placeholders: one.placeholders } : {}),
  };
}

export function asFile(authenticators: readonly Authenticator[], providers: readonly Provider[]): string {
  const entries = authenticators.map((one) => entry(one, providers.find(({ id }) => id === one.provider)));
  return `${JSON.stringify({ authenticators: entries }, null, 2)}\n`;
}
