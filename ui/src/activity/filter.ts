// Which lines of the log are shown.
import type { LogEvent } from "../api/types";
import { line, type Group } from "../words/events";
import { who } from "../words/actor";

export interface Filter {
  group: Group | null;
  /** Name of a program, as the log shows it. */
  program: string | null;
  search: string;
}

export function shown(
  events: readonly LogEvent[],
  { group, program, search }: Filter,
  subject: (event: LogEvent) => string | null,
): LogEvent[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    const said = line(event, subject(event));
    if (group !== null && said.group !== group) return false;
    if (program !== null && who(event.actor)?.name !== program) return false;
    const haystack =
      `${said.subject} ${said.text} ${said.aside} ${event.kind} ${event.connection ?? ""} ${event.actor ?? ""}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

export function programs(events: readonly LogEvent[]): string[] {
  return [...new Set(events.flatMap(({ actor }) => who(actor)?.name ?? []))].sort();
}
