import { expect, test } from "vitest";
import { ago, day, inTime, left, moment, span } from "./times";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

test("the past", () => {
  const words = [-5, -120, -3600 * 5, -3600 * 30, -86400 * 12].map((seconds) => ago(at(seconds), NOW));
  expect(words).toEqual(["just now", "2 min ago", "5 h ago", "yesterday", "12 days ago"]);
});

test("the future is never promised too much", () => {
  const words = [-1, 30, 119, 3599, 86400 * 3].map((seconds) => inTime(at(seconds), NOW));
  expect(words).toEqual(["any moment", "in 30 s", "in 1 min", "in 59 min", "in 3 days"]);
});

test("a clock that lags a little makes nothing lie in the future", () => {
  expect(ago(at(4), NOW)).toBe("just now");
});

test("a countdown ends at nought", () => {
  expect([252, 60, 0.4, -3].map((seconds) => left(at(seconds), NOW))).toEqual(["4:12", "1:00", "0:01", "0:00"]);
});

test("days go by the calendar", () => {
  const noon = new Date(2026, 10, 21, 0, 30).getTime();
  expect(day(new Date(noon - 3600_000).toISOString(), noon)).toBe("Yesterday");
  expect(day(new Date(noon - 60_000).toISOString(), noon)).toBe("Today");
  expect(span(30_000)).toBe("less than a minute");
});

test("a moment is a time of today, a day of this year, or a date", () => {
  const now = new Date(2026, 10, 22, 12).getTime();
  const at = (...parts: [number, number, number, number, number]): string =>
    moment(new Date(...parts).toISOString(), now);
  expect(at(2026, 10, 22, 9, 5)).toBe("09:05");
  expect(at(2026, 10, 23, 9, 5)).toMatch(/^(?=.*\bNov\b)(?=.*\b23\b)(?!.*2026)/);
  expect(at(2027, 1, 3, 9, 5)).toMatch(/2027/);
});
