// Actions on a connection that are confirmed in a dialog first.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { Connection, Disconnected } from "../api/types";
import { backend } from "../backend";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";

/** The desktop shell copies the token: it never reaches this page. */
class Copying {
  connection = $state.raw<Connection | null>(null);

  open(connection: Connection): void {
    this.connection = connection;
  }

  close(): void {
    this.connection = null;
  }

  async confirm(): Promise<void> {
    if (!this.connection || !backend.desktop) return;
    const { id, name } = this.connection;
    const seconds = await backend.desktop.copyToken(id);
    this.close();
    notices.done(`A token of ${name} is on the clipboard.`, `The clipboard is cleared in ${seconds} seconds.`);
  }
}

/** The agent refuses to disconnect what is in use; a second confirmation forces it. */
class Disconnecting {
  connection = $state.raw<Connection | null>(null);
  conflict = $state.raw<Failure | null>(null);

  open(connection: Connection): void {
    this.connection = connection;
    this.conflict = null;
  }

  close(): void {
    this.connection = null;
    this.conflict = null;
  }

  async confirm(): Promise<void> {
    if (!this.connection) return;
    const params = { path: { id: this.connection.id }, query: { force: this.conflict !== null } };
    try {
      const done = await ask(api.DELETE("/api/v1/credentials/connections/{id}", { params }));
      this.close();
      notifyDisconnected(done);
      await live.refresh("connections", "authenticators", "status");
    } catch (thrown) {
      const failure = Failure.of(thrown);
      if (failure.code !== "conflict" || this.conflict) throw failure;
      this.conflict = failure;
    }
  }
}

export function notifyDisconnected({ name, revocation }: Disconnected): void {
  switch (revocation.outcome) {
    case "revoked":
      notices.done(`${name} is disconnected.`, "The provider revoked its tokens.");
      break;
    case "not_possible":
      notices.done(`${name} is disconnected.`, `Its tokens stay valid until they expire: ${revocation.reason}`);
      break;
    case "failed":
      notices.done(
        `${name} is disconnected here.`,
        `The provider did not confirm the revocation: ${revocation.reason}`,
      );
      break;
  }
}

export const copying = new Copying();
export const disconnecting = new Disconnecting();
