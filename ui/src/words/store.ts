// Problems of the secret store, as text.
import type { AgentStatus } from "../api/types";

export interface StoreProblem {
  title: string;
  text: string;
}

export function storeProblem({ kind, state, unsaved, reason }: AgentStatus["secret_store"]): StoreProblem | null {
  const kept =
    unsaved > 0 ? ` ${unsaved} new ${unsaved === 1 ? "login is" : "logins are"} kept in memory until then.` : "";
  const store = kind === "file" ? "secret file" : "keychain";
  switch (state) {
    case "ready":
      return unsaved > 0
        ? { title: `The ${store} did not store everything.`, text: `This is retried automatically.${kept}` }
        : null;
    case "locked":
      return {
        title: `The ${store} is locked.`,
        text: `Unlock it to continue; nothing is lost.${kept}`,
      };
    case "denied":
      return { title: `The ${store} refused access.`, text: `Allow Valet Key to use it.${kept}` };
    case "hung":
      return { title: `The ${store} does not answer.`, text: `It may be waiting for you to unlock it.${kept}` };
    case "unavailable":
      return {
        title: `There is no ${store}.`,
        text:
          "Start GNOME Keyring, KWallet or another secret service. It is tried again automatically." +
          `${kept}${reason ? ` The system says: ${reason}` : ""}`,
      };
  }
}

/** For the footer; null if all is well. */
export function storeWords({ kind, state }: AgentStatus["secret_store"]): string | null {
  const store = kind === "file" ? "Secret file" : "Keychain";
  const words = { ready: null, locked: "locked", denied: "refused", hung: "does not answer", unavailable: "missing" };
  const found = words[state];
  return found && `${store} ${found}`;
}
