import { expect, test } from "vitest";
import { Failure, sentence } from "./failure";

test("the API's refusal, the shell's and silence all become words", () => {
  const refused = Failure.of({
    detail: {
      code: "conflict",
      message: "it is in use",
      hint: "use `--force`",
      in_use: [{ kind: "client", name: "key ci", used_at: null }],
    },
  });
  expect([refused.code, refused.message, refused.hint, refused.inUse.length]).toEqual([
    "conflict",
    "It is in use.",
    "Use `--force`",
    1,
  ]);
  expect(Failure.of({ code: "browser", message: "no browser could be started" }).message).toBe(
    "No browser could be started.",
  );
  for (const silence of [null, undefined, "", {}, { detail: { message: "" } }])
    expect(Failure.of(silence).code).toBe("agent_gone");
});

test("a sentence ends once", () => {
  expect([sentence("why?"), sentence("it is so"), sentence("run `x`")]).toEqual(["Why?", "It is so.", "Run `x`"]);
});
