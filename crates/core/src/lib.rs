//! What a connection **is**: the nouns of Valet Key and the rules between them.
//!
//! Nothing here does I/O, waits, or reads a clock: every function that needs the time takes `now`.
//! So what every answer means and every state allows can be read and tested in this crate alone;
//! when to ask is the agent's.
//!
//! Read in this order:
//!
//! | module | question it answers |
//! | --- | --- |
//! | [`provider`], [`catalogue`] | which services issue tokens, and how each of them differs (data, no code) |
//! | [`api_host`], [`proxy_path`], [`proxy_settings`] | where the proxy may send a token, what a path says there, what the person allows |
//! | [`authenticator`], [`draft`], [`redirect`] | which OAuth client did the person register there, and how is it written (`${VAR}`) |
//! | [`discovery`] | what does a server publish about getting tokens for it |
//! | [`connection`], [`connection_state`], [`needed_scopes`] | which account is signed in, in which state, what may happen next, and which scopes it lacks |
//! | [`grant`], [`secret`], [`pasted_secret`] | the secret half of a connection: one keychain item |
//! | [`token_import`] | what is kept of a refresh token that was given and is no connection yet |
//! | [`token_response`], [`token_error`] | what did the provider's token endpoint say, in whichever dialect |
//! | [`challenge`] | what did an API say about the token that it refused |
//! | [`clock_reading`] | what time is it, and was the clock set |
//! | [`freshness`] | is this token fresh, which connections are kept warm, when is the next refresh due, how long to back off |
//! | [`sign_in`] | where does one run of a login flow stand |
//! | [`event`], [`actor`] | one line of the audit log, and who asked |
//! | [`secret_json`] | buffers for JSON that holds a secret |
//! | [`program`], [`access`] | which program asks, and may it use this connection |
//! | [`printable`] | how text from outside is shown to a person |
//! | [`settings`] | what a person may set |
//! | [`home`] | where everything is on disk |
//! | [`id`], [`name`], [`scope`], [`endpoint_url`], [`resource_uri`] | the small words used by all of them |
//!
//! The invariant of [`connection_state`]: no sequence of transitions revives a removed connection, and a result
//! that carries an old generation changes nothing.

pub mod access;
pub mod account;
pub mod actor;
pub mod api_host;
pub mod authenticator;
pub mod catalogue;
pub mod challenge;
pub mod clock_reading;
pub mod connection;
pub mod connection_state;
pub mod discovery;
pub mod draft;
pub mod endpoint_url;
pub mod event;
pub mod freshness;
pub mod grant;
pub mod home;
pub mod id;
pub mod name;
pub mod needed_scopes;
pub mod pasted_secret;
pub mod printable;
pub mod program;
pub mod provider;
pub mod proxy_path;
pub mod proxy_settings;
pub mod redirect;
pub mod resource_uri;
pub mod scope;
pub mod secret;
pub mod secret_json;
pub mod settings;
pub mod sign_in;
pub mod stored_grant;
pub mod token_error;
pub mod token_import;
pub mod token_response;
