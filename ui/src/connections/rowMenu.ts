// The menu of a row: only what can be done now.
import { giving } from "../apiKeys/giving.svelte";
import { backend } from "../backend";
import { failures } from "../live/failures.svelte";
import { canRefresh, check, refreshNow, setActive } from "../live/changes";
import { changing, copyToken, disconnecting } from "../live/confirm.svelte";
import { go } from "../live/route.svelte";
import { signIns } from "../live/signIns.svelte";
import type { Item } from "../parts/Menu.svelte";
import type { Row } from "./rows";

export function rowMenu({ authenticator, connection, pending }: Row): Item[] {
  const items: Item[] = [];
  const subject = connection?.id ?? authenticator.id;
  const doing = (run: () => Promise<void>) => () => void failures.attempt(subject, run);
  const works = connection?.status === "active" || connection?.status === "expired";
  if (connection) items.push({ words: "Details", run: () => go("connection", connection.id) });
  if (connection && works && authenticator.is_active) {
    items.push({ words: "Check now", run: doing(() => check(connection)) });
    if (canRefresh(connection)) items.push({ words: "Refresh now", run: doing(() => refreshNow(connection)) });
    if (backend.desktop) items.push({ words: "Copy token…", run: doing(() => copyToken(connection)) });
  }
  if (authenticator.is_active && !pending) {
    const again = { authenticatorId: authenticator.id, connection: connection ?? undefined };
    const hasClient = authenticator.client_id !== "";
    if (connection?.api_key) {
      items.push({ words: "Give another key…", run: () => giving.open(authenticator, connection) });
      if (hasClient) items.push({ words: "Sign in instead", run: () => void signIns.begin(again) });
    } else if (connection) {
      items.push({ words: "Sign in again", run: () => void signIns.begin(again) });
      items.push({ words: "Change access…", run: () => changing.open(connection) });
    }
    if (hasClient && authenticator.endpoints.device_authorization_url) {
      items.push({
        words: "Sign in with a code…",
        run: () => void signIns.begin({ ...again, device: true }),
      });
    }
    const words = connection ? "Add another account" : "Connect";
    if (hasClient) items.push({ words, run: () => void signIns.begin({ authenticatorId: authenticator.id }) });
    items.push({
      words: connection ? "Add another key…" : "Use a key or personal token…",
      run: () => giving.open(authenticator, null),
    });
  }
  if (connection) items.push({ words: "Activity", run: () => go("activity", connection.id) });
  items.push({ words: "Edit authenticator…", run: () => go("authenticator", authenticator.id) });
  items.push({
    words: authenticator.is_active ? "Disable" : "Enable",
    run: doing(() => setActive(authenticator, !authenticator.is_active)),
  });
  if (failures.has(subject)) items.push({ words: "Hide the message", run: () => failures.clear(subject) });
  if (connection) items.push({ words: "Disconnect…", danger: true, run: () => disconnecting.open(connection) });
  return items;
}
