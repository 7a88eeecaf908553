// Plays the MCP host: starts a server on stdio, and calls a tool each time a line arrives on stdin.
//
// Usage: node mcp-client.mjs TOOL COMMAND [ARGUMENT...]
// stdout: {"text": "..."} for each call.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const [tool, command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'tests', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
for await (const _line of createInterface({ input: process.stdin })) {
  const result = await client.callTool({ name: tool });
  console.log(JSON.stringify({ text: result.content[0].text }));
}
await client.close();
