import { expect, test } from "vitest";
import { advice } from "./advice";

test("a hint that names a command becomes what the window can do", () => {
  const hint = "Run `valetkey connect demo` to be asked again.";
  expect(advice({ code: "access_denied", hint })).toBe("Nothing was stored. Connect again to be asked again.");
  expect(advice({ code: "client_misconfigured", hint: "Compare it with `valetkey show x`." })).toMatch(/^Correct /);
  expect(advice({ code: "internal", hint })).toBeNull();
});

test("any other hint stays", () => {
  expect(advice({ code: "internal", hint: "Make room on the disk." })).toBe("Make room on the disk.");
  expect(advice({ code: "internal", hint: null })).toBeNull();
});
