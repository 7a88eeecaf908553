// What was found behind a URL, in words.
import type { Discovered } from "../api/types";

const CLIENTS: Record<NonNullable<Discovered["registration"]>, string> = {
  dynamic: "registered by Valet Key when you save",
  client_metadata: "described by your client metadata document",
  registered: "registered by you",
  by_hand: "not registered yet: register one there and enter its client ID",
};

export function kindText({ kind, resource_name }: Discovered): string {
  if (kind === "issuer") return "an issuer of tokens";
  return resource_name ? `an MCP server that calls itself “${resource_name}”` : "an MCP server";
}

export function clientText({ registration }: Discovered): string {
  return CLIENTS[registration ?? "by_hand"];
}
