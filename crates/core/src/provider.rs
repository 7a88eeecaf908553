//! A provider: a service that issues tokens. Pure data; one TOML file each in `providers/`.
//!
//! The differences between providers are fields here, never code elsewhere that asks for an id.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::api_host::ApiHost;
use crate::redirect::{LoopbackHost, RedirectUri};
use crate::secret::AccessToken;

/// A catalogue entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `google`; the file's name.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// Authorization endpoint; `{tenant}` and the like are filled from [`Self::placeholders`].
    /// Empty for `custom`.
    #[serde(default)]
    pub authorize_url: String,
    /// Token endpoint.
    #[serde(default)]
    pub token_url: String,
    /// Issuer identifier, where there is one.
    pub issuer: Option<String>,
    /// OpenID or RFC 8414 metadata.
    pub discovery_url: Option<String>,
    /// Who is signed in.
    pub userinfo: Option<Userinfo>,
    /// How a token is revoked; None: not possible at this provider.
    pub revocation: Option<RevocationEndpoint>,
    /// What the person is told where revocation is not possible.
    pub revocation_note: Option<String>,
    /// Values that complete the URLs.
    #[serde(default)]
    pub placeholders: Vec<Placeholder>,
    /// Name of the scope parameter (`user_scope` at Slack).
    #[serde(default = "scope_param")]
    pub scope_param: String,
    /// Between scopes in a request.
    #[serde(default = "scope_separator")]
    pub scope_separator: String,
    /// Asked for if the person names none: identity only.
    #[serde(default)]
    pub default_scopes: Vec<String>,
    /// Further scopes, in plain words.
    #[serde(default)]
    pub scope_presets: Vec<ScopePreset>,
    /// Fixed additions to the authorize URL.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, String>,
    /// Parameter of the authorize URL that names the login to offer first; None where there is none.
    pub login_hint_param: Option<String>,
    /// False where PKCE breaks the provider.
    #[serde(default = "yes")]
    pub pkce: bool,
    /// How the client authenticates at the token endpoint if it has a secret.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Whether sign-in is impossible without a client secret.
    #[serde(default)]
    pub needs_client_secret: bool,
    /// Where the tokens stand in the reply.
    #[serde(default)]
    pub token_shape: TokenShape,
    /// Refresh tokens.
    #[serde(default)]
    pub refresh: Refresh,
    /// Lifetime of an access token where the response does not say; seconds.
    pub access_token_lifetime_seconds: Option<u32>,
    /// Loopback redirect rules.
    #[serde(default)]
    pub redirect: RedirectRules,
    /// Hosts of its APIs, the one that most requests go to first.
    #[serde(default)]
    pub api_hosts: Vec<ApiHost>,
    /// How a request to them carries the token.
    #[serde(default)]
    pub api_auth: ApiAuth,
    /// URLs on these hosts that issue, exchange or revoke tokens, beside the endpoints that are used:
    /// older ones, and those of other grants.
    #[serde(default)]
    pub closed_urls: Vec<String>,
    /// Error codes whose meaning differs from the RFC's, as `code -> class`.
    #[serde(default)]
    pub errors: BTreeMap<String, ErrorClass>,
    /// Where a client is registered.
    pub console_url: Option<String>,
    /// How, step by step.
    #[serde(default)]
    pub setup_steps: Vec<String>,
    /// Documentation.
    pub docs_url: Option<String>,
    /// Two letters for the list, where there is no mark.
    pub initials: String,
    /// `#rrggbb` of the mark.
    pub colour: String,
}

/// How to ask who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Userinfo {
    /// URL.
    pub url: String,
    /// GET or POST.
    #[serde(default)]
    pub method: UserinfoMethod,
    /// Fields that may name the account, best first.
    #[serde(default = "label_fields")]
    pub label_fields: Vec<String>,
    /// The fields that identify the account for ever, together: at Slack a user's id is unique within
    /// its team only.
    #[serde(default = "subject_fields")]
    pub subject_fields: Vec<String>,
    /// A field that says what the account belongs to (Slack's `team`).
    pub context_field: Option<String>,
}

/// Method of the userinfo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UserinfoMethod {
    /// The rule.
    #[default]
    Get,
    /// Slack.
    Post,
}

/// How tokens are revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationEndpoint {
    /// URL; `{client_id}` is filled in.
    pub url: String,
    /// Where the person's whole consent ends, all tokens of the account for this client with it, if
    /// the provider tells the two apart (GitHub); `{client_id}` is filled in.
    pub consent_url: Option<String>,
    /// The way.
    #[serde(default)]
    pub method: RevocationMethod,
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
}

/// The header of an API request that carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiAuth {
    /// Its name.
    pub header: String,
    /// What stands before the token; empty: nothing.
    pub scheme: String,
}

impl Default for ApiAuth {
    /// RFC 6750, section 2.1.
    fn default() -> Self {
        Self {
            header: "authorization".to_owned(),
            scheme: "Bearer".to_owned(),
        }
    }
}

impl ApiAuth {
    /// The header's value for this token.
    pub fn value(&self, token: &AccessToken) -> Zeroizing<String> {
        let token = token.expose();
        Zeroizing::new(match self.scheme.as_str() {
            "" => token.to_owned(),
            scheme => format!("{scheme} {token}"),
        })
    }
}

/// A value that the person gives to complete the URLs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// `tenant`.
    pub name: String,
    /// Used if none is given.
    pub default: Option<String>,
    /// What it means.
    pub note: String,
}

/// Scopes for one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScopePreset {
    /// In plain words.
    pub description: String,
    /// The scopes.
    pub scopes: Vec<String>,
}

/// Client authentication at the token endpoint (OpenID Connect Core, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_id` in the body.
    None,
    /// HTTP Basic.
    ClientSecretBasic,
    /// Both in the body.
    #[default]
    ClientSecretPost,
}

/// Where the tokens stand in a token reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenShape {
    /// At the top (RFC 6749, section 5.1).
    #[default]
    Standard,
    /// Under `authed_user` (Slack's user tokens).
    AuthedUser,
}

/// What is known of the provider's refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// A refresh token unused for this long dies; seconds.
    pub idle_seconds: Option<u32>,
    /// Refresh tokens have no idle limit.
    #[serde(default)]
    pub open_ended: bool,
}

/// What redirect URIs the provider takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectRules {
    /// Accepted loopback hosts, best first.
    pub hosts: Vec<LoopbackHost>,
    /// Whether any port is accepted for a registered loopback URI.
    pub any_port: bool,
    /// What is used if the person names none.
    pub default: RedirectUri,
    /// A sentence for the person who registers it.
    pub note: Option<String>,
}

impl Default for RedirectRules {
    fn default() -> Self {
        Self {
            hosts: vec![LoopbackHost::V4, LoopbackHost::V6, LoopbackHost::Localhost],
            any_port: true,
            default: RedirectUri::ephemeral(),
            note: None,
        }
    }
}

/// What the catalogue knows about a provider's refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshTokenLimits {
    /// A refresh token that is idle for this long dies; None if unknown.
    pub idle: Option<SignedDuration>,
    /// The catalogue says that refresh tokens have no idle limit.
    pub open_ended: bool,
}

/// What an error of the token endpoint means for the person. See [`crate::token_error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The refresh token is not valid any more, or the provider wants to see the person: sign in again.
    SignInAgain,
    /// The client registration must be mended.
    FixClient,
    /// Worth a retry: overload, outage.
    Later,
}

impl Provider {
    /// Refresh-token limits for [`crate::freshness::due_at`].
    pub fn refresh_limits(&self) -> RefreshTokenLimits {
        RefreshTokenLimits {
            idle: self
                .refresh
                .idle_seconds
                .map(|s| SignedDuration::from_secs(s.into())),
            open_ended: self.refresh.open_ended,
        }
    }
}

fn scope_param() -> String {
    "scope".to_owned()
}

fn scope_separator() -> String {
    " ".to_owned()
}

fn label_fields() -> Vec<String> {
    ["email", "preferred_username", "name", "sub"]
        .map(str::to_owned)
        .into()
}

fn subject_fields() -> Vec<String> {
    vec!["sub".to_owned()]
}

const fn yes() -> bool {
    true
}
