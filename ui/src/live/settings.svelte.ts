// The settings, as the agent stores them. The page follows changes by other clients.
import { api, ask } from "../api/client";
import type { Settings as Known, SettingsPatch } from "../api/types";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";

/** Texts that are typed and not saved yet: they survive switching pages. */
export type Typed = "browser" | "port" | "quiet_from" | "quiet_to";

class Settings {
  known = $state.raw<Known | null>(null);
  readonly typed = $state<Partial<Record<Typed, string>>>({});

  start(): () => void {
    const read = (): void => void this.read();
    const stops = [live.onResumed(read), live.onEvent(({ kind }) => kind === "settings.changed" && read())];
    return () => stops.forEach((stop) => stop());
  }

  async read(): Promise<void> {
    try {
      this.known = await ask(api.GET("/api/v1/settings"));
    } catch (thrown) {
      notices.failed(thrown);
    }
  }

  /** Saves, then removes the typed texts that were saved, unless they were changed meanwhile. */
  change(body: SettingsPatch, ...typed: Typed[]): Promise<void> {
    return this.#save(body, typed, {});
  }

  /** With `force` although client keys are used at the old port. */
  changePort(port: number | null, force: boolean): Promise<void> {
    return this.#save({ port }, ["port"], { force });
  }

  async #save(body: SettingsPatch, typed: Typed[], query: { force?: boolean }): Promise<void> {
    const sent = { ...this.typed };
    this.known = await ask(api.PATCH("/api/v1/settings", { params: { query }, body }));
    for (const text of typed) if (this.typed[text] === sent[text]) delete this.typed[text];
  }
}

export const settings = new Settings();
