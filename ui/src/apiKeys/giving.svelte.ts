// Giving an API key or a personal access token instead of signing in. The agent asks the provider about it;
// how that ended is told in the dialog, where the key still is.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { Authenticator, Connection } from "../api/types";
import { failures } from "../live/failures.svelte";
import { live } from "../live/live.svelte";
import { notices } from "../live/notices.svelte";
import { profiles } from "../live/profiles.svelte";
import { signIns } from "../live/signIns.svelte";

const DAY_MS = 24 * 60 * 60_000;
/** The provider has this long, as the agent sees it. */
const WAIT_SECONDS = 60;

class Giving {
  authenticator = $state.raw<Authenticator | null>(null);
  /** The one that gets another key; null: a new one. */
  connection = $state.raw<Connection | null>(null);
  key = $state("");
  label = $state("");
  /** Until the key ends; null: it has no end, or nobody knows it. */
  days = $state<number | null>(null);

  open(authenticator: Authenticator, connection: Connection | null): void {
    this.#clear();
    this.authenticator = authenticator;
    this.connection = connection;
  }

  close(): void {
    this.#clear();
    this.authenticator = null;
  }

  /** Throws what the agent or the provider says against it. */
  async give(): Promise<void> {
    const { authenticator, connection, days } = this;
    if (!authenticator) return;
    const account = connection ? connection.account.label : this.label.trim() || null;
    const body = {
      authenticator: authenticator.id,
      method: "api_key" as const,
      secret: this.key,
      ...(account == null ? {} : { account }),
      ...(days === null ? {} : { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() }),
    };
    const { session_id: id } = await ask(api.POST("/api/v1/credentials/connections", { body }));
    // Told here, not in the row.
    signIns.leave(id);
    const params = { path: { id }, query: { wait: WAIT_SECONDS } };
    const view = await ask(api.GET("/api/v1/credentials/sessions/{id}", { params }));
    if (view.state === "failed" || view.state === "denied") {
      failures.clear(connection?.id ?? authenticator.id);
      throw new Failure(view.error);
    }
    if (view.state === "completed") {
      const hint = view.unverified ? "The provider did not say whose it is, so it was stored untested." : null;
      notices.done(`${profiles.qualified(view.connection.name, view.profile)} is connected.`, hint);
    }
    this.close();
    await live.refresh("connections", "authenticators", "status");
  }

  #clear(): void {
    this.key = "";
    this.label = "";
    this.days = null;
    this.connection = null;
  }
}

export const giving = new Giving();
