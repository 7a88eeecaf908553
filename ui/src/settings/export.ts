// Authenticators as a file that the drop zone and `valetkey add --config` read back. Tokens are never in
// it, and a client secret only as the name of a variable.
import type { Authenticator, Provider } from "../api/types";
import { slug } from "../words/names";

/**
 * `${WORK_GITHUB_CLIENT_SECRET}`: the terminal resolves it, the window asks for its value. Names are
 * unique, otherwise two clients would get one secret.
 */
class Variables {
  #given = new Set<string>();

  of(one: Authenticator): string {
    const profile = one.profile === "default" ? "" : letters(one.profile);
    // Nothing is left of a name without Latin letters.
    const words = [profile, letters(one.name) || letters(one.provider), "CLIENT_SECRET"].filter((word) => word !== "");
    const wanted = words.join("_").replace(/^(?=[0-9])/, "_");
    let name = wanted;
    for (let number = 2; this.#given.has(name); number++) name = `${wanted}_${number}`;
    this.#given.add(name);
    return `\${${name}}`;
  }
}

/** The letters that the name of a variable may have. */
function letters(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");
}

function entry(one: Authenticator, provider: Provider | undefined, variables: Variables): Record<string, unknown> {
  const own = Object.entries(one.own_endpoints).filter(([, value]) => value != null);
  const hasKey = one.endpoints.client_auth === "private_key_jwt";
  const { subject, audience, requested_token_type, assertion_audience } = one;
  const requested = Object.entries({ subject, audience, requested_token_type, assertion_audience }).filter(
    ([, value]) => value != null,
  );
  return {
    authenticator_type: one.provider,
    // As it was typed, if that still leads to its name.
    name: slug(one.display_name) === one.name ? one.display_name : one.name,
    ...(one.profile === "default" ? {} : { profile: one.profile }),
    client_id: one.client_id,
    ...(one.has_client_secret ? { [hasKey ? "private_key" : "client_secret"]: variables.of(one) } : {}),
    ...(one.grant_type === "authorization_code" ? {} : { grant_type: one.grant_type }),
    ...Object.fromEntries(requested),
    scopes: one.scopes,
    ...(one.is_active ? {} : { is_active: false }),
    ...(one.redirect_uri === provider?.redirect.default ? {} : { redirect_uri: one.redirect_uri }),
    ...Object.fromEntries(own),
    ...(Object.keys(one.authorize_params).length > 0 ? { authorize_params: one.authorize_params } : {}),
    ...(Object.keys(one.placeholders).length > 0 ? { placeholders: one.placeholders } : {}),
  };
}

export function asFile(authenticators: readonly Authenticator[], providers: readonly Provider[]): string {
  const variables = new Variables();
  const entries = authenticators.map((one) =>
    entry(
      one,
      providers.find(({ id }) => id === one.provider),
      variables,
    ),
  );
  return `${JSON.stringify({ authenticators: entries }, null, 2)}\n`;
}
