// The audit log, newest first, as far back as the person asked for.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { LogEvent } from "../api/types";
import { live } from "../live/live.svelte";

const PAGE = 100;

export class Log {
  events = $state.raw<LogEvent[]>([]);
  /** Null: not read yet. */
  oldest = $state<number | null>(null);
  failure = $state.raw<Failure | null>(null);

  /** `connection`: only what is about this one. */
  constructor(private readonly connection: string | null) {}

  get exhausted(): boolean {
    return this.oldest !== null && this.oldest <= 1;
  }

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
      const { events, last_id } = await this.#ask({ limit: PAGE });
      this.events = newestFirst(events);
      const whole = events.length < PAGE;
      this.oldest = whole ? 1 : (events[0]?.id ?? last_id);
      this.failure = null;
    } catch (thrown) {
      this.failure = Failure.of(thrown);
    }
  }

  /** Event numbers are consecutive: a window of them just before the oldest that is shown. */
  async older(): Promise<void> {
    const before = this.oldest;
    if (before === null || before <= 1) return;
    let from = before;
    const found: LogEvent[] = [];
    // With a filter most of a window may be about something else.
    while (from > 1 && found.length < PAGE) {
      const size = this.connection === null ? PAGE : 1000;
      const until = from;
      from = Math.max(1, from - size);
      const { events } = await this.#ask({ after: from - 1, limit: size });
      found.unshift(...events.filter(({ id }) => id < until));
    }
    this.oldest = from;
    this.events = newestFirst([...this.events, ...found]);
  }

  async #ask(query: { after?: number; limit: number }): Promise<{ events: LogEvent[]; last_id: number }> {
    const about = this.connection === null ? {} : { connection: this.connection };
    const log = await ask(api.GET("/api/v1/events", { params: { query: { ...query, ...about } } }));
    return log as { events: LogEvent[]; last_id: number };
  }
}

/** Hand-outs are written to the log a little later than they happen, so its numbers are not the order. */
function newestFirst(events: LogEvent[]): LogEvent[] {
  return [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id);
}
