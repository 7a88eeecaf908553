// Why the last attempt at a row failed: here, or a sign-in that the agent remembers. It stays in the row until the next
// attempt. Keys are connection ids, or authenticator ids where a sign-in was to bring a new account.
import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { Failure } from "../api/failure";
import type { FailedSignIn } from "../api/types";
import { live } from "./live.svelte";

class Failures {
  readonly #byId = new SvelteMap<string, Failure>();
  /** Failed sign-ins that the person has hidden or tried again. */
  readonly #hidden = new SvelteSet<string>();

  of(id: string): Failure | null {
    const here = this.#byId.get(id);
    if (here) return here;
    const remembered = remembers(id);
    return remembered && !this.#hidden.has(remembered.session_id) ? new Failure(remembered.error) : null;
  }

  has(id: string): boolean {
    return this.of(id) !== null;
  }

  set(id: string, failure: Failure): void {
    this.#byId.set(id, failure);
  }

  clear(id: string): void {
    this.#byId.delete(id);
    const remembered = remembers(id);
    if (remembered) this.#hidden.add(remembered.session_id);
  }

  /** For a failed sign-in that is told elsewhere. */
  hide(session: string): void {
    this.#hidden.add(session);
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

function remembers(id: string): FailedSignIn | null {
  const named = [...live.connections, ...live.authenticators].find((one) => one.id === id);
  return named?.failed_sign_in ?? null;
}

export const failures = new Failures();
