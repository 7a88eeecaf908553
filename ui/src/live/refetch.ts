// Reads snapshots one round at a time: what is asked for during a round is read in the next one, so a
// burst of events costs two rounds and the last one sees all of it.

const LATER_MS = 800;

export class Refetch<Which> {
  #wanted = new Set<Which>();
  #running: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly read: (which: ReadonlySet<Which>) => Promise<void>,
    private readonly broken: (thrown: unknown) => void,
  ) {}

  now(which: Which[]): Promise<void> {
    for (const one of which) this.#wanted.add(one);
    if (this.#wanted.size === 0) return this.#running ?? Promise.resolve();
    this.#running ??= this.#rounds().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  later(which: Which[]): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.now(which);
    }, LATER_MS);
  }

  async #rounds(): Promise<void> {
    // Calls of the same moment join the first round.
    await Promise.resolve();
    while (this.#wanted.size > 0) {
      const round = this.#wanted;
      this.#wanted = new Set();
      try {
        await this.read(round);
      } catch (thrown) {
        this.#wanted.clear();
        this.broken(thrown);
        return;
      }
    }
  }
}
