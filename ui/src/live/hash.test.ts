import { expect, test } from "vitest";
import { parseHash } from "./hash";

test("an address nobody knows shows the connections", () => {
  for (const hash of ["", "#", "#/", "#/nowhere", "#/authenticator"]) {
    expect(parseHash(hash)).toEqual({ page: "connections", details: null });
  }
});

test("parts are decoded", () => {
  expect(parseHash("#/activity/a%2Fb")).toEqual({ page: "activity", connection: "a/b" });
  expect(parseHash("#/connection/1-2")).toEqual({ page: "connections", details: "1-2" });
});
