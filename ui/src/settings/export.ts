// Authenticators as a file that the drop zone and `valetkey import` read back. Tokens are never in it, and a
// client secret only as the name of a variable.
import { api, ask } from "../api/client";

export async function asFile(): Promise<string> {
  const exported = await ask(api.POST("/api/v1/oauth/export", { body: { secrets: false } }));
  return `${JSON.stringify(exported, null, 2)}\n`;
}
