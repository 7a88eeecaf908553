// Which lines of the log are shown, and what each is about.
import type { Authenticator, Connection, LogEvent } from "../api/types";
import { line, type About, type Group } from "../words/events";
import { actorText } from "../words/actor";
import { title } from "../words/names";

export interface Filter {
  group: Group | null;
  /** Name of a program, as the log shows it. */
  program: string | null;
  search: string;
}

export function shown(
  events: readonly LogEvent[],
  { group, program, search }: Filter,
  about: (event: LogEvent) => About,
): LogEvent[] {
  const terms = search.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    const { account } = about(event);
    const words = line(event, about(event));
    if (group !== null && words.group !== group) return false;
    if (program !== null && actorText(event.actor)?.name !== program) return false;
    const haystack =
      `${words.subject} ${words.text} ${words.note} ${event.kind} ${event.connection ?? ""} ${account ?? ""} ${actorText(event.actor)?.name ?? ""}`.toLowerCase();
    return terms.every((term) => haystack.includes(term));
  });
}

export function programs(events: readonly LogEvent[]): string[] {
  return [...new Set(events.flatMap(({ actor }) => actorText(actor)?.name ?? []))].sort();
}

/** The name and account of what an event is about. The steps of a sign-in carry only its id. */
export function subjects(
  authenticators: readonly Authenticator[],
  connections: readonly Connection[],
  events: readonly LogEvent[],
  qualified: (name: string, profile: string) => string,
): (event: LogEvent) => About {
  const clients = new Map(authenticators.map((one) => [one.id, one]));
  const accounts = new Map(connections.map((one) => [one.id, one]));
  const sessions = new Map(
    events.flatMap(({ session_id, authenticator_id }) =>
      session_id && authenticator_id ? [[session_id, authenticator_id]] : [],
    ),
  );
  // What was removed keeps the name that another event of the log has; so does its authenticator.
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const { connection_id, connection, authenticator_id, authenticator } of events) {
    if (connection_id && connection) names.set(connection_id, connection);
    if (authenticator_id && authenticator) names.set(authenticator_id, authenticator);
    if (connection_id && authenticator_id) owners.set(connection_id, authenticator_id);
  }
  return (event) => {
    const connection = accounts.get(event.connection_id ?? "");
    const owner = connection?.authenticator_id ?? owners.get(event.connection_id ?? "") ?? event.authenticator_id;
    const authenticator = clients.get(owner ?? sessions.get(event.session_id ?? "") ?? "");
    const isRemoved = event.connection_id ? !connection : !authenticator;
    const known = isRemoved ? names.get(event.connection_id ?? owner ?? "") : undefined;
    const name = known ?? (authenticator && !isRemoved ? title(authenticator, connection ?? null) : null);
    const whole = name && authenticator ? qualified(name, authenticator.profile) : name;
    return { name: whole, account: connection?.account.display_name ?? null };
  };
}
