// Connections by the name that the API's rules, questions and keys carry.
import { live } from "../live/live.svelte";
import { profiles } from "../live/profiles.svelte";
import { title } from "../words/names";

/** "GitHub / work"; the name itself if it is gone. */
export function connectionTitle(profile: string, name: string): string {
  const connection = live.connections.find((one) => one.name === name && one.profile === profile);
  const authenticator = live.authenticators.find(({ id }) => id === connection?.authenticator_id);
  return profiles.qualified(connection && authenticator ? title(authenticator, connection) : name, profile);
}
