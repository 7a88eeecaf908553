//! Keys that a person makes at a provider, instead of signing in.

use serde::Deserialize;

use super::ApiAuth;

/// What is known of a provider's API keys or personal access tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiKeys {
    /// What the provider calls one: `personal access token`.
    pub name: String,
    /// The page where the person makes and deletes them.
    pub page: Option<String>,
    /// How a request carries one, if not as it carries a token.
    pub auth: Option<ApiAuth>,
    /// Whether the userinfo endpoint takes one, too. That of OpenID Connect takes tokens only.
    pub userinfo: bool,
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self {
            name: "API key".to_owned(),
            page: None,
            auth: None,
            userinfo: true,
        }
    }
}
