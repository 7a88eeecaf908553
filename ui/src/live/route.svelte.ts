// Which page is open, by the hash of the address.

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

class Router {
  now = $state<Route>(parseHash(location.hash));

  start(): () => void {
    const read = (): void => {
      this.now = parseHash(location.hash);
    };
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }
}

export const router = new Router();

/** `#/activity/GitHub%2Fwork` */
export function href(page: string, part?: string): string {
  return part === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(part)}`;
}

export function go(page: string, part?: string): void {
  location.hash = href(page, part);
}
