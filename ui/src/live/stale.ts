// What has to be read again after an event.

export type Snapshot = "providers" | "authenticators" | "connections" | "status" | AccessList;
/** Who may use which connection: see `access.svelte.ts`. */
export type AccessList = "rules" | "approvals" | "keys";
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

/** The same for who may use which connection. A refusal may have listed a question, without an event of its own. */
export function staleAccess({ kind }: EventAbout): AccessList[] {
  switch (kind) {
    case "access.asked":
    case "token.refused":
      return ["approvals"];
    case "access.allowed":
    case "access.denied":
      return ["rules", "approvals"];
    case "settings.changed":
      return ["rules"];
    case "connection.updated":
    case "connection.removed":
    case "authenticator.updated":
    case "authenticator.removed":
      return ["rules", "approvals", "keys"];
  }
  switch (kind.split(".")[0]) {
    case "rule":
      return ["rules"];
    case "key":
      return ["keys"];
    default:
      return [];
  }
}
