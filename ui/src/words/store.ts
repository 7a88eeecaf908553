// How the secret store fares, where a person should know.
import type { AgentStatus } from "../api/types";

export interface Trouble {
  title: string;
  text: string;
}

export function storeTrouble({ kind, state, unsaved, reason }: AgentStatus["secret_store"]): Trouble | null {
  const kept =
    unsaved > 0 ? ` ${unsaved} new ${unsaved === 1 ? "login is" : "logins are"} kept in memory until then.` : "";
  const store = kind === "file" ? "secret file" : "keychain";
  switch (state) {
    case "ready":
      return unsaved > 0 ? { title: `The ${store} did not take everything.`, text: `It is tried again.${kept}` } : null;
    case "locked":
      return {
        title: `The ${store} is locked.`,
        text: `Unlock it; nothing is lost, and all goes on by itself.${kept}`,
      };
    case "denied":
      return { title: `The ${store} refused access.`, text: `Allow Valet Key to use it.${kept}` };
    case "hung":
      return { title: `The ${store} does not answer.`, text: `It may be waiting for you to unlock it.${kept}` };
    case "unavailable":
      return {
        title: `There is no ${store}.`,
        text: `${reason ?? "No secret service answers on this session."}${kept}`,
      };
  }
}
