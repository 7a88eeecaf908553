// Search over the catalogue.
import type { Provider } from "../api/types";

/** The providers of which each typed word begins a word of the name, the id or a keyword, those whose name begins with
 * the whole text first. `custom` fits every provider, so it is the answer where there is no other. */
export function find(providers: Provider[], typed: string): Provider[] {
  const text = typed.trim().toLowerCase();
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return providers;
  const found = providers.filter((provider) => words.every((word) => begins(provider, word)));
  const first = found.filter(({ display_name }) => display_name.toLowerCase().startsWith(text));
  const rest = found.filter((provider) => !first.includes(provider));
  return found.length > 0 ? [...first, ...rest] : providers.filter(({ id }) => id === "custom");
}

function begins({ id, display_name, keywords }: Provider, word: string): boolean {
  return [id, display_name, ...keywords]
    .map((text) => text.toLowerCase())
    .some((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)].some((part) => part.startsWith(word)));
}
