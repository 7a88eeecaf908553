// Relative and exact times.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "41 min", "3 h", "12 days": rounded down. */
export function span(ms: number): string {
  if (ms < MINUTE) return "less than a minute";
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} days`;
}

/** "just now", "2 min ago", "yesterday", "12 days ago". */
export function ago(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (ms < MINUTE) return "just now";
  if (ms < DAY) return `${span(ms)} ago`;
  if (ms < 2 * DAY) return "yesterday";
  return `${span(ms)} ago`;
}

/** "in 41 min"; "any moment" for what is due. */
export function inTime(at: string, now: number): string {
  const ms = Date.parse(at) - now;
  if (ms <= 0) return "any moment";
  return ms < MINUTE ? `in ${Math.ceil(ms / 1000)} s` : `in ${span(ms)}`;
}

/** "4:12", of a countdown. */
export function left(at: string, now: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(at) - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const SHORT_TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const LONG_DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** "15:20" of today, "3 Feb" of this year, else with the year. */
export function moment(at: string, now: number): string {
  const then = new Date(at);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return SHORT_TIME.format(then);
  return (then.getFullYear() === today.getFullYear() ? SHORT_DATE : LONG_DATE).format(then);
}

const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** For the tooltip of a relative time. */
export function exact(at: string): string {
  return EXACT.format(new Date(at));
}

/** "14:02:11" */
export function clockTime(at: string): string {
  return CLOCK.format(new Date(at));
}

/** "Today", "Yesterday", "Monday, 16 November": by the calendar, not by hours. */
export function day(at: string, now: number): string {
  const then = new Date(at);
  const today = new Date(now);
  const yesterday = new Date(now);
  yesterday.setDate(today.getDate() - 1);
  if (then.toDateString() === today.toDateString()) return "Today";
  if (then.toDateString() === yesterday.toDateString()) return "Yesterday";
  return DATE.format(then);
}
