// What has to be read again after an event.

export type Snapshot = "providers" | "authenticators" | "connections" | "status";
/** A whole snapshot, or one connection by its id. */
export type Stale = Snapshot | { connection: string };

interface EventAbout {
  kind: string;
  connection_id?: string | null;
}

/** A hand-out changes only the last use, which the event itself tells. */
export function stale({ kind, connection_id }: EventAbout): Stale[] {
  const one: Stale = connection_id ? { connection: connection_id } : "connections";
  switch (kind) {
    case "connection.refreshed":
    case "connection.postponed":
    case "connection.updated":
      return kind === "connection.updated" ? [one, "authenticators"] : [one, "status"];
    case "connection.added":
    case "connection.adopted":
    case "connection.removed":
      return ["connections", "authenticators", "status"];
  }
  switch (kind.split(".")[0]) {
    case "connection":
    case "grant":
      return [one, "status"];
    case "authenticator":
      return ["authenticators", "connections", "status"];
    case "agent":
      return ["status"];
    default:
      return [];
  }
}
