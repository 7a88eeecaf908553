//! What goes in and out of the token store.

use std::time::Duration;

use serde::Serialize;

/// What a person allowed; a code stands for it until it is exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    /// The key that the code is bound to (RFC 9449, section 10).
    pub(crate) jkt: Option<String>,
}

/// A request to exchange a code.
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) client: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

/// A request to refresh.
pub(crate) struct RefreshRequest<'a> {
    pub(crate) refresh_token: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scopes: Option<Vec<String>>,
}

/// New token values for a response; those that it does not need are dropped.
pub(crate) struct NewTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Of the key whose proof came with the request.
    pub(crate) jkt: Option<String>,
}

/// The tokens of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) scopes: Vec<String>,
    pub(crate) account: String,
    pub(crate) nonce: Option<String>,
    /// The key that the access token is bound to.
    pub(crate) jkt: Option<String>,
}

/// Why a token family is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// A spent refresh token was used again.
    Reuse,
    /// Its code was used again.
    CodeReplay,
    /// The client asked for it.
    Client,
    /// The test revoked it, as a person does on the provider's page.
    Provider,
}

/// A token family: all tokens from one sign-in, as tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Family {
    pub account: String,
    pub client: String,
    pub scopes: Vec<String>,
    /// How often the refresh token was rotated.
    pub rotations: u64,
    /// Why it is revoked, if it is.
    pub revoked: Option<Revocation>,
}

/// What a valid access token stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Access<'a> {
    pub(crate) account: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scopes: &'a [String],
    /// The key that it is bound to.
    pub(crate) jkt: Option<&'a str>,
}
