// Changes that are not saved yet, by authenticator: they survive a look at another page.
import type { Authenticator } from "../api/types";
import { Draft } from "./draft.svelte";

const drafts = new Map<string, Draft>();

export function editing(id: string, stored: Authenticator | undefined): Draft {
  const known = drafts.get(id);
  if (known) return known;
  const draft = new Draft();
  if (stored) {
    draft.load(stored);
    drafts.set(id, draft);
  }
  return draft;
}
