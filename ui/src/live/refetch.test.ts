import { expect, test } from "vitest";
import { Refetch } from "./refetch";

test("what is asked for during a round is read in one more round", async () => {
  const rounds: string[][] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const refetch = new Refetch<string>(
    async (which) => {
      rounds.push([...which]);
      if (rounds.length === 1) await gate;
    },
    () => undefined,
  );
  const first = refetch.now(["a"]);
  await Promise.resolve();
  await Promise.resolve();
  void refetch.now(["b"]);
  void refetch.now(["b", "c"]);
  open();
  await first;
  expect(rounds).toEqual([["a"], ["b", "c"]]);
});

test("a failure is told once and ends the rounds", async () => {
  const told: unknown[] = [];
  const refetch = new Refetch<string>(
    () => Promise.reject(new Error("gone")),
    (thrown) => told.push(thrown),
  );
  await refetch.now(["a"]);
  expect(told).toHaveLength(1);
});
