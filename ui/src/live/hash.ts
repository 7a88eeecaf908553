// The hash of the address names the page.

export type Route =
  | { page: "connections"; details: string | null }
  | { page: "add"; provider: string | null }
  | { page: "authenticator"; id: string }
  | { page: "activity"; connection: string | null }
  | { page: "settings" }
  | { page: "welcome" };

export function parseHash(hash: string): Route {
  const [page, part] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  switch (page) {
    case "connection":
      return { page: "connections", details: part ?? null };
    case "add":
      return { page: "add", provider: part ?? null };
    case "authenticator":
      return part ? { page: "authenticator", id: part } : { page: "connections", details: null };
    case "activity":
      return { page: "activity", connection: part ?? null };
    case "settings":
      return { page: "settings" };
    case "welcome":
      return { page: "welcome" };
    default:
      return { page: "connections", details: null };
  }
}
