//! Requests to providers, in their dialects, and how far the answers are believed.
//!
//! `oauth2` builds the requests that carry secrets (PKCE, client authentication, form encoding) and
//! hands them back unsent; our HTTP client sends them, bounded in time and size. What comes back is
//! read by [`valetkey_core::token_response`] and [`valetkey_core::token_error`], which know the dialects that
//! `oauth2` does not.
//!
//! | module | conversation |
//! | --- | --- |
//! | `authorize` | the URL that the browser opens, and what must come back with it |
//! | `discovery` | the provider's metadata and signing keys, as far as a sign-in needs them |
//! | `token` | code for grant, refresh token for grant |
//! | `id_token`, `account` | who signed in |
//! | `revoke` | the end of a grant |

mod account;
mod authorize;
mod discovery;
mod http;
mod id_token;
mod request;
mod revoke;
mod token;

#[cfg(test)]
mod fake;

pub use account::{Identity, TokenTest};
pub use authorize::AuthorizeRequest;
pub use discovery::Metadata;
pub(crate) use http::MAX_REFRESH_TIME;
pub use http::{NoAnswer, ProviderClient, Unreachable};
pub use revoke::Revocation;
