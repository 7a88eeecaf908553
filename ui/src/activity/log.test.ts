import { afterEach, expect, test, vi } from "vitest";
import type { LogEvent } from "../api/types";

const { live, backend } = vi.hoisted(() => ({
  live: { event: (_: LogEvent): void => undefined, resumed: (): void => undefined },
  backend: { replies: [] as ((ids: number[]) => void)[] },
}));
vi.mock("../live/live.svelte", () => ({
  live: {
    onEvent: (ear: (event: LogEvent) => void) => ((live.event = ear), () => undefined),
    onResumed: (ear: () => void) => ((live.resumed = ear), () => undefined),
  },
}));
vi.mock("../backend", () => ({
  AgentGone: Error,
  backend: {
    base: "http://agent.test",
    /** Held until the test answers it. */
    fetch: () =>
      new Promise<Response>((resolve) =>
        backend.replies.push((ids) => resolve(Response.json({ events: ids.map(event) }))),
      ),
  },
}));

import { Log } from "./log.svelte";

function event(id: number): LogEvent {
  return { id, at: new Date(id * 1000).toISOString(), connection_id: null } as LogEvent;
}

/** `from` and the 99 before it. */
function page(from: number): number[] {
  return Array.from({ length: 100 }, (_, index) => from - index);
}

async function answer(ids: number[]): Promise<void> {
  const reply = await vi.waitUntil(() => backend.replies.shift());
  reply(ids);
}

async function started(): Promise<Log> {
  const log = new Log(null);
  log.start();
  await answer(page(300));
  await vi.waitUntil(() => log.state === "more");
  return log;
}

function ids(log: Log): number[] {
  return log.events.map(({ id }) => id);
}

afterEach(() => {
  backend.replies = [];
});

test("what happens while older events are read is kept", async () => {
  const log = await started();
  const older = log.older();
  await vi.waitUntil(() => backend.replies.length > 0);
  live.event(event(301));
  await answer([200, 199]);
  await older;
  expect(ids(log)).toEqual([301, ...page(300), 200, 199]);
  expect(log.state).toBe("whole");
});

test("what happens while the newest events are read again is kept", async () => {
  const log = await started();
  live.resumed();
  await vi.waitUntil(() => backend.replies.length > 0);
  live.event(event(502));
  await answer(page(501));
  await vi.waitUntil(() => ids(log).includes(501));
  expect(ids(log)).toEqual([502, ...page(501)]);
});

test("a page of older events that arrives after a new beginning leaves no gap", async () => {
  const log = await started();
  const older = log.older();
  const held = await vi.waitUntil(() => backend.replies.shift());
  live.resumed();
  await answer(page(600));
  await vi.waitUntil(() => ids(log).includes(600));
  held([200, 199]);
  await older;
  expect(ids(log)).toEqual(page(600));
  expect(log.state).toBe("more");
});
