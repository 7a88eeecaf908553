//! Settings of the provider, which can change while it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The provider's behaviour. As JSON every field may be left out; the default then holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Settings {
    /// Lifetime of an access token; fractions are kept (the announced `expires_in` is rounded down,
    /// to at least 1). `None`: it never expires and no `expires_in` is announced.
    pub access_token_lifetime_seconds: Option<f64>,
    /// What a refresh does to the refresh token.
    pub refresh_tokens: RefreshTokens,
    /// How long the previous refresh token still works after a rotation.
    pub grace_seconds: f64,
    /// Whether a refresh revokes the access tokens issued before it.
    pub refresh_revokes_access_token: bool,
    /// Whether a refresh with fewer scopes issues a token with all of them.
    pub ignores_narrower_scopes: bool,
    /// What the revocation of a token ends.
    pub revocation_scope: RevocationScope,
    /// Whether the redirect carries `iss` (RFC 9207) and the metadata says so.
    pub send_iss: bool,
    /// Whether the two discovery documents exist.
    pub discovery: bool,
    /// How PKCE is handled.
    pub pkce: Pkce,
    /// Whether authorization requests must be pushed first (RFC 9126).
    pub pushed_requests: PushedRequests,
    /// Lifetime of a pushed request.
    pub pushed_request_lifetime_seconds: f64,
    /// The only resource that tokens are issued for (RFC 8707): every request must name it. `None`:
    /// nothing is checked.
    pub resource: Option<String>,
    /// Whether tokens are bound to a key (RFC 9449).
    pub dpop: Dpop,
    /// The nonce that proofs must hold; each answer about a token names it. `None`: none.
    pub dpop_nonce: Option<String>,
    /// Least time between two polls of a device grant.
    pub device_interval_seconds: f64,
    /// Who answers the consent page.
    pub consent: Consent,
    /// Which provider's wire format is imitated.
    pub dialect: Dialect,
    /// Prefix of every code, access token and refresh token, for leak tests.
    pub token_prefix: String,
    /// The registered clients.
    pub clients: Vec<Client>,
    /// The accounts that can sign in.
    pub accounts: Vec<Account>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_lifetime_seconds: Some(3600.0),
            refresh_tokens: RefreshTokens::RotatingStrict,
            grace_seconds: 0.0,
            refresh_revokes_access_token: false,
            ignores_narrower_scopes: false,
            revocation_scope: RevocationScope::Grant,
            send_iss: true,
            discovery: true,
            pkce: Pkce::Required,
            pushed_requests: PushedRequests::Optional,
            pushed_request_lifetime_seconds: 60.0,
            resource: None,
            dpop: Dpop::Accepted,
            dpop_nonce: None,
            device_interval_seconds: 5.0,
            consent: Consent::Ask,
            dialect: Dialect::Standard,
            token_prefix: String::new(),
            clients: vec![
                Client::public("demo").named("Valet Key"),
                Client::confidential("demo-confidential", "demo-secret").named("Valet Key"),
            ],
            accounts: vec![
                Account::new("ada", "Ada Lovelace"),
                Account::new("grace", "Grace Hopper"),
                Account::new("linus", "Linus Torvalds"),
            ],
        }
    }
}

impl Settings {
    /// The default, with automatic consent by `account` to everything.
    pub fn auto_consent(account: &str) -> Self {
        Self {
            consent: Consent::allow(account),
            ..Self::default()
        }
    }

    pub(crate) fn access_token_lifetime(&self) -> Option<Duration> {
        self.access_token_lifetime_seconds.map(seconds)
    }

    pub(crate) fn grace(&self) -> Duration {
        seconds(self.grace_seconds)
    }

    pub(crate) fn pushed_request_lifetime(&self) -> Duration {
        seconds(self.pushed_request_lifetime_seconds)
    }

    pub(crate) fn device_interval(&self) -> Duration {
        seconds(self.device_interval_seconds)
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }
}

/// Negative, infinite and out-of-range values count as zero.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO)
}

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokens {
    /// None is ever issued (GitHub's OAuth Apps).
    Never,
    /// It stays valid, and refresh responses do not repeat it (Google).
    Kept,
    /// It stays valid, and refresh responses repeat it.
    Repeated,
    /// Every refresh issues a new one; use of an old one is refused.
    Rotating,
    /// As `Rotating`, and use of an old one revokes the whole family, access tokens included.
    RotatingStrict,
}

/// What the revocation of a token ends (RFC 7009 section 2.1 leaves it to the provider).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationScope {
    /// A refresh token ends the grant of its sign-in, an access token only itself.
    Grant,
    /// Any token ends every grant of the account to this client (Google).
    Consent,
}

/// Whether authorization requests must be pushed first (RFC 9126).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushedRequests {
    /// They may be.
    Optional,
    /// Others are refused, and the metadata says so.
    Required,
}

/// Whether tokens are bound to a key (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dpop {
    /// Proofs are not looked at.
    Ignored,
    /// Those that are asked for with a proof.
    Accepted,
    /// All; a token request without a proof is refused.
    Required,
}

/// How PKCE is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// A request without an S256 challenge is refused.
    Required,
    /// A challenge is checked if there is one.
    Optional,
    /// A request with a challenge is refused, as by providers that do not support PKCE.
    Refused,
}

/// Who answers the consent page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The person in front of the browser.
    Ask,
    /// Automatic: `access_denied`.
    Deny,
    /// Automatic: allowed.
    Allow {
        /// The account that signs in.
        account: String,
        /// The requested scopes that are granted; `None` grants all.
        #[serde(default)]
        scopes: Option<Vec<String>>,
    },
}

impl Consent {
    /// `account` automatically allows everything.
    pub fn allow(account: &str) -> Self {
        Self::Allow {
            account: account.to_owned(),
            scopes: None,
        }
    }
}

/// Which provider's wire format is imitated at the token and userinfo endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// The RFCs.
    Standard,
    /// Errors with status 200 and their own codes; form-encoded unless JSON is accepted.
    Github,
    /// Always status 200 with `ok`; the tokens nested in `authed_user`; `user_scope` with commas.
    Slack,
}

/// A registered OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The name on the consent page; the id if there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// A client with a secret is confidential and must authenticate; one without must not.
    #[serde(default)]
    pub secret: Option<String>,
    /// The public key of a client that signs assertions (RFC 7523), as JWK.
    #[serde(default)]
    pub public_key: Option<serde_json::Value>,
    /// Empty: any `http` URI on loopback. A loopback URI without a port matches every port; all
    /// others are compared exactly.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// A client without a secret that may use any loopback redirect.
    pub fn public(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            secret: None,
            public_key: None,
            redirect_uris: Vec::new(),
        }
    }

    /// A client with a secret that may use any loopback redirect.
    pub fn confidential(id: &str, secret: &str) -> Self {
        Self {
            secret: Some(secret.to_owned()),
            ..Self::public(id)
        }
    }

    /// A client that proves itself with the private half of this JWK.
    pub fn with_key(id: &str, public_key: serde_json::Value) -> Self {
        Self {
            public_key: Some(public_key),
            ..Self::public(id)
        }
    }

    fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// A demo account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The login; also `sub`, `preferred_username` and the local part of the email address.
    pub id: String,
    /// The full name.
    pub name: String,
}

impl Account {
    /// An account with this login and full name.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn email(&self) -> String {
        format!("{}@example.com", self.id)
    }
}
