import { expect, test } from "vitest";
import { Refetch } from "./refetch";

test("what is requested during a round is read in one more round", async () => {
  const rounds: string[][] = [];
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const refetch = new Refetch(
    async ({ snapshots, connections }) => {
      rounds.push([...snapshots, ...connections]);
      if (rounds.length === 1) await opened;
    },
    () => undefined,
  );
  const first = refetch.now(["status"]);
  await Promise.resolve();
  await Promise.resolve();
  void refetch.now([{ connection: "b" }]);
  void refetch.now([{ connection: "b" }, "authenticators"]);
  open();
  await first;
  expect(rounds).toEqual([["status"], ["authenticators", "b"]]);
});

test("many single connections are read as one list", async () => {
  const rounds: string[][] = [];
  const refetch = new Refetch(
    ({ snapshots, connections }) => {
      rounds.push([...snapshots, ...connections]);
      return Promise.resolve();
    },
    () => undefined,
  );
  await refetch.now(Array.from({ length: 50 }, (_, index) => ({ connection: String(index) })));
  expect(rounds).toEqual([["connections"]]);
});

test("a failure is reported once and ends the rounds", async () => {
  const failures: unknown[] = [];
  const refetch = new Refetch(
    () => Promise.reject(new Error("gone")),
    (thrown) => failures.push(thrown),
  );
  await refetch.now(["status"]);
  expect(failures).toHaveLength(1);
});
