// A real MCP server (official TypeScript SDK) that needs a token and asks Valet Key for it: over the socket, with
// nothing but Node's own HTTP client.
//
// Usage: node mcp-server.mjs SOCKET CONNECTION API_URL   (speaks MCP on stdio)
import { request } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const [socketPath, connection, apiUrl] = process.argv.slice(2);

async function token() {
  const path = `/api/v1/credentials/connections/${encodeURIComponent(connection)}/token`;
  const reply = await new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method: 'POST', headers: { 'Content-Type': 'application/json' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => (body += part)).on('end', () => resolve(JSON.parse(body)));
    });
    asked.on('error', reject).end('{}');
  });
  if (!reply.access_token) throw new Error(reply.detail.message);
  return reply.access_token;
}

const server = new McpServer({ name: 'whoami', version: '1.0.0' });
server.registerTool('whoami', { description: 'Says whose account this is' }, async () => {
  const response = await fetch(apiUrl, { headers: { Authorization: `Bearer ${await token()}` } });
  return { content: [{ type: 'text', text: `${response.status} ${await response.text()}` }] };
});
await server.connect(new StdioServerTransport());
