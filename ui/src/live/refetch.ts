// Reads snapshots one round at a time: what is requested during a round is read in the next one, so a
// burst of events costs two rounds, and the last one sees all of it.
import type { Snapshot, Stale } from "./stale";

/** What one round reads. */
export interface Round {
  snapshots: ReadonlySet<Snapshot>;
  /** Ids of single connections; empty when all are read. */
  connections: ReadonlySet<string>;
}

/** More single connections than this are read as a whole list. */
const MAX_SINGLE = 4;

export class Refetch {
  #snapshots = new Set<Snapshot>();
  #connections = new Set<string>();
  #running: Promise<void> | null = null;

  constructor(
    private readonly read: (round: Round) => Promise<void>,
    private readonly failed: (thrown: unknown) => void,
  ) {}

  now(stale: readonly Stale[]): Promise<void> {
    for (const one of stale) {
      if (typeof one === "string") this.#snapshots.add(one);
      else this.#connections.add(one.connection);
    }
    if (!this.#wanted()) return this.#running ?? Promise.resolve();
    this.#running ??= this.#rounds().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  #wanted(): boolean {
    return this.#snapshots.size + this.#connections.size > 0;
  }

  #take(): Round {
    if (this.#connections.size > MAX_SINGLE) this.#snapshots.add("connections");
    if (this.#snapshots.has("connections")) this.#connections.clear();
    const round = { snapshots: this.#snapshots, connections: this.#connections };
    this.#snapshots = new Set();
    this.#connections = new Set();
    return round;
  }

  async #rounds(): Promise<void> {
    // Calls of the same moment join the first round.
    await Promise.resolve();
    while (this.#wanted()) {
      try {
        await this.read(this.#take());
      } catch (thrown) {
        this.#snapshots.clear();
        this.#connections.clear();
        this.failed(thrown);
        return;
      }
    }
  }
}
