// Rules as the page shows them: one row per program.
import type { Program, Rule } from "../api/types";

/** The remembered answers about one program. */
export interface ProgramRules {
  key: string;
  program: Program;
  rules: Rule[];
}

/** By identity, in the order of the newest rule of each; rules that have ended are left out. */
export function byProgram(rules: readonly Rule[], now: number): ProgramRules[] {
  const groups = new Map<string, ProgramRules>();
  for (const rule of rules) {
    if (rule.ends_at && Date.parse(rule.ends_at) <= now) continue;
    const key = JSON.stringify(rule.program.client);
    const group = groups.get(key) ?? { key, program: rule.program, rules: [] };
    group.rules.push(rule);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** "python3 /home/me/report.py · started by Cursor · any project" */
export function secondLine({ program, rules }: ProgramRules): string {
  const projects = [...new Set(rules.map(({ project }) => project ?? null))];
  const [only] = projects;
  const project = projects.length > 1 ? `${projects.length} projects` : (only ?? "any project");
  return [program.location, program.started_by && `started by ${program.started_by}`, project]
    .filter(Boolean)
    .join(" · ");
}

/** "python3, started by Cursor"; empty if there is nothing to add to the name. */
export function origin({ client, started_by, location }: Program): string {
  const { code } = client;
  const runtime =
    "interpreter" in code ? code.interpreter.split("/").at(-1) : code.kind === "unknown" ? location : undefined;
  return [runtime, started_by && `started by ${started_by}`].filter(Boolean).join(", ");
}

const IDENTITY = /^(openid|email|profile|offline_access)$/;

/** Whether no scope lets write, by its name. */
export function isReadOnly(scopes: readonly string[]): boolean {
  const reads = (scope: string): boolean => {
    const words = scope.toLowerCase().split(/[^a-z]+/);
    return words.some((word) => word === "read" || word === "readonly") && !/write|admin|manage/i.test(scope);
  };
  return scopes.some(reads) && scopes.every((scope) => IDENTITY.test(scope) || reads(scope));
}

export interface Chip {
  /** Follows the connection's name; empty: its token, with all its scopes. */
  words: string;
  tone: "" | "warn" | "bad";
}

/** What a rule says beside the name of its connection. */
export function chip({ verdict, usage, narrowed, scopes, is_active }: Rule): Chip {
  if (verdict === "deny") return { words: "denied", tone: "bad" };
  const narrower = narrowed ? [isReadOnly(scopes) ? "read only" : "fewer scopes"] : [];
  const proxy = usage === "proxy" ? ["proxy only"] : [];
  const unconfirmed = is_active ? [] : ["not confirmed"];
  const words = [...proxy, ...narrower, ...unconfirmed].join(", ");
  return { words, tone: usage === "proxy" || !is_active ? "warn" : "" };
}

const COLOURS: Record<string, string> = {
  python: "#306998",
  node: "#2f6f4f",
  terminal: "#444444",
  unknown: "#8d9097",
};
const OTHERS = ["#6b4fa0", "#8a4b2d", "#2d6a80", "#7a3b5e", "#4f6230", "#3f4f8f"];

/** The same for every program of an interpreter; else the same whenever the program is shown. */
export function colour({ client, name }: Program): string {
  const { code } = client;
  const runtime = "interpreter" in code ? (code.interpreter.split("/").at(-1) ?? "") : code.kind;
  const known = COLOURS[runtime.replace(/[\d.]+$/, "")];
  const sum = Array.from(name, (letter) => letter.codePointAt(0) ?? 0).reduce((sum, code) => sum + code, 0);
  return known ?? OTHERS[sum % OTHERS.length] ?? "#5f6b7a";
}
