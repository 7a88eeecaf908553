// The client under test of the MCP conformance suite's authorization scenarios: gets every token from Valet Key, by
// nothing but its commands, and speaks just as much MCP as the scenarios want to see.
//
// Usage: conformance client --command "node conformance-client.mjs" --scenario auth/... (it adds the server's URL, and
// says the rest in MCP_CONFORMANCE_*). VALETKEY_BIN is the command. Exits with 1 where Valet Key has refused.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const url = process.argv[2];
const { VALETKEY_BIN, MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: revision } = process.env;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const NAME = 'conformance';
/** The document that the suite's servers take for the client's. */
const CLIENT_METADATA = 'https://conformance-test.local/client-metadata.json';
/** Its tokens are bound to a key (RFC 9449), so they are used through the proxy alone. */
const isBound = scenario.startsWith('auth/dpop');
/** Requests for one operation; more would be a loop. */
const MAX_ATTEMPTS = 3;
const CLIENT = { name: 'valetkey-conformance', version: '1.0.0' };

const valetkey = (...args) =>
  execFileSync(VALETKEY_BIN, args, {
    encoding: 'utf8',
    env: { ...process.env, CLIENT_SECRET: context.client_secret ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

const add = ['add', url, '--name', NAME, '--redirect-uri', 'http://127.0.0.1/callback', '--yes'];
if (context.client_id) add.push('--client-id', context.client_id);
if (context.client_secret) add.push('--client-secret-env', 'CLIENT_SECRET');
if (context.private_key_pem) add.push('--private-key-file', privateKeyFile());
if (scenario.startsWith('auth/client-credentials-')) add.push('--grant-type', 'client_credentials');
if (isBound) add.push('--dpop', 'required');
if (scenario === 'auth/basic-cimd') add.push('--client-metadata-url', CLIENT_METADATA);

function privateKeyFile() {
  const file = join(mkdtempSync(join(tmpdir(), 'conformance-')), 'key.pem');
  writeFileSync(file, context.private_key_pem, { mode: 0o600 });
  return file;
}

/** Where requests go, and what proves that they may. */
function access() {
  if (!isBound) return { target: url, credentials: { Authorization: `Bearer ${valetkey('token', NAME)}` } };
  key ??= JSON.parse(valetkey('key', 'create', '--name', NAME, '--json')).key;
  const proxy = valetkey('proxy-url', NAME).split('\n').find((line) => line.startsWith('http'));
  return { target: proxy + new URL(url).pathname, credentials: { 'X-Valet-Key': key } };
}

let key;
let session;
let requests = 0;

/** One message, by Streamable HTTP. */
async function post(method, params, id) {
  const isStateless = revision >= '2026-07-28';
  const meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': CLIENT,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { target, credentials } = access();
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...credentials,
    'MCP-Protocol-Version': revision,
    ...(isStateless && { 'Mcp-Method': method, ...(params.name && { 'Mcp-Name': params.name }) }),
    ...(session && { 'Mcp-Session-Id': session }),
  };
  const body = { jsonrpc: '2.0', id, method, params: isStateless ? { ...params, _meta: meta } : params };
  const response = await fetch(target, { method: 'POST', headers, body: JSON.stringify(body) });
  session = response.headers.get('mcp-session-id') ?? session;
  await response.text();
  return response;
}

/** A request. What its token lacks is asked for: another sign-in, or more scopes. */
async function request(method, params = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await post(method, params, (requests += 1));
    if (response.ok) return;
    const challenge = response.headers.get('www-authenticate') ?? '';
    const scopes = /\bscope="([^"]*)"/.exec(challenge)?.[1];
    if (attempt === MAX_ATTEMPTS || ![401, 403].includes(response.status)) throw new Error(`${method}: HTTP ${response.status}`);
    const isScope = response.status === 403 && scopes;
    valetkey('connect', NAME, ...(isScope ? ['--scopes', scopes.replaceAll(' ', ',')] : []));
  }
}

try {
  valetkey(...add);
  valetkey('connect', NAME);
  if (revision < '2026-07-28') {
    await request('initialize', { protocolVersion: revision, capabilities: {}, clientInfo: CLIENT });
    await post('notifications/initialized', {});
  }
  await request('tools/list');
  await request('tools/call', { name: 'test-tool', arguments: {} });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  for (const left of [['remove', NAME, '--force'], ...(key ? [['key', 'revoke', NAME]] : [])]) {
    try {
      valetkey(...left);
    } catch {
      // It was never added.
    }
  }
}
