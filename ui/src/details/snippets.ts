// Snippets that work without changes: each asks for a fresh token when it runs.
import type { Connection } from "../api/types";

export interface Snippet {
  name: string;
  text: string;
}

/** `GITHUB_WORK_TOKEN` for `github/work`. */
export function variable(name: string): string {
  return `${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_")}_TOKEN`;
}

/** Quoted for `sh` where necessary. */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function snippets(connection: Pick<Connection, "name" | "profile" | "provider">, socket: string): Snippet[] {
  const { name, profile } = connection;
  const elsewhere = profile !== "default";
  const url = API[connection.provider] ?? "https://api.example.com/";
  const words = elsewhere ? ["--profile", profile] : [];
  const flags = elsewhere ? ` --profile ${quoted(profile)}` : "";
  const query = elsewhere ? `?profile=${encodeURIComponent(profile)}` : "";
  const token = ["token", name, ...words];
  const list = token.map((word) => JSON.stringify(word)).join(", ");
  const run = ["run", ...words, "--env", `${variable(name)}=${name}`, "--", "npx", "-y", "your-mcp-server"];
  const server = { mcpServers: { [name.replaceAll("/", "-")]: { command: "valetkey", args: run } } };
  const route = `http://valetkey/api/v1/credentials/connections/${encodeURIComponent(name)}/token${query}`;
  return [
    // By stdin, because every user of the machine can read command lines.
    { name: "Shell", text: `valetkey token ${quoted(name)}${flags} --header |\n  curl -H @- ${url}` },
    {
      name: "TypeScript",
      text: `import { execFileSync } from "node:child_process";

const token = execFileSync("valetkey", [${list}], { encoding: "utf8" }).trim();
const reply = await fetch("${url}", {
  headers: { Authorization: \`Bearer \${token}\` },
});`,
    },
    {
      name: "Python",
      text: `import subprocess, urllib.request

token = subprocess.check_output(["valetkey", ${list}], text=True).strip()
request = urllib.request.Request("${url}",
                                 headers={"Authorization": f"Bearer {token}"})
print(urllib.request.urlopen(request).read())`,
    },
    { name: "Socket", text: `curl --unix-socket ${quoted(socket)} -X POST \\\n  ${quoted(route)}` },
    { name: "MCP", text: JSON.stringify(server, null, 2) },
  ];
}

/** A harmless request for each provider. */
const API: Record<string, string> = {
  github: "https://api.github.com/user",
  google: "https://openidconnect.googleapis.com/v1/userinfo",
  microsoft: "https://graph.microsoft.com/v1.0/me",
  slack: "https://slack.com/api/auth.test",
};
