// Runs a command beside an agent and a demo provider of its own, in a home that is thrown away:
//   node e2e/with-agent.mjs npx playwright test
//   node e2e/with-agent.mjs npm run dev
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const binaries = process.env.VALETKEY_BINARIES ?? fileURLToPath(new URL("../../target/debug", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "valetkey-ui-"));
const env = { ...process.env, VALETKEY_HOME: home };
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];

/** Starts a program; resolves with its first line, which is JSON.
 * @param {string} name @param {string[]} args */
async function start(name, ...args) {
  const child = spawn(join(binaries, name), args, { env, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const [line] = await once(createInterface({ input: /** @type {import("node:stream").Readable} */ (child.stdout) }), "line");
  return JSON.parse(String(line));
}

try {
  const { issuer } = await start("valetkey-demo-provider", "--until-stdin-closes");
  const { ready } = await start("valetkey-agent", "--secret-store", "memory", "--port", "0", "--background");
  const made = execFileSync(join(binaries, "valetkey"), ["key", "create", "--name", "ui", "--manage", "--json"], { env });
  const [command = "true", ...args] = process.argv.slice(2);
  const child = spawn(command, args, {
    stdio: "inherit",
    env: {
      ...env,
      VALETKEY_UI_AGENT: `http://127.0.0.1:${ready.port}`,
      VALETKEY_UI_KEY: JSON.parse(made.toString()).key,
      VALETKEY_UI_PROVIDER: issuer,
    },
  });
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
} finally {
  for (const child of children) child.kill();
  rmSync(home, { recursive: true, force: true });
}
