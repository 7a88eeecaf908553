// What a person is told when something did not work: what happened, why, what to do.
import type { ApiError, InUse, Problem } from "./types";

/** What the API, the shell or the page itself says: the codes of the last two are their own. */
type Told = Partial<Omit<ApiError, "code">> & { code?: string; message: string };

export class Failure extends Error {
  readonly code: string;
  readonly hint: string | null;
  /** The technical reason, small beside the words. */
  readonly reason: string | null;
  readonly problems: Problem[];
  readonly inUse: InUse[];
  readonly consoleUrl: string | null;

  constructor(told: Told) {
    super(sentence(told.message));
    this.code = told.code ?? "internal";
    this.hint = told.hint ? sentence(told.hint) : null;
    this.reason = told.reason ?? null;
    this.problems = told.problems ?? [];
    this.inUse = told.in_use ?? [];
    this.consoleUrl = told.console_url ?? null;
  }

  /** Whatever was thrown or answered, as words. */
  static of(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const told = isTold(thrown) ? thrown.detail : thrown;
    if (hasMessage(told)) return new Failure(told);
    return GONE;
  }
}

/** Nobody answered: the agent is not there. */
const GONE = new Failure({
  code: "agent_gone",
  message: "Valet Key's agent does not answer",
  hint: "it is looked for all the time; nothing is lost",
});

function isTold(value: unknown): value is { detail: Told } {
  return typeof value === "object" && value !== null && "detail" in value && hasMessage(value.detail);
}

function hasMessage(value: unknown): value is Told {
  if (typeof value !== "object" || value === null || !("message" in value)) return false;
  return typeof value.message === "string" && value.message !== "";
}

/** The API's messages are one sentence each, in lower case, without a full stop. */
export function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…`]$/.test(upper) ? upper : `${upper}.`;
}
