// An MCP server (official TypeScript SDK) over Streamable HTTP on loopback. It takes any bearer token and checks neither
// Host nor Origin: whoever reaches it from a web page may use it.
//
// Usage: node mcp-http-server.mjs
// stdout: one JSON object a line; first {"listening": "127.0.0.1:PORT"}, then {"authorization": ...} for each request.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const http = createServer(async (request, response) => {
  say({ authorization: request.headers.authorization });
  if (!request.headers.authorization?.startsWith('Bearer ')) return response.writeHead(401).end();
  const server = new McpServer({ name: 'open', version: '1.0.0' });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  await server.connect(transport);
  await transport.handleRequest(request, response);
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
say({ listening: `127.0.0.1:${http.address().port}` });
