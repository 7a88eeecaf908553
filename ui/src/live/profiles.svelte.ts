// The window shows one profile or all of them. This changes only the view.
import { live } from "./live.svelte";

class Profiles {
  /** Null: all. */
  chosen = $state<string | null>(null);
  readonly names = $derived(
    [...new Set([...live.authenticators, ...live.connections].map(({ profile }) => profile))].sort(),
  );

  shows(profile: string): boolean {
    return this.chosen === null || this.chosen === profile || !this.names.includes(this.chosen);
  }
}

export const profiles = new Profiles();
