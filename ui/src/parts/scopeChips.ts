// Scopes as chips in plain words. Pure.
import type { Provider } from "../api/types";
import { scopeWords, shortScope } from "../words/scopes";

export interface Chip {
  words: string;
  /** What stands in brackets after the words. */
  note: string;
  scopes: readonly string[];
}

/** A chip for each preset of the provider, after one for each scope that no preset of its own covers and that is
 * offered or chosen. A scope that a chosen preset contains needs none. */
export function chips(provider: Provider | null, offered: readonly string[], chosen: readonly string[]): Chip[] {
  const presets = (provider?.scope_presets ?? []).map(({ description, scopes }) => {
    const [words = "", note = ""] = description.replace(/\)$/, "").split(" (");
    return { words, note, scopes };
  });
  const covered = new Set(
    presets.filter((chip) => chip.scopes.length === 1 || isOn(chip, chosen)).flatMap(({ scopes }) => scopes),
  );
  const single = [...new Set([...offered, ...chosen])].filter((scope) => !covered.has(scope));
  return [
    ...single.map((scope) => ({ words: scopeWords(scope, provider) ?? shortScope(scope), note: "", scopes: [scope] })),
    ...presets,
  ];
}

export function isOn({ scopes }: Chip, chosen: readonly string[]): boolean {
  return scopes.every((scope) => chosen.includes(scope));
}

/** What is chosen after a click. A scope stays while another selected chip contains it. */
export function toggled(chip: Chip, all: readonly Chip[], chosen: readonly string[]): string[] {
  if (!isOn(chip, chosen)) return [...new Set([...chosen, ...chip.scopes])];
  const others = all.filter((other) => other !== chip && isOn(other, chosen)).flatMap(({ scopes }) => scopes);
  const kept = new Set(chip.scopes.length > 1 ? others : []);
  return chosen.filter((scope) => !chip.scopes.includes(scope) || kept.has(scope));
}

/** The scopes in a text that separates them with spaces or commas. */
export function typedScopes(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
