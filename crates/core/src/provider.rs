//! A provider: a service that issues tokens. Pure data; one TOML file each in `providers/`.
//!
//! The differences between providers are fields here, never code elsewhere that asks for an id. Each
//! field is read by one mechanism; the mechanisms are few, and a provider is made of them.

pub(crate) mod api_auth;
mod api_keys;
mod check;
mod device;
mod dpop;
mod error_class;
mod placeholder;
mod revocation;
mod routes;
mod scope_errors;
mod scope_words;
mod token_endpoint;
mod userinfo;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::redirect::{LoopbackHost, RedirectUri};

pub use api_auth::{ApiAuth, BadHeader};
pub use api_keys::ApiKeys;
pub(crate) use check::OWN_PARAMS;
pub use check::WrongField;
pub use device::DeviceEndpoint;
pub use dpop::Dpop;
pub use error_class::ErrorClass;
pub use placeholder::{Placeholder, PlaceholderKind};
pub use revocation::{RevocationEndpoint, RevocationMethod, RevokedTokens};
pub use routes::Routes;
pub use scope_errors::{HostAnswer, ScopeErrors};
pub use scope_words::broad_scopes;
pub use token_endpoint::{
    ClientAuth, Lifetimes, Refresh, RefreshTokenLimits, TokenBody, TokenShape,
};
pub use userinfo::{Userinfo, UserinfoMethod};

/// A catalogue entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not depend on each other"
)]
pub struct Provider {
    /// `google`; the file's name.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// Further words that a search finds it by.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Authorization endpoint; `{tenant}` and the like are filled from [`Self::placeholders`].
    /// Empty for `custom`.
    #[serde(default)]
    pub authorize_url: String,
    /// Token endpoint.
    #[serde(default)]
    pub token_url: String,
    /// Where tokens are refreshed, if not at the token endpoint.
    pub refresh_url: Option<String>,
    /// Device grant, where there is one.
    pub device: Option<DeviceEndpoint>,
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
    /// Values that complete the URLs and parameters.
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
    /// Scopes that give far more than most programs need; `admin:*` means all that begin with `admin:`.
    /// The person is warned of them.
    #[serde(default)]
    pub broad_scopes: Vec<String>,
    /// How its APIs say that a token lacks scopes.
    #[serde(default)]
    pub scope_errors: ScopeErrors,
    /// Fixed additions to the authorize URL; one whose placeholder is empty is left out.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, String>,
    /// Parameter of the authorize URL that names the login to offer first; None where there is none.
    pub login_hint_param: Option<String>,
    /// False where PKCE breaks the provider.
    #[serde(default = "yes")]
    pub pkce: bool,
    /// False where the id token never holds the nonce of the request.
    #[serde(default = "yes")]
    pub nonce: bool,
    /// How the client authenticates at the token endpoint if it has a secret.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// How it does so without one: `none`, or `client_secret_basic` with an empty password (Reddit).
    #[serde(default = "no_client_auth")]
    pub public_client_auth: ClientAuth,
    /// To whom the assertions of its clients are addressed (RFC 7523, section 3), if not to the issuer or
    /// the token endpoint.
    pub assertion_audience: Option<String>,
    /// Whether sign-in is impossible without a client secret.
    #[serde(default)]
    pub needs_client_secret: bool,
    /// A public client that the provider lets programs ship.
    pub default_client: Option<DefaultClient>,
    /// How the parameters of token requests are written.
    #[serde(default)]
    pub token_body: TokenBody,
    /// Fixed additions to the exchange of a code.
    #[serde(default)]
    pub exchange_params: BTreeMap<String, String>,
    /// Fixed additions to a refresh.
    #[serde(default)]
    pub refresh_params: BTreeMap<String, String>,
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
    /// Hosts of its APIs, the one that most requests go to first. `{base_url}` means its host.
    #[serde(default)]
    pub api_hosts: Vec<String>,
    /// How a request to them carries the token.
    #[serde(default)]
    pub api_auth: ApiAuth,
    /// Keys that a person makes there.
    #[serde(default)]
    pub api_keys: ApiKeys,
    /// URLs on these hosts that issue, exchange or revoke tokens, beside the endpoints that are used:
    /// older ones, and those of other grants.
    #[serde(default)]
    pub closed_urls: Vec<String>,
    /// Error codes whose meaning differs from the RFC's, as `code -> class`.
    #[serde(default)]
    pub errors: BTreeMap<String, ErrorClass>,
    /// Fields whose value was not seen in a source of the provider's own. An authenticator can
    /// override them.
    #[serde(default)]
    pub unconfirmed: Vec<String>,
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
    /// From a file of the person's own.
    #[serde(skip)]
    pub is_own: bool,
}

/// A client that needs no registration of the person's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultClient {
    /// OAuth client id of a public client: it has no secret.
    pub client_id: String,
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

impl Provider {
    /// A template with its placeholders filled: by `values`, else by their defaults. One that has
    /// neither is left empty.
    pub fn fill(&self, template: &str, values: &BTreeMap<String, String>) -> String {
        let mut text = template.to_owned();
        for placeholder in &self.placeholders {
            let value = values
                .get(&placeholder.name)
                .or(placeholder.default.as_ref())
                .map_or("", String::as_str);
            text = text.replace(&format!("{{{}}}", placeholder.name), value);
        }
        text
    }

    /// Where a client is registered; None if that depends on a value that is in neither `values` nor
    /// the defaults.
    pub fn console_page(&self, values: &BTreeMap<String, String>) -> Option<String> {
        self.page(self.console_url.as_deref()?, values)
    }

    /// Where a person makes and deletes their keys, as [`Self::console_page`].
    pub fn api_keys_page(&self, values: &BTreeMap<String, String>) -> Option<String> {
        self.page(self.api_keys.page.as_deref()?, values)
    }

    fn page(&self, template: &str, values: &BTreeMap<String, String>) -> Option<String> {
        let unknown = self.placeholders.iter().any(|placeholder| {
            template.contains(&format!("{{{}}}", placeholder.name))
                && placeholder.default.is_none()
                && !values.contains_key(&placeholder.name)
        });
        (!unknown).then(|| self.fill(template, values))
    }

    /// Whether a search for `words` finds it: each of them begins a word of its name, its id or its
    /// keywords.
    pub fn matches(&self, words: &str) -> bool {
        let texts = [&self.id, &self.display_name];
        let texts: Vec<String> = texts
            .into_iter()
            .chain(&self.keywords)
            .map(|text| text.to_lowercase())
            .collect();
        words.to_lowercase().split_whitespace().all(|word| {
            let mut parts = texts.iter().flat_map(|text| {
                text.split(|c: char| !c.is_alphanumeric())
                    .chain([text.as_str()])
            });
            parts.any(|part| part.starts_with(word))
        })
    }
}

fn scope_param() -> String {
    "scope".to_owned()
}

fn scope_separator() -> String {
    " ".to_owned()
}

const fn no_client_auth() -> ClientAuth {
    ClientAuth::None
}

const fn yes() -> bool {
    true
}
