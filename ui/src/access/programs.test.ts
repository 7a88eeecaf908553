import { expect, test } from "vitest";
import type { Program, Rule } from "../api/types";
import { byProgram, chip, isReadOnly, origin, secondLine } from "./programs";

const NOW = Date.parse("2026-11-22T12:00:00Z");

function program(path: string, started_by: string | null = null): Program {
  return {
    name: path.split("/").at(-1) ?? "",
    location: `python3 ${path}`,
    started_by,
    is_known: true,
    client: { code: { kind: "script", interpreter: "/usr/bin/python3", path } },
  };
}

function rule(some: Partial<Rule>): Rule {
  return {
    id: "1",
    program: program("/home/ada/report.py"),
    project: null,
    profile: "default",
    connection: "github",
    usage: "token",
    verdict: "allow",
    scopes: ["repo"],
    narrowed: false,
    created_at: "2026-11-22T11:00:00Z",
    ends_at: null,
    used_at: null,
    is_active: true,
    ...some,
  };
}

test("rules about one identity are one row, another script is another", () => {
  const rules = [
    rule({ id: "1" }),
    rule({ id: "2", program: program("/tmp/report.py") }),
    rule({ id: "3", connection: "linear" }),
  ];
  expect(byProgram(rules, NOW).map(({ rules }) => rules.map(({ id }) => id))).toEqual([["1", "3"], ["2"]]);
});

test("a rule that has ended meanwhile is left out", () => {
  const ends_at = "2026-11-22T12:00:00Z";
  expect(byProgram([rule({ ends_at })], NOW - 1)).toHaveLength(1);
  expect(byProgram([rule({ ends_at })], NOW)).toEqual([]);
});

test("the second line names place, starter and project", () => {
  const one = rule({ program: program("/home/ada/report.py", "Cursor"), project: "/home/ada/site" });
  expect(byProgram([one], NOW).map(secondLine)).toEqual([
    "python3 /home/ada/report.py · started by Cursor · /home/ada/site",
  ]);
  expect(byProgram([one, { ...one, project: null }], NOW).map(secondLine)[0]).toMatch(/ · 2 projects$/);
  expect(byProgram([rule({})], NOW).map(secondLine)).toEqual(["python3 /home/ada/report.py · any project"]);
});

test("a question says what runs a script, and who started it", () => {
  expect(origin(program("/a.py", "Cursor"))).toBe("python3, started by Cursor");
  expect(origin(program("/a.py"))).toBe("python3");
  const client = { code: { kind: "executable" as const, path: "/usr/bin/gh" } };
  expect(origin({ ...program("/gh"), client, location: "/usr/bin/gh" })).toBe("");
  const hidden = { code: { kind: "unknown" as const, reason: "hidden_executable" as const } };
  expect(origin({ ...program("/"), client: hidden, location: "hides its executable" })).toBe("hides its executable");
});

test("a chip says what is less than the whole token", () => {
  expect(chip(rule({}))).toEqual({ words: "", tone: "" });
  expect(chip(rule({ usage: "proxy" }))).toEqual({ words: "proxy only", tone: "warn" });
  expect(chip(rule({ verdict: "deny" }))).toEqual({ words: "denied", tone: "bad" });
  expect(chip(rule({ narrowed: true, scopes: ["read:org"] })).words).toBe("read only");
  expect(chip(rule({ narrowed: true })).words).toBe("fewer scopes");
  expect(chip(rule({ is_active: false }))).toEqual({ words: "not confirmed", tone: "warn" });
});

test("only scopes that are named so are read only", () => {
  expect(isReadOnly(["openid", "https://www.googleapis.com/auth/gmail.readonly"])).toBe(true);
  expect(isReadOnly(["Mail.Read", "User.Read.All"])).toBe(true);
  for (const scope of ["Mail.ReadWrite", "repo", "read_write", "threads"]) expect(isReadOnly([scope])).toBe(false);
  expect(isReadOnly(["read:org", "repo"])).toBe(false);
  expect(isReadOnly([])).toBe(false);
});
