// What to do after a failure, for somebody in front of the window: the agent's hints name commands.
import type { Failure } from "../api/failure";

const ADVICE: Record<string, string> = {
  access_denied: "Nothing was stored. Connect again to be asked again.",
  auth_required: "Sign in again with the button of this row.",
  client_misconfigured: "Correct the client ID and the client secret, then connect again.",
  conflict: "Sign in with the account of this connection, or let the other account take its place.",
};

export function advice({ code, hint }: Pick<Failure, "code" | "hint">): string | null {
  return hint?.includes("valetkey ") ? (ADVICE[code] ?? null) : hint;
}
