import { expect, test } from "vitest";
import { sseReader } from "./sse";

function read(...pieces: string[]): string[] {
  const events: string[] = [];
  const reader = sseReader((data) => events.push(data));
  pieces.forEach(reader);
  return events;
}

test("an event is told once its empty line has come", () => {
  expect(read("id: 1\nevent: a\ndata: {}\n")).toEqual([]);
  expect(read("id: 1\nevent: a\ndata: {}\n\n")).toEqual(["{}"]);
});

test("pieces may end anywhere", () => {
  const text = 'id: 1\ndata: {"a":1}\n\nid: 2\ndata: {"a":2}\n\n';
  for (let at = 0; at <= text.length; at++) {
    expect(read(text.slice(0, at), text.slice(at))).toEqual(['{"a":1}', '{"a":2}']);
  }
});

test("carriage returns end lines too, also across pieces", () => {
  expect(read("data: a\r\n\r", "\ndata: b\r\n\r\n")).toEqual(["a", "b"]);
});

test("comments are no events, and several data lines are one", () => {
  expect(read(": still here\n\n", "data: a\ndata: b\n\n")).toEqual(["a\nb"]);
});
