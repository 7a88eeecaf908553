// The request that adds an authenticator.
import { api, ask } from "../api/client";
import type { AuthenticatorSaved } from "../api/types";
import type { Draft } from "./draft.svelte";

/** One that was disabled where it comes from is disabled here, too. */
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
