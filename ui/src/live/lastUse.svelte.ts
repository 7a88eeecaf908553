// Which program used a connection last. The connection has the time, the audit log the program.
import { SvelteMap } from "svelte/reactivity";
import { api, ask } from "../api/client";
import type { LogEvent } from "../api/types";
import { actorText } from "../words/actor";
import { live } from "./live.svelte";

class LastUse {
  readonly #names = new SvelteMap<string, string>();

  start(): () => void {
    const stops = [live.onEvent((event) => this.#note(event)), live.onResumed(() => void this.#read())];
    return () => stops.forEach((stop) => stop());
  }

  /** "node"; null if the log has no such event any more. */
  by(connection: string): string | null {
    return this.#names.get(connection) ?? null;
  }

  async #read(): Promise<void> {
    const query = { kind: "token.served" as const, limit: 300 };
    const { events } = await ask(api.GET("/api/v1/events", { params: { query } })).catch(() => ({ events: [] }));
    for (const event of events as LogEvent[]) this.#note(event);
  }

  #note(event: LogEvent): void {
    if (event.kind !== "token.served" || !event.connection_id) return;
    const name = actorText(event.actor)?.name;
    if (name) this.#names.set(event.connection_id, name);
  }
}

export const lastUse = new LastUse();
