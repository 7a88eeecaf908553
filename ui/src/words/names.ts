// Names as the screen shows them.
import type { Authenticator, Connection, KeepWarm } from "../api/types";

/** "GitHub" of "GitHub (OAuth App)". */
export function shortName(provider: string): string {
  return provider.replace(/ \(.*\)$/, "");
}

/** "GitHub / work" */
export function title(authenticator: Authenticator, connection: Connection | null): string {
  const label = connection?.account.label;
  return label ? `${authenticator.display_name} / ${label}` : authenticator.display_name;
}

/** The name for commands, as the agent derives it from what was typed. */
export function slug(typed: string): string {
  return typed
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}._]+/gu, "-")
    .replaceAll(/^-|-$/g, "");
}

/** When a token is refreshed. */
export const KEEP_WARM: readonly { value: KeepWarm; words: string }[] = [
  { value: "always", words: "Before they expire" },
  { value: "when_used", words: "Before they expire, if used within a day" },
  { value: "on_demand", words: "When a program asks" },
];
