//! The words of the ledger: what goes in, what comes out, what tests see.

use std::time::Duration;

use serde::Serialize;

/// What a person allowed, until a code is exchanged for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// A request to exchange a code.
pub(crate) struct Exchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) client: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

/// A request to refresh.
pub(crate) struct Renewal<'a> {
    pub(crate) refresh_token: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scopes: Option<Vec<String>>,
}

/// Token values minted for the answer; those that are not needed are dropped.
pub(crate) struct Fresh {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

/// What the answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) scopes: Vec<String>,
    pub(crate) account: String,
    pub(crate) nonce: Option<String>,
}

/// Why a family is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// An old refresh token was used again.
    Reuse,
    /// Its code was used again.
    CodeReplay,
    /// The client asked for it.
    Client,
    /// The test took it away, as a person does on the provider's page.
    Provider,
}

/// Everything that grew from one sign-in, as tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Family {
    /// Who signed in.
    pub account: String,
    /// Which client asked.
    pub client: String,
    /// What was granted.
    pub scopes: Vec<String>,
    /// How often the refresh token was rotated.
    pub rotations: u64,
    /// Why it is dead, if it is.
    pub revoked: Option<Revocation>,
}

/// A live access token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Access<'a> {
    pub(crate) account: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scopes: &'a [String],
}
