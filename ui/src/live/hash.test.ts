import { expect, test } from "vitest";
import { SHELL_ROUTES } from "../backend/shell.gen";
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

test("the routes that the shell opens lead to their pages", () => {
  for (const [fragment, route] of SHELL_ROUTES) {
    const parsed = parseHash(fragment);
    if (route.page === "settings" || route.page === "access") expect(parsed).toEqual(route);
    else expect(parsed).toEqual({ page: "connections", details: route.page === "connection" ? route.id : null });
  }
});
