// Preloaded with `node --import`: the access tokens of the SDK's example OAuth server end after ACCESS_TOKEN_SECONDS
// instead of an hour. Nothing else of it is changed.
import { DemoInMemoryAuthProvider } from './node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/demoInMemoryOAuthProvider.js';

const seconds = Number(process.env.ACCESS_TOKEN_SECONDS);
const exchange = DemoInMemoryAuthProvider.prototype.exchangeAuthorizationCode;
DemoInMemoryAuthProvider.prototype.exchangeAuthorizationCode = async function (...args) {
  const reply = await exchange.apply(this, args);
  this.tokens.get(reply.access_token).expiresAt = Date.now() + seconds * 1000;
  return { ...reply, expires_in: seconds };
};
