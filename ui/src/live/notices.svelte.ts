// Short messages about what succeeded or failed.
import { Failure } from "../api/failure";

export interface Notice {
  id: number;
  tone: "done" | "failed";
  text: string;
  hint: string | null;
  reason: string | null;
}

/** Failures stay until they are dismissed. */
const DONE_SHOWN_MS = 7000;

class Notices {
  list = $state<Notice[]>([]);
  #next = 1;

  done(text: string, hint: string | null = null): void {
    const id = this.#add({ tone: "done", text, hint, reason: null });
    setTimeout(() => this.dismiss(id), DONE_SHOWN_MS);
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
