import { siGithub, siGoogle } from "simple-icons";
import type { Provider } from "../api/types";

/** Marks that simple-icons publishes under CC0; other providers show their initials. */
const MARKS: Record<string, string> = { github: siGithub.path, google: siGoogle.path };

export function markPath(provider: string): string | null {
  return MARKS[provider] ?? null;
}

/** A provider without initials, such as `custom`, gets the first letter of the name. */
export function initials(provider: Provider | null, name: string): string {
  const own = provider?.initials ?? "";
  if (/^[\p{L}\p{N}]{1,2}$/u.test(own)) return own;
  return /[\p{L}\p{N}]/u.exec(name)?.[0].toUpperCase() ?? "?";
}

/** White if that has enough contrast on the provider's colour, else black (WCAG's
 * relative luminance). */
export function inkOn(colour: string, contrast: number): string {
  const parts = /^#(..)(..)(..)$/.exec(colour)?.slice(1) ?? [];
  const [red = 0, green = 0, blue = 0] = parts.map((hex) => {
    const value = Number.parseInt(hex, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) < contrast ? "#14151a" : "#ffffff";
}
