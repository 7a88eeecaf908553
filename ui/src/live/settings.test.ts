import { expect, test, vi } from "vitest";

const { held } = vi.hoisted(() => ({ held: [] as (() => void)[] }));
vi.mock("./live.svelte", () => ({ live: {} }));
vi.mock("../backend", () => ({
  AgentGone: Error,
  backend: {
    base: "http://agent.test",
    /** Held until the test lets it go. */
    fetch: () => new Promise<Response>((resolve) => held.push(() => resolve(Response.json({ port: 5000 })))),
  },
}));

import { settings } from "./settings.svelte";

test("what is typed while a setting is saved is kept, what was saved is not", async () => {
  settings.typed.port = "5000";
  settings.typed.browser = "firefox";
  const saved = settings.change({ port: 5000 }, "port", "browser");
  settings.typed.port = "5001";
  const answer = await vi.waitUntil(() => held.shift());
  answer();
  await saved;
  expect(settings.typed).toEqual({ port: "5001" });
});
