// Which page is open, by the hash of the address.

import { parseHash, type Route } from "./hash";

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
