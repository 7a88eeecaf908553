// The events on the screen as a file.
import type { LogEvent } from "../api/types";
import { actorText } from "../words/actor";
import { line } from "../words/events";

const COLUMNS = ["id", "at", "kind", "connection", "authenticator", "actor", "words", "detail"] as const;

export function asJson(events: readonly LogEvent[]): string {
  return `${JSON.stringify(events, null, 2)}\n`;
}

/** RFC 4180; a cell that a spreadsheet would read as a formula is escaped. */
export function asCsv(events: readonly LogEvent[]): string {
  const rows = events.map((event) => {
    const words = line(event);
    const detail = Object.keys(event.detail).length === 0 ? "" : JSON.stringify(event.detail);
    const cells = [
      event.id,
      event.at,
      event.kind,
      event.connection,
      event.authenticator,
      actorText(event.actor)?.name,
      words.text,
      detail,
    ];
    return cells.map((value) => cell(String(value ?? ""))).join(",");
  });
  return [COLUMNS.join(","), ...rows].map((row) => `${row}\r\n`).join("");
}

function cell(text: string): string {
  const safe = /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
