// Loaded before the MCP conformance suite: adds the client key of $VALETKEY_KEY to its requests, and changes nothing else
// of them.
import { getGlobalDispatcher, setGlobalDispatcher } from 'undici';

const key = process.env.VALETKEY_KEY;
const withKey = (dispatch) => (options, handler) =>
  dispatch({ ...options, headers: { ...options.headers, authorization: `Bearer ${key}` } }, handler);
setGlobalDispatcher(getGlobalDispatcher().compose(withKey));
