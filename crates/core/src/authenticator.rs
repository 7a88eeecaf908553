//! An authenticator: an OAuth client that the person registered at a provider.
//!
//! What is stored is what the person said ([`Authenticator`]). What requests need is that, completed
//! from the catalogue ([`Endpoints`]); so a mended catalogue mends existing authenticators.

mod endpoints;
mod grant_type;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api_host::ApiHost;
use crate::discovery::Registration;
use crate::endpoint_url::EndpointUrl;
use crate::id::AuthenticatorId;
use crate::name::{AuthenticatorName, ConnectionName, InProfile, ProfileName};
use crate::provider::{ApiAuth, ClientAuth, Dpop, Provider, Routes, api_auth};
use crate::redirect::RedirectUri;
use crate::resource_uri::ResourceUri;
use crate::scope::Scopes;

pub use endpoints::{Endpoints, openid_metadata_url};
pub use grant_type::GrantType;

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
    /// OAuth client id. Empty where no client is registered: then its connections are made from API
    /// keys alone, and nobody signs in ([`Self::has_client`]).
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
    /// Device authorization endpoint (RFC 8628).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_authorization_url: Option<EndpointUrl>,
    /// Pushed authorization request endpoint (RFC 9126); named, it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_url: Option<EndpointUrl>,
    /// RFC 7009 endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_url: Option<EndpointUrl>,
    /// OpenID userinfo endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_url: Option<EndpointUrl>,
    /// Issuer identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<EndpointUrl>,
    /// The service that tokens are for (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceUri>,
    /// Client authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// How tokens are obtained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<GrantType>,
    /// The connection whose token is exchanged (RFC 8693), in the same profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<ConnectionName>,
    /// For whom a token is that the client asks for itself or exchanges (RFC 8693, section 2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// What an exchange shall bring (RFC 8693, section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_token_type: Option<String>,
    /// To whom the client's assertions are addressed (RFC 7523, section 3), if not to the issuer or the
    /// token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<String>,
    /// Whether tokens are bound to a key (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop: Option<Dpop>,
    /// Further authorize parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_params: BTreeMap<String, String>,
    /// Values for the provider's placeholders (`tenant`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, String>,
    /// Hosts that the proxy sends tokens to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_hosts: Vec<ApiHost>,
    /// Whether a refresh with fewer scopes brings a token with no more than those, while the refresh
    /// token keeps them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrow_tokens: Option<bool>,
    /// The MCP server that its tokens are for, as the person typed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_server: Option<EndpointUrl>,
    /// PKCE counts as supported although the server does not say so.
    #[serde(skip_serializing_if = "is_false")]
    pub assume_pkce: bool,
    /// The dynamic registration that its client id is of; set by the agent alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// How API requests carry a key, if not as the catalogue says.
    #[serde(with = "api_auth::as_text", skip_serializing_if = "Option::is_none")]
    pub api_key_header: Option<ApiAuth>,
    /// The routes of the provider's entry when the person last confirmed them, if it is an entry of
    /// their own: its file can change, where secrets go does not change with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_routes: Option<Routes>,
}

impl Authenticator {
    /// By which values refresh tokens and the client secret go elsewhere, or in another way, than through
    /// `old`: `token_url: https://example.com/token`.
    pub fn rerouted(&self, old: &Self) -> Vec<String> {
        let routes = |it: &Self| {
            let overrides = Overrides {
                api_hosts: Vec::new(),
                registration: None,
                ..it.overrides.clone()
            };
            let mut routes = serde_json::to_value(overrides).expect("plain structs serialise");
            // As the person knows them: what their own file of the provider says.
            routes["file"] = routes["confirmed_routes"].take();
            routes["provider"] = it.provider.as_str().into();
            routes["redirect_uri"] = it.redirect_uri.to_string().into();
            routes
        };
        let mut changed = Vec::new();
        list_changes("", &routes(old), &routes(self), &mut changed);
        changed
    }

    /// Whether what was obtained through `old` can be used through this one: the same client at the
    /// same endpoints.
    pub fn is_same_client(&self, old: &Self, provider: &Provider) -> bool {
        self.provider == old.provider
            && self.client_id == old.client_id
            && self.endpoints(provider) == old.endpoints(provider)
    }

    /// Whether its provider issues tokens with fewer scopes at a refresh (RFC 6749, section 6).
    pub fn narrows(&self, provider: &Provider) -> bool {
        self.overrides
            .narrow_tokens
            .unwrap_or(provider.refresh.narrows)
    }

    /// Whether an OAuth client is registered, so that people can sign in through it.
    pub const fn has_client(&self) -> bool {
        !self.client_id.is_empty()
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Lists the members of `new` that are not those of `old`, with their names from `name` on.
fn list_changes(name: &str, old: &Value, new: &Value, changed: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (known, own) = (old.as_object(), new.as_object());
    if known.is_none() && own.is_none() {
        changed.push(match new {
            Value::Null => format!("{name}: the provider's own"),
            Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        });
        return;
    }
    let members = [known, own].into_iter().flatten();
    let members: BTreeSet<&String> = members.flat_map(serde_json::Map::keys).collect();
    for member in members {
        let inner = match name {
            "" => member.clone(),
            outer => format!("{outer}.{member}"),
        };
        list_changes(&inner, &old[member], &new[member], changed);
    }
}

#[cfg(test)]
mod tests;
