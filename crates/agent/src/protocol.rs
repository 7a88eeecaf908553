//! Requests to providers, in their dialects.
//!
//! The `oauth2` crate builds and authenticates the requests; our HTTP client sends them, bounded in
//! time and size; what comes back is read by [`valetkey_core::token_reply`] and
//! [`valetkey_core::refusal`], which know the dialects that `oauth2` does not.

mod account;
mod authorize;
mod discovery;
mod http;
mod revoke;
mod token;

pub use account::{Identity, TokenTest};
pub use authorize::AuthorizeRequest;
pub use discovery::expected_issuer;
pub use http::{ProviderClient, Unreachable};
pub use revoke::Revocation;
