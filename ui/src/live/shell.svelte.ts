// The desktop shell's own state; null in a plain browser.
import { backend, type ShellState } from "../backend";
import { notices } from "./notices.svelte";
import { go } from "./route.svelte";

class Shell {
  state = $state.raw<ShellState | null>(null);

  start(): () => void {
    void this.read().then(() => {
      if (this.state?.first_start) go("welcome");
    });
    return () => undefined;
  }

  async read(): Promise<void> {
    try {
      this.state = (await backend.desktop?.state()) ?? null;
    } catch (thrown) {
      notices.failed(thrown);
    }
  }

  async setAutostart(enabled: boolean): Promise<void> {
    await backend.desktop?.setAutostart(enabled);
    await this.read();
  }

  async loginOfferDone(): Promise<void> {
    await backend.desktop?.loginOfferDone();
    await this.read();
  }

  async firstStartDone(): Promise<void> {
    await backend.desktop?.firstStartDone();
    await this.read();
  }
}

export const shell = new Shell();
