// Copying a token is asked about first. The desktop shell does it: the token never comes here.
import type { Connection } from "../api/types";
import { backend } from "../backend";
import { notices } from "./notices.svelte";

class Copying {
  asked = $state.raw<Connection | null>(null);

  ask(connection: Connection): void {
    this.asked = connection;
  }

  forget(): void {
    this.asked = null;
  }

  async go(): Promise<void> {
    if (!this.asked || !backend.desktop) return;
    const { id, name } = this.asked;
    const seconds = await backend.desktop.copyToken(id);
    this.forget();
    notices.done(`A token of ${name} is on the clipboard.`, `The clipboard is cleared in ${seconds} seconds.`);
  }
}

export const copying = new Copying();
