// Disconnecting asks once, names what will stop working, and says what was revoked.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { Connection, Disconnected } from "../api/types";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";

class Disconnecting {
  /** The connection that the person is asked about. */
  asked = $state.raw<Connection | null>(null);
  /** What the agent says is in use; a second yes goes ahead all the same. */
  inUse = $state.raw<Failure | null>(null);

  ask(connection: Connection): void {
    this.asked = connection;
    this.inUse = null;
  }

  forget(): void {
    this.asked = null;
    this.inUse = null;
  }

  async go(): Promise<void> {
    const connection = this.asked;
    if (!connection) return;
    const params = { path: { id: connection.id }, query: { force: this.inUse !== null } };
    try {
      const done = await ask(api.DELETE("/api/v1/credentials/connections/{id}", { params }));
      this.forget();
      tell(done);
      await live.refresh("connections", "authenticators", "status");
    } catch (thrown) {
      const failure = Failure.of(thrown);
      if (failure.code !== "conflict" || this.inUse) throw failure;
      this.inUse = failure;
    }
  }
}

export function tell({ name, revocation }: Disconnected): void {
  switch (revocation.outcome) {
    case "revoked":
      return notices.done(`${name} is disconnected.`, "The provider revoked its tokens.");
    case "not_possible":
      return notices.done(`${name} is disconnected.`, `Its tokens live until they end: ${revocation.reason}`);
    case "failed":
      return notices.done(`${name} is disconnected here.`, `The provider could not be told: ${revocation.reason}`);
  }
}

export const disconnecting = new Disconnecting();
