// What the agent found wrong with an authenticator.
import { Failure } from "../api/failure";
import type { Draft } from "./draft.svelte";

const ADVANCED = [
  "redirect_uri",
  "client_auth",
  "authorize_url",
  "token_url",
  "revocation_url",
  "userinfo_url",
  "issuer",
];

/** Shows problems at their fields, the first of them in focus; anything else is thrown on. */
export function showProblems(thrown: unknown, draft: Draft): void {
  const failure = Failure.of(thrown);
  draft.problems = failure.problems;
  if (failure.problems.length === 0) throw failure;
  if (failure.problems.some(({ field }) => ADVANCED.includes(field))) draft.advanced = true;
  const first = failure.problems.find(({ field }) => field !== "")?.field;
  setTimeout(() => document.getElementById(`field-${first}`)?.focus());
}
