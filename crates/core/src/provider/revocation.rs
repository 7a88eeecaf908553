//! How a provider's tokens are revoked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ClientAuth;

/// How tokens are revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationEndpoint {
    /// URL; `{client_id}` is filled in, with [`RevocationMethod::DeleteUrl`] also `{refresh_token}`.
    pub url: String,
    /// Where the person's whole consent ends, all tokens of the account for this client with it, if
    /// the provider tells the two apart (GitHub); `{client_id}` is filled in.
    pub consent_url: Option<String>,
    /// The way.
    #[serde(default)]
    pub method: RevocationMethod,
    /// Which tokens it takes; read by the methods that name a token in their parameters.
    #[serde(default)]
    pub tokens: RevokedTokens,
    /// How the client authenticates, if not as at the token endpoint.
    pub client_auth: Option<ClientAuth>,
    /// The object that [`RevocationMethod::Json`] sends: `{token}`, `{client_id}` and
    /// `{client_secret}` are filled in.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// The ways of revoking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationMethod {
    /// RFC 7009: POST form `token`, with client authentication.
    #[default]
    Rfc7009,
    /// RFC 7009's form, but without client authentication (Google).
    TokenOnly,
    /// `DELETE` with Basic client authentication and JSON `{"access_token"}` (GitHub).
    DeleteWithBasic,
    /// POST with the token itself as Bearer (Slack).
    Bearer,
    /// As [`Self::Bearer`], with the token in a form too (`digitalocean`).
    BearerForm,
    /// `DELETE` that carries the token as API requests do (Zendesk, Shopify).
    DeleteAsApi,
    /// `DELETE` of a URL that ends with the refresh token (`hubspot`).
    DeleteUrl,
    /// POST of a JSON object ([`RevocationEndpoint::fields`]), with client authentication in the header
    /// where the client uses Basic and no field holds its secret.
    Json,
}

/// The tokens that a revocation endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedTokens {
    /// Both kinds: the refresh token goes first, then the access token.
    #[default]
    Both,
    /// One ends the whole grant: the refresh token, or the access token where there is none.
    Either,
    /// Only refresh tokens.
    Refresh,
    /// Only access tokens.
    Access,
}
