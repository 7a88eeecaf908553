// The window shows one profile or all of them. This changes only the view.
import { live } from "./live.svelte";

class Profiles {
  /** Null: all. */
  chosen = $state<string | null>(null);
  readonly names = $derived(
    [...new Set([...live.authenticators, ...live.connections].map(({ profile }) => profile))].sort(),
  );

  /** A name that is unique among the profiles: "github (staging)". */
  qualified(name: string, profile: string): string {
    return this.names.length > 1 ? `${name} (${profile})` : name;
  }

  shows(profile: string): boolean {
    return this.chosen === null || this.chosen === profile || !this.names.includes(this.chosen);
  }
}

export const profiles = new Profiles();
