// The audit log, newest first, loaded page by page.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { LogEvent } from "../api/types";
import { live } from "../live/live.svelte";

const PAGE = 100;

export class Log {
  events = $state.raw<LogEvent[]>([]);
  state = $state<"reading" | "more" | "whole">("reading");
  failure = $state.raw<Failure | null>(null);

  /** With a `connection`, only its events. */
  constructor(private readonly connection: string | null) {}

  start(): () => void {
    void this.#newest();
    const stops = [live.onEvent((event) => this.#add(event)), live.onResumed(() => void this.#newest())];
    return () => stops.forEach((stop) => stop());
  }

  #add(event: LogEvent): void {
    if (this.connection !== null && event.connection_id !== this.connection) return;
    this.#merge([event]);
  }

  #merge(more: LogEvent[]): void {
    const known = new Set(this.events.map(({ id }) => id));
    this.events = newestFirst([...this.events, ...more.filter(({ id }) => !known.has(id))]);
  }

  async #newest(): Promise<void> {
    try {
      const page = await this.#read({});
      // Events that arrived meanwhile are newer than the page. Older ones are dropped: there may be a gap.
      const last = Math.max(0, ...page.map(({ id }) => id));
      this.events = this.events.filter(({ id }) => id > last);
      this.#merge(page);
      this.#reaches(page);
      this.failure = null;
    } catch (thrown) {
      this.failure = Failure.of(thrown);
    }
  }

  async older(): Promise<void> {
    const before = this.#oldest();
    const page = await this.#read({ before });
    // The log was read again meanwhile: this page no longer continues it.
    if (this.#oldest() !== before) return;
    this.#merge(page);
    this.#reaches(page);
  }

  async #read(where: { before?: number }): Promise<LogEvent[]> {
    const about = this.connection === null ? {} : { connection: this.connection };
    const query = { ...where, ...about, limit: PAGE };
    const { events } = await ask(api.GET("/api/v1/events", { params: { query } }));
    return events;
  }

  #oldest(): number {
    return Math.min(...this.events.map(({ id }) => id));
  }

  #reaches(page: LogEvent[]): void {
    this.state = page.length < PAGE ? "whole" : "more";
  }
}

/** Hand-outs are logged in batches, so their ids may be out of order. */
export function newestFirst(events: readonly LogEvent[]): LogEvent[] {
  return [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id);
}
