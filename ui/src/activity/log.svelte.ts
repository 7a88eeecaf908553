// The audit log, newest first, as far back as the person asked for.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { LogEvent } from "../api/types";
import { live } from "../live/live.svelte";

const PAGE = 100;

export class Log {
  events = $state.raw<LogEvent[]>([]);
  state = $state<"reading" | "more" | "whole">("reading");
  failure = $state.raw<Failure | null>(null);

  /** `connection`: only what is about this one. */
  constructor(private readonly connection: string | null) {}

  start(): () => void {
    void this.#newest();
    const stops = [live.onEvent((event) => this.#add(event)), live.onResumed(() => void this.#newest())];
    return () => stops.forEach((stop) => stop());
  }

  #add(event: LogEvent): void {
    if (this.connection !== null && event.connection_id !== this.connection) return;
    if (this.events.some(({ id }) => id === event.id)) return;
    this.events = newestFirst([event, ...this.events]);
  }

  async #newest(): Promise<void> {
    try {
      this.events = newestFirst(await this.#read({}));
      this.failure = null;
    } catch (thrown) {
      this.failure = Failure.of(thrown);
    }
  }

  async older(): Promise<void> {
    const before = Math.min(...this.events.map(({ id }) => id));
    this.events = newestFirst([...this.events, ...(await this.#read({ before }))]);
  }

  async #read(where: { before?: number }): Promise<LogEvent[]> {
    const about = this.connection === null ? {} : { connection: this.connection };
    const query = { ...where, ...about, limit: PAGE };
    const { events } = await ask(api.GET("/api/v1/events", { params: { query } }));
    this.state = events.length < PAGE ? "whole" : "more";
    return events as LogEvent[];
  }
}

/** Hand-outs are written to the log a little later than they happen, so its numbers are not the order. */
function newestFirst(events: LogEvent[]): LogEvent[] {
  return [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id);
}
