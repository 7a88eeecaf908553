// A client of a remote MCP server (official TypeScript SDK) that gets its tokens from Valet Key: one before every
// request, and a new one where the server refuses it. Calls a tool each time a line arrives on stdin.
//
// Usage: node mcp-token-client.mjs URL CONNECTION TOOL ARGUMENTS   (VALETKEY_BIN is the command)
// stdout: {"text": "..."} for each call, {"error": "..."} for one that failed.
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, connection, tool, toolArguments] = process.argv.slice(2);
const run = promisify(execFile);
const token = async (...flags) => (await run(process.env.VALETKEY_BIN, ['token', connection, ...flags])).stdout.trim();

async function fetchWithToken(target, init, ...flags) {
  const headers = new Headers(init?.headers);
  headers.set('Authorization', `Bearer ${await token(...flags)}`);
  const response = await fetch(target, { ...init, headers });
  return response.status === 401 && flags.length === 0 ? fetchWithToken(target, init, '--refresh') : response;
}

const client = new Client({ name: 'tests', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: fetchWithToken }));
for await (const _line of createInterface({ input: process.stdin })) {
  try {
    const result = await client.callTool({ name: tool, arguments: JSON.parse(toolArguments) });
    console.log(JSON.stringify({ text: result.content[0].text }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.stderr ?? error) }));
  }
}
await client.close();
