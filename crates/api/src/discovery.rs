//! What a typed URL leads to: `POST oauth/discover` (`?profile=`, for the name).
//!
//! Nothing is registered or stored. The `draft` of the reply is a body for `POST oauth/authenticators`;
//! while it has no client id, that registers a client at the server.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use valetkey_core::discovery::RegistrationPlan;
use valetkey_core::draft::{Problem, Warning};
use valetkey_core::name::AuthenticatorName;
use valetkey_core::scope::Scopes;

/// Body of `POST oauth/discover`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DiscoverRequest {
    /// An issuer or an MCP server, as its documentation writes it.
    pub url: String,
    /// The authorization server, where the MCP server names several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// URL of a Client ID Metadata Document, which becomes the client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_metadata_url: Option<String>,
    /// A client is registered there already, whose id is added to the draft.
    #[serde(default)]
    pub has_client_id: bool,
    /// PKCE counts as supported although the server does not say so.
    #[serde(default)]
    pub assume_pkce: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Discovered {
    /// As typed.
    pub url: String,
    /// What it is.
    pub kind: DiscoveredKind,
    /// A free name for the authenticator.
    pub name: AuthenticatorName,
    /// What the MCP server calls itself; its own words.
    pub resource_name: Option<String>,
    /// The resource that tokens are for, as the server publishes it.
    pub resource: Option<String>,
    /// The authorization server that tokens come from; null while one of `issuers` is to be chosen.
    pub issuer: Option<String>,
    /// The authorization servers.
    pub issuers: Vec<String>,
    /// Scopes to be asked for.
    pub scopes: Scopes,
    /// How the client becomes known at the server.
    pub registration: Option<ClientRegistration>,
    /// The fields of the authenticator, for `POST oauth/authenticators`; null while an issuer is to be
    /// chosen.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, Value>>))]
    pub draft: Option<Map<String, Value>>,
    /// What deserves a look.
    pub warnings: Vec<Warning>,
    /// What the person must give before the draft can be added.
    pub needs: Vec<Problem>,
}

/// What a URL leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiscoveredKind {
    /// An authorization server or OpenID provider.
    Issuer,
    /// A remote MCP server.
    McpServer,
}

/// How a client becomes known at a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientRegistration {
    /// The person has registered it.
    Registered,
    /// Its id is the URL of a document about it.
    ClientMetadata,
    /// It is registered when the authenticator is added (RFC 7591).
    Dynamic,
    /// The person has to register it, and to give its id.
    ByHand,
}

impl From<RegistrationPlan> for ClientRegistration {
    fn from(plan: RegistrationPlan) -> Self {
        match plan {
            RegistrationPlan::Registered => Self::Registered,
            RegistrationPlan::ClientMetadata => Self::ClientMetadata,
            RegistrationPlan::Dynamic => Self::Dynamic,
            RegistrationPlan::ByHand => Self::ByHand,
        }
    }
}
