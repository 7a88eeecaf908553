//! An authenticator: an OAuth client that the person registered at a provider.
//!
//! What is stored is what the person said ([`Authenticator`]). What requests need is that, completed
//! from the catalogue ([`Endpoints`]); so a mended catalogue mends existing authenticators.

mod endpoints;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api_host::ApiHost;
use crate::endpoint_url::EndpointUrl;
use crate::id::AuthenticatorId;
use crate::name::{AuthenticatorName, InProfile, ProfileName};
use crate::provider::{ClientAuth, Provider, Routes};
use crate::redirect::RedirectUri;
use crate::scope::Scopes;

pub use endpoints::{Endpoints, openid_metadata_url, rfc8414_metadata_url};

/// A registered OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticator {
    /// Its id.
    pub id: AuthenticatorId,
    /// The set it belongs to.
    pub profile: ProfileName,
    /// Unique within the profile.
    pub name: AuthenticatorName,
    /// As shown to people.
    pub display_name: String,
    /// Catalogue id (`custom` if none fits).
    pub provider: String,
    /// OAuth client id.
    pub client_id: String,
    /// Whether a client secret is kept in the keychain.
    pub has_secret: bool,
    /// Scopes to ask for.
    pub scopes: Scopes,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// What the person said beside the catalogue.
    #[serde(default)]
    pub overrides: Overrides,
    /// False while it is disabled.
    pub is_active: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Endpoints and values that the person gave; each wins over the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<EndpointUrl>,
    /// Token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<EndpointUrl>,
    /// RFC 7009 endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_url: Option<EndpointUrl>,
    /// OpenID userinfo endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_url: Option<EndpointUrl>,
    /// Issuer identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<EndpointUrl>,
    /// Client authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// Further authorize parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_params: BTreeMap<String, String>,
    /// Values for the provider's placeholders (`tenant`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, String>,
    /// Hosts that the proxy sends tokens to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_hosts: Vec<ApiHost>,
    /// The routes of the provider's entry when the person last confirmed them, if it is an entry of
    /// their own: its file can change, where secrets go does not change with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_routes: Option<Routes>,
}

impl Authenticator {
    /// Whether refresh tokens and the client secret go elsewhere, or in another way, than through `old`.
    pub fn reroutes(&self, old: &Self) -> bool {
        let with_old_hosts = Overrides {
            api_hosts: old.overrides.api_hosts.clone(),
            ..self.overrides.clone()
        };
        self.provider != old.provider
            || with_old_hosts != old.overrides
            || self.redirect_uri != old.redirect_uri
    }

    /// Whether what was obtained through `old` can be used through this one: the same client at the
    /// same endpoints.
    pub fn is_same_client(&self, old: &Self, provider: &Provider) -> bool {
        self.provider == old.provider
            && self.client_id == old.client_id
            && self.endpoints(provider) == old.endpoints(provider)
    }

    /// Its name, with the profile that it stands in.
    pub fn full_name(&self) -> InProfile<AuthenticatorName> {
        InProfile::new(self.profile.clone(), self.name.clone())
    }

    /// The provider, as the person knows it: a custom one has the name that they gave it.
    pub fn provider_name<'a>(&'a self, provider: &'a Provider) -> &'a str {
        if provider.id == "custom" {
            &self.display_name
        } else {
            &provider.display_name
        }
    }
}

#[cfg(test)]
mod tests;
