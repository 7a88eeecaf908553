//! Tokens for local programs: `POST credentials/connections/{id}/token | refresh | invalidate | test`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::name::ConnectionName;
use valetkey_core::provider::ApiAuth;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, Fingerprint};

use crate::connections::ConnectionView;
use crate::wire_secret;

/// Body of `token` and `refresh`; an empty body is `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TokenRequest {
    /// How long the token must still live; absent: the smaller of 60 s and 20 % of its lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_valid_seconds: Option<u64>,
    /// Scopes that it must have; those that are not granted are an `insufficient_scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// It may have no scopes but `scopes`: a token with fewer scopes than the connection has is asked for,
    /// or, where the provider issues none, `not_configured` is the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub only_scopes: bool,
    /// The API it is for (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// How long the person may take to allow it, up to 60; absent: until the question was shown for a
    /// minute, in its turn. 0 asks nobody: it is listed under Access.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 60))]
    pub wait_seconds: Option<u64>,
}

/// Reply to `token`, and to `refresh`, which never answers from the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenResponse {
    /// The token.
    #[serde(with = "wire_secret::access_token")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub access_token: AccessToken,
    /// `Bearer`, as the provider spelled it.
    pub token_type: String,
    /// When it ends; null if no end was announced.
    pub expires_at: Option<Timestamp>,
    /// Seconds until then.
    pub expires_in: Option<i64>,
    /// Granted scopes.
    pub scopes: Scopes,
    /// The connection's name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub connection: ConnectionName,
    /// The account, as the provider names it.
    pub account: Option<String>,
    /// SHA-256 of the token in hex: what `invalidate` takes.
    pub fingerprint: Fingerprint,
    /// How API requests carry it, if not as `Authorization: Bearer ...`: an API key may go in a header
    /// of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_auth: Option<ApiAuth>,
}

/// Body of `invalidate`: a program's token was refused with 401.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvalidateRequest {
    /// Which token: SHA-256 in hex. A report about an older token changes nothing.
    pub fingerprint: Fingerprint,
}

/// Reply to `invalidate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvalidateResponse {
    /// Whether it was the current token, so that the next `token` waits for a forced refresh.
    pub was_current: bool,
}

/// Reply to `test`: the provider was asked who this is, with a fresh token. A token that it refuses is
/// refreshed first. A connection that does not work answers with the error that says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestResponse {
    /// The connection, as it is after the test.
    pub connection: ConnectionView,
    /// How it was tested.
    pub method: TestMethod,
    /// The provider refused the token at first; a refresh brought one that it accepts.
    #[serde(default)]
    pub refreshed: bool,
    /// The host that answered.
    pub host: Option<String>,
    /// The account that it named.
    pub account: Option<String>,
    /// How long the answer took.
    pub elapsed_ms: u64,
}

/// How a connection was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TestMethod {
    /// The userinfo endpoint took the token.
    Userinfo,
    /// There is no userinfo endpoint; only the stored token was looked at.
    Stored,
}
