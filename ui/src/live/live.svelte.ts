// The agent as this page knows it. One direction: an event says that something is new, the snapshot is
// read again, the views follow. Nothing here is truth; after every break all of it is read afresh.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { AgentStatus, Authenticator, Connection, LogEvent, Provider } from "../api/types";
import { clock } from "./clock.svelte";
import { Follower } from "./follower";
import { Refetch } from "./refetch";
import { stale, type Snapshot } from "./stale";

/** How often a troubled secret store is looked at: no event tells that somebody unlocked it. */
const LOOK_AGAIN_MS = 4000;

export type Phase = "loading" | "ready" | "gone" | "failed";

class Live {
  phase = $state<Phase>("loading");
  failure = $state.raw<Failure | null>(null);
  status = $state.raw<AgentStatus | null>(null);
  connections = $state.raw<Connection[]>([]);
  authenticators = $state.raw<Authenticator[]>([]);
  providers = $state.raw<Provider[]>([]);
  online = $state(navigator.onLine);

  readonly #ears = new Set<(event: LogEvent) => void>();
  readonly #resumed = new Set<() => void>();
  readonly #refetch = new Refetch<Snapshot>(
    (which) => this.#read(which),
    (thrown) => this.#broken(thrown),
  );

  readonly #follower = new Follower({
    begun: () => this.#begun(),
    event: (event) => this.#heard(event),
    broken: (thrown) => this.#broken(thrown),
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
    const looking = setInterval(look, LOOK_AGAIN_MS);
    // What is there is shown at once; it is read again when the stream has begun.
    void this.#readAll();
    const stop = this.#follower.start();
    return () => {
      window.removeEventListener("online", online);
      window.removeEventListener("offline", online);
      clearInterval(looking);
      stop();
    };
  }

  /** Tries at once what is otherwise tried in a while. */
  retry(): void {
    this.#follower.hurry();
  }

  /** Each event, as it happens. */
  onEvent(ear: (event: LogEvent) => void): () => void {
    this.#ears.add(ear);
    return () => this.#ears.delete(ear);
  }

  /** Each time that the stream begins: events may have been missed. */
  onResumed(ear: () => void): () => void {
    this.#resumed.add(ear);
    return () => this.#resumed.delete(ear);
  }

  /** Reads these snapshots again; resolves when they are there. */
  refresh(...which: Snapshot[]): Promise<void> {
    return this.#refetch.now(which);
  }

  async #begun(): Promise<void> {
    await this.#readAll();
    if (this.failure) return;
    for (const ear of this.#resumed) ear();
  }

  async #readAll(): Promise<void> {
    await this.refresh("providers", "authenticators", "connections", "status");
    if (!this.failure) this.phase = "ready";
  }

  #heard(event: LogEvent): void {
    const { snapshots, soon } = stale(event.kind);
    if (soon) void this.#refetch.now(snapshots);
    else this.#refetch.later(snapshots);
    for (const ear of this.#ears) ear(event);
  }

  #broken(thrown: unknown): void {
    const failure = Failure.of(thrown);
    this.failure = failure;
    this.phase = failure.code === "agent_gone" ? "gone" : "failed";
    this.#follower.again();
  }

  async #read(which: ReadonlySet<Snapshot>): Promise<void> {
    const [providers, authenticators, connections, status] = await Promise.all([
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
    if (status) this.status = status;
  }
}

export const live = new Live();
