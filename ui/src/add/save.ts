// Saving an authenticator, and what the agent says about it.
import { api, ask } from "../api/client";
import { Failure, sentence } from "../api/failure";
import type { AuthenticatorSaved } from "../api/types";
import { notices } from "../live/notices.svelte";
import { ADVANCED, type Draft } from "./draft.svelte";

/** An imported authenticator keeps its disabled state. */
export async function add(draft: Draft, profile: string): Promise<AuthenticatorSaved> {
  const saved = await ask(
    api.POST("/api/v1/oauth/authenticators", { params: { query: { profile } }, body: draft.body() }),
  );
  if (draft.isActive) return saved;
  const params = { path: { id: saved.authenticator.id } };
  const { authenticator } = await ask(
    api.PATCH("/api/v1/oauth/authenticators/{id}", { params, body: { is_active: false } }),
  );
  return { ...saved, authenticator };
}

/** Without a client: connections are made from keys. */
export function addForKeys(draft: Draft, profile: string): Promise<AuthenticatorSaved> {
  const body = { ...draft.body(), api_keys_only: true };
  delete body.client_id;
  delete body.client_secret;
  return ask(api.POST("/api/v1/oauth/authenticators", { params: { query: { profile } }, body }));
}

export function notifySaved({ authenticator, warnings }: AuthenticatorSaved, hint: string | null = null): void {
  const text = warnings.map(({ message, hint }) => `${sentence(message)} ${sentence(hint)}`).join(" ");
  notices.done(`${authenticator.display_name} is saved.`, text || hint);
}

/** Shows problems at their fields and focuses the first of the form; rethrows anything else. */
export function showProblems(thrown: unknown, draft: Draft): void {
  const failure = Failure.of(thrown);
  draft.problems = failure.problems;
  if (failure.problems.length === 0) throw failure;
  if (failure.problems.some(({ field }) => ADVANCED.some((one) => one === field))) draft.advanced = true;
  setTimeout(() => {
    const first = document.querySelector<HTMLElement>("form [aria-invalid='true']");
    first?.focus({ preventScroll: true });
    first?.closest("[data-field]")?.scrollIntoView({ block: "center" });
  });
}
