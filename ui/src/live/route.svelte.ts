// The page that is open, as the fragment of the URL says.
import { parseHash, type Page, type Route } from "./hash";

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
export function href(page: Page, part?: string): string {
  return part === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(part)}`;
}

export function go(page: Page, part?: string): void {
  location.hash = href(page, part);
}

/** As `go`, without an entry in the history. */
export function replace(page: Page, part?: string): void {
  location.replace(href(page, part));
}
