// Which snapshots an event makes old.

export type Snapshot = "providers" | "authenticators" | "connections" | "status";

export interface Stale {
  snapshots: Snapshot[];
  /** False for what happens often and changes little: a token was handed out. */
  soon: boolean;
}

export function stale(kind: string): Stale {
  switch (kind.split(".")[0]) {
    case "token":
      return { snapshots: ["connections"], soon: false };
    case "connection":
    case "grant":
      return { snapshots: ["connections", "authenticators", "status"], soon: true };
    case "authenticator":
      return { snapshots: ["authenticators", "connections", "status"], soon: true };
    case "agent":
      return { snapshots: ["connections", "status"], soon: true };
    default:
      return { snapshots: [], soon: true };
  }
}
