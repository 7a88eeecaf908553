// Why the last attempt at a row failed. It stays in the row until the next attempt. Keys are connection ids, or
// authenticator ids where a sign-in was to bring a new account.
import { SvelteMap } from "svelte/reactivity";
import { Failure } from "../api/failure";

class Failures {
  readonly #byId = new SvelteMap<string, Failure>();

  of(id: string): Failure | null {
    return this.#byId.get(id) ?? null;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  set(id: string, failure: Failure): void {
    this.#byId.set(id, failure);
  }

  clear(id: string): void {
    this.#byId.delete(id);
  }

  /** Runs an action of a row; a failure is shown there. */
  async attempt(id: string, run: () => Promise<unknown>): Promise<void> {
    this.clear(id);
    try {
      await run();
    } catch (thrown) {
      this.set(id, Failure.of(thrown));
    }
  }
}

export const failures = new Failures();
