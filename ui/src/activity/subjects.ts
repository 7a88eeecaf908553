// What an event is about, as the list calls it: the steps of a sign-in only carry its number.
import type { Authenticator, Connection, LogEvent } from "../api/types";
import { title } from "../words/names";

export function subjects(
  authenticators: readonly Authenticator[],
  connections: readonly Connection[],
  events: readonly LogEvent[],
): (event: LogEvent) => string | null {
  const clients = new Map(authenticators.map((one) => [one.id, one]));
  const accounts = new Map(connections.map((one) => [one.id, one]));
  const sessions = new Map(
    events.flatMap(({ session_id, authenticator_id }) =>
      session_id && authenticator_id ? [[session_id, authenticator_id]] : [],
    ),
  );
  return (event) => {
    const connection = accounts.get(event.connection_id ?? "");
    if (event.connection_id && !connection) return null;
    const id = connection?.authenticator_id ?? event.authenticator_id ?? sessions.get(event.session_id ?? "");
    const authenticator = clients.get(id ?? "");
    return authenticator ? title(authenticator, connection ?? null) : null;
  };
}
