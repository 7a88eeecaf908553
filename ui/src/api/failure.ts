// Errors as the person reads them: what happened, why, what to do.
import type { ApiError, InUse, Problem } from "./types";

/** An error of the API, the shell or the page. The last two have codes of their own. */
type ErrorLike = Partial<Omit<ApiError, "code">> & { code?: string; message: string };

export class Failure extends Error {
  readonly code: string;
  readonly hint: string | null;
  /** The technical reason, shown small. */
  readonly reason: string | null;
  readonly problems: Problem[];
  readonly inUse: InUse[];
  readonly consoleUrl: string | null;

  constructor(error: ErrorLike) {
    super(sentence(error.message));
    this.code = error.code ?? "internal";
    this.hint = error.hint ? sentence(error.hint) : null;
    this.reason = error.reason ?? null;
    this.problems = error.problems ?? [];
    this.inUse = error.in_use ?? [];
    this.consoleUrl = error.console_url ?? null;
  }

  /** Of anything thrown or answered. */
  static of(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const error = isErrorBody(thrown) ? thrown.detail : thrown;
    if (hasMessage(error)) return new Failure(error);
    return GONE;
  }
}

/** The agent did not answer. */
const GONE = new Failure({
  code: "agent_gone",
  message: "Valet Key's agent does not answer",
  hint: "the page reconnects automatically; nothing is lost",
});

function isErrorBody(value: unknown): value is { detail: ErrorLike } {
  return typeof value === "object" && value !== null && "detail" in value && hasMessage(value.detail);
}

function hasMessage(value: unknown): value is ErrorLike {
  if (typeof value !== "object" || value === null || !("message" in value)) return false;
  return typeof value.message === "string" && value.message !== "";
}

/** The API's messages are one sentence each, in lower case, without a full stop. */
export function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…`]$/.test(upper) ? upper : `${upper}.`;
}
