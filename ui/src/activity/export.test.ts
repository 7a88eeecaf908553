import { expect, test } from "vitest";
import type { LogEvent } from "../api/types";
import { asCsv, asJson } from "./export";

const event: LogEvent = {
  id: 7,
  at: "2026-11-21T12:00:00Z",
  kind: "connection.postponed",
  connection: "=hub",
  connection_id: "c",
  authenticator: null,
  authenticator_id: null,
  session_id: null,
  actor: null,
  detail: { why: 'said "no", twice' },
};

test("cells are quoted, and no cell is a formula", () => {
  const [, row] = asCsv([event]).split("\r\n");
  expect(row).toBe(
    `7,2026-11-21T12:00:00Z,connection.postponed,'=hub,,,could not be refreshed; retries automatically,"{""why"":""said \\""no\\"", twice""}"`,
  );
});

test("the JSON is the log's own", () => {
  expect(JSON.parse(asJson([event]))).toEqual([event]);
});
