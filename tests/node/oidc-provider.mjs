// The real authorization server of the end-to-end tests: npm `oidc-provider`, certified, on loopback over plain HTTP.
//
// Usage: node oidc-provider.mjs '{"accessTokenSeconds": 3600}'
// stdout: one JSON object a line; first {"event":"listening","issuer":...}, then what the provider did.
// stdin:  one JSON object a line; {"do":"revoke_grants"} ends every grant (the next refresh is `invalid_grant`),
//         {"do":"introspect","token":...} says what the introspection endpoint says. When stdin ends, so does the provider.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import Provider, { errors } from 'oidc-provider';

const options = { accessTokenSeconds: 3600, refreshTokenSeconds: 86_400, deviceCodeSeconds: 600, claimsInIdToken: false, pushedRequests: false, dpop: false, resource: null, ...JSON.parse(process.argv[2] ?? '{}') };
const say = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

const server = createServer();
server.listen(options.port ?? 0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const client = (id, more) => ({
  client_id: id,
  client_name: `Valet Key (${id})`,
  application_type: 'native', // any loopback port is accepted (RFC 8252 section 7.3)
  redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  ...more,
});

const account = (id) => ({
  accountId: id,
  claims: () => ({ sub: id, email: id.includes('@') ? id : `${id}@example.test`, email_verified: true, name: `Name of ${id}` }),
});

/** The one resource that tokens are issued for; every other one is `invalid_target`. */
const onlyResource = (known) => ({
  defaultResource: () => undefined,
  getResourceServerInfo(_context, resource) {
    if (resource !== known) throw new errors.InvalidTarget();
    return { scope: 'email read', audience: known, accessTokenFormat: 'opaque', accessTokenTTL: options.accessTokenSeconds };
  },
});

/** The clients with a key: it is made here, and written to the file that the options name. */
const clientsWithKey = (file) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }];
  return [client('key-client', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } })];
};

const provider = new Provider(issuer, {
  clients: [
    client('public-client', { token_endpoint_auth_method: 'none' }),
    client('confidential-client', { client_secret: 'planted-client-secret', token_endpoint_auth_method: 'client_secret_basic' }),
    {
      client_id: 'robot-client', client_secret: 'planted-client-secret', token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    },
    ...(options.privateKeyFile ? clientsWithKey(options.privateKeyFile) : []),
  ],
  findAccount: (_context, id) => account(id),
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  clockTolerance: 0, // a token ends when it says so
  conformIdTokenClaims: !options.claimsInIdToken,
  cookies: { keys: ['only for tests'] },
  features: {
    devInteractions: { enabled: true },
    dPoP: options.dpop ? { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } : { enabled: false },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: options.pushedRequests },
    resourceIndicators: options.resource ? { enabled: true, ...onlyResource(options.resource) } : { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  pkce: { required: () => true },
  // Without this, `offline_access` is dropped unless the client asks for `prompt=consent`.
  issueRefreshToken: (_context, requester) => requester.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'email', 'profile', 'api:read'],
  ttl: {
    AccessToken: options.accessTokenSeconds,
    AuthorizationCode: 60,
    ClientCredentials: options.accessTokenSeconds,
    DeviceCode: options.deviceCodeSeconds,
    Grant: options.refreshTokenSeconds,
    IdToken: 3600,
    Interaction: 600,
    RefreshToken: options.refreshTokenSeconds,
    Session: 86_400,
  },
});

/** Says what the introspection endpoint says about a token (RFC 7662). */
const introspect = async (token) => {
  const body = new URLSearchParams({ token, client_id: 'public-client' });
  const answer = await fetch(`${issuer}/token/introspection`, { method: 'POST', body });
  say('introspected', await answer.json());
};

const grants = new Set();
const seen = (event, details) => (context, error) => say(event, details?.(context, error));
const tokenRequest = (context, error) => ({
  grant_type: context.oidc.params?.grant_type,
  client_id: context.oidc.params?.client_id ?? context.oidc.client?.clientId,
  ...(error && { error: error.error, description: error.error_description }),
});
provider.on('grant.success', (context) => {
  if (context.oidc.entities.Grant) grants.add(context.oidc.entities.Grant);
  say('token_issued', tokenRequest(context));
  if (options.introspects) void introspect(context.body.access_token);
});
provider.on('grant.error', seen('token_refused', tokenRequest));
provider.on('grant.revoked', (_context, grant) => say('grant_revoked', { grant }));
provider.on('authorization.success', seen('authorized'));
provider.on('authorization.error', seen('not_authorized', (_context, error) => ({ error: error.error })));
provider.on('server_error', seen('server_error', (_context, error) => ({ error: String(error?.stack ?? error) })));
provider.on('access_token.destroyed', (token) => say('token_revoked', { kind: token.kind }));
provider.on('refresh_token.destroyed', (token) => say('token_revoked', { kind: token.kind }));
provider.use(async (context, next) => {
  await next();
  say('request', { method: context.method, path: context.path, status: context.status });
});

server.on('request', provider.callback());
say('listening', { issuer });

const commands = {
  introspect: ({ token }) => introspect(token),
  async revoke_grants() {
    for (const grant of grants) await grant.destroy();
    const ended = grants.size;
    grants.clear();
    say('grants_ended', { ended });
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { do: command, ...details } = JSON.parse(line);
  await commands[command](details);
}
server.closeAllConnections();
server.close();
