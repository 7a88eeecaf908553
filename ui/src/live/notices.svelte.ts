// What was done, and what failed: told once, in a live region.
import { Failure } from "../api/failure";

export interface Notice {
  id: number;
  tone: "done" | "failed";
  text: string;
  hint: string | null;
  reason: string | null;
}

/** Long enough to read twice; failures stay until they are put away. */
const DONE_STAYS_MS = 7000;

class Notices {
  list = $state<Notice[]>([]);
  #next = 1;

  done(text: string, hint: string | null = null): void {
    const id = this.#add({ tone: "done", text, hint, reason: null });
    setTimeout(() => this.dismiss(id), DONE_STAYS_MS);
  }

  failed(thrown: unknown): void {
    const { message, hint, reason } = Failure.of(thrown);
    this.#add({ tone: "failed", text: message, hint, reason });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(notice: Omit<Notice, "id">): number {
    const id = this.#next++;
    const others = this.list.filter(({ text }) => text !== notice.text);
    this.list = [...others.slice(-2), { id, ...notice }];
    return id;
  }
}

export const notices = new Notices();
