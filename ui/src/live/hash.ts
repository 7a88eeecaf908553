// The fragment of the URL names the page.
import type { Route as ShellRoute } from "../backend/shell.gen";

/** Pages by their name in the URL. */
export type Page = ShellRoute["page"] | "add" | "authenticator" | "activity" | "welcome";

export type Route =
  | { page: "connections"; details: string | null }
  | { page: "add"; provider: string | null }
  | { page: "authenticator"; id: string }
  | { page: "access" }
  | { page: "activity"; connection: string | null }
  | { page: "settings" }
  | { page: "welcome" };

/** An unknown fragment shows the connections. */
export function parseHash(hash: string): Route {
  const [page, part] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  switch (page as Page) {
    case "connection":
      return { page: "connections", details: part ?? null };
    case "add":
      return { page: "add", provider: part ?? null };
    case "authenticator":
      return part ? { page: "authenticator", id: part } : { page: "connections", details: null };
    case "access":
      return { page: "access" };
    case "activity":
      return { page: "activity", connection: part ?? null };
    case "settings":
      return { page: "settings" };
    case "welcome":
      return { page: "welcome" };
    case "connections":
    default:
      return { page: "connections", details: null };
  }
}
