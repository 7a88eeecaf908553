// The agent's state in this page. Data flows one way: an event names what changed, that is read again,
// and the views follow. After a disconnect everything is read again.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { AgentStatus, Authenticator, Connection, LogEvent, Provider } from "../api/types";
import { clock } from "./clock.svelte";
import { Follower } from "./follower";
import { Refetch, type Round } from "./refetch";
import { stale, type Snapshot } from "./stale";

/** How often a secret store with a problem is polled: no event reports that it was unlocked. */
const STORE_POLL_MS = 4000;

export type Phase = "loading" | "ready" | "gone" | "failed";

class Live {
  phase = $state<Phase>("loading");
  failure = $state.raw<Failure | null>(null);
  status = $state.raw<AgentStatus | null>(null);
  connections = $state.raw<Connection[]>([]);
  authenticators = $state.raw<Authenticator[]>([]);
  providers = $state.raw<Provider[]>([]);
  online = $state(navigator.onLine);

  readonly #listeners = new Set<(event: LogEvent) => void>();
  readonly #resumed = new Set<() => void>();
  readonly #refetch = new Refetch(
    (round) => this.#read(round),
    (thrown) => this.#failed(thrown),
  );

  readonly #follower = new Follower({
    begun: () => this.#begun(),
    event: (event) => this.#handle(event),
    failed: (thrown) => this.#failed(thrown),
  });

  start(): () => void {
    const online = (): void => {
      this.online = navigator.onLine;
    };
    window.addEventListener("online", online);
    window.addEventListener("offline", online);
    const look = (): void => {
      const store = this.status?.secret_store;
      if (store && (store.state !== "ready" || store.unsaved > 0)) void this.refresh("status");
    };
    const looking = setInterval(look, STORE_POLL_MS);
    // Shown at once, and read again when the event stream has begun.
    void this.#readAll();
    const stop = this.#follower.start();
    return () => {
      window.removeEventListener("online", online);
      window.removeEventListener("offline", online);
      clearInterval(looking);
      stop();
    };
  }

  /** Reconnects now instead of after the pause. */
  retry(): void {
    this.#follower.hurry();
  }

  onEvent(listener: (event: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called whenever the stream begins: events may have been missed. */
  onResumed(listener: () => void): () => void {
    this.#resumed.add(listener);
    return () => this.#resumed.delete(listener);
  }

  /** Reads these snapshots again. */
  refresh(...which: Snapshot[]): Promise<void> {
    return this.#refetch.now(which);
  }

  async #begun(): Promise<void> {
    await this.#readAll();
    if (this.failure) return;
    for (const listener of this.#resumed) listener();
  }

  async #readAll(): Promise<void> {
    await this.refresh("providers", "authenticators", "connections", "status");
    if (!this.failure) this.phase = "ready";
  }

  #handle(event: LogEvent): void {
    if (event.kind === "token.served") this.#used(event);
    void this.#refetch.now(stale(event));
    for (const listener of this.#listeners) listener(event);
  }

  #failed(thrown: unknown): void {
    const failure = Failure.of(thrown);
    this.failure = failure;
    this.phase = failure.code === "agent_gone" ? "gone" : "failed";
    this.#follower.again();
  }

  #used({ connection_id, at }: LogEvent): void {
    clock.catchUp();
    this.connections = this.connections.map((one) => (one.id === connection_id ? { ...one, used_at: at } : one));
  }

  async #read({ snapshots: which, connections: ids }: Round): Promise<void> {
    const [single, providers, authenticators, connections, status] = await Promise.all([
      Promise.all([...ids].map((id) => this.#readOne(id))),
      which.has("providers") ? ask(api.GET("/api/v1/oauth/providers")) : null,
      which.has("authenticators") ? ask(api.GET("/api/v1/oauth/authenticators")) : null,
      which.has("connections") ? ask(api.GET("/api/v1/credentials/connections")) : null,
      which.has("status") ? ask(api.GET("/api/v1/status")) : null,
    ]);
    clock.catchUp();
    this.failure = null;
    if (providers) this.providers = providers.providers;
    if (authenticators) this.authenticators = authenticators.authenticators;
    if (connections) this.connections = connections.connections;
    for (const [id, connection] of single) {
      const others = this.connections.filter((one) => one.id !== id);
      this.connections = connection ? [...others, connection] : others;
    }
    if (status) this.status = status;
  }

  /** Null: it is gone. */
  async #readOne(id: string): Promise<[string, Connection | null]> {
    try {
      const params = { path: { id } };
      return [id, await ask(api.GET("/api/v1/credentials/connections/{id}", { params }))];
    } catch (thrown) {
      if (Failure.of(thrown).code === "not_found") return [id, null];
      throw thrown;
    }
  }
}

export const live = new Live();
