//! Requests to providers, in their dialects, and the validation of their responses.
//!
//! `oauth2` makes what protects a sign-in: the PKCE verifier and its challenge, state and nonce. Requests
//! that carry secrets are forms, built in one place and wiped after use; our HTTP client sends them, with
//! limits on time and size. Responses are parsed by [`valetkey_core::token_response`] and
//! [`valetkey_core::token_error`], which know the dialects of the providers.
//!
//! | module | purpose |
//! | --- | --- |
//! | `authorize` | the URL that the browser opens, and the validation of its response |
//! | `signing_key` | a client's private key, which signs its assertions |
//! | `pushed` | pushes the authorization request where the provider wants that |
//! | `device` | the requests of a device grant |
//! | `direct` | the requests of grants that need no person |
//! | `discovery`, `metadata` | the metadata and signing keys that a sign-in needs, and their cache |
//! | `token` | exchanges a code or a refresh token for a grant |
//! | `dpop` | proves possession of the key that tokens are bound to |
//! | `id_token`, `account` | who signed in |
//! | `api_key` | whose a key is |
//! | `revoke` | revokes a grant |
//! | `request` | the forms of `token` and `revoke`, with client authentication |
//! | `find`, `register` | what a typed URL leads to, and how the client becomes known there |
//! | `documents`, `network` | documents of servers that nobody vouches for, from addresses that they may name |
//! | `http` | sends a request and reads the whole response |
//! | `provider_time` | what time it is by the `Date` of the last response |

mod account;
mod api_key;
mod authorize;
mod device;
mod direct;
mod discovery;
mod documents;
mod dpop;
mod find;
mod http;
mod id_token;
mod metadata;
mod network;
mod provider_time;
mod pushed;
mod register;
mod request;
mod revoke;
mod signing_key;
mod token;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod fake;

pub use account::{ExpectedIdToken, Identity, TokenTest};
pub use api_key::KeyCheck;
pub use authorize::AuthorizeRequest;
pub(crate) use direct::DirectRequest;
pub use dpop::ProofKey;
pub(crate) use dpop::{ProofHeaders, SentProof};
pub use find::{FindError, Lookup, Target};
pub(crate) use http::MAX_REFRESH_TIME;
pub use http::{NoAnswer, ProviderClient, Unreachable, client_builder, unreachable};
pub use metadata::Metadata;
pub use pushed::{PushRequest, Pushed};
pub use register::NotRegistered;
pub use revoke::Revocation;
pub(crate) use signing_key::{SigningKey, is_key};
