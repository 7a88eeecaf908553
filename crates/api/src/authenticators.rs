//! The catalogue and the OAuth clients registered there.
//!
//! `GET oauth/providers`; `GET`, `POST oauth/authenticators`; `GET`, `PATCH`, `DELETE
//! oauth/authenticators/{id}`, where `{id}` is a UUID or a name of the profile in `?profile=`; `POST
//! oauth/export`.
//!
//! The body of `POST` is the very JSON of a config file with its `${ENV}` references resolved, the
//! body of `PATCH` a merge patch on it (RFC 7396) with `is_active` beside it. Both are read by
//! [`valetkey_core::draft::DraftInput`], which names everything that is wrong at once; so there are
//! no types to parse them, only their shapes for the document (`forms`).

#[cfg(feature = "openapi")]
pub mod forms;
mod providers;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::api_host::ApiHost;
use valetkey_core::authenticator::{Authenticator, GrantType, Overrides};
use valetkey_core::catalogue;
use valetkey_core::draft::{DraftInput, Warning};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::{AuthenticatorName, ConnectionName, ProfileName};
use valetkey_core::provider::{ClientAuth, Dpop};
use valetkey_core::redirect::RedirectUri;
use valetkey_core::scope::Scopes;

use crate::connections::Disconnected;
use crate::sign_in::FailedSignIn;

pub use providers::{PlaceholderView, ProviderList, ProviderView, RedirectView, WrongFileView};

/// Reply to `GET oauth/authenticators` (`?profile=`, default all; `?include_disabled=`, default
/// true).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthenticatorList {
    /// By profile, then by name.
    pub authenticators: Vec<AuthenticatorView>,
}

/// Query of `GET oauth/authenticators`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct AuthenticatorQuery {
    /// Only those of this profile; absent: all profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Absent or true: disabled ones too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_disabled: Option<bool>,
}

/// A registered OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct AuthenticatorView {
    /// Its id.
    pub id: AuthenticatorId,
    /// Unique within the profile.
    pub name: AuthenticatorName,
    /// The set it belongs to.
    pub profile: ProfileName,
    /// As shown to people.
    pub display_name: String,
    /// Catalogue id (`custom` if none fits).
    pub provider: String,
    /// OAuth client id; empty if none is registered: then connections are made from API keys alone.
    pub client_id: String,
    /// Whether a client secret is kept in the keychain.
    pub has_client_secret: bool,
    /// Scopes it asks for.
    pub scopes: Scopes,
    /// Where the browser comes back to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub redirect_uri: RedirectUri,
    /// The endpoints in use: the person's own, else the catalogue's.
    pub endpoints: EndpointsView,
    /// Those of them that the person gave; the rest come from the catalogue.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub own_endpoints: EndpointsView,
    /// How its tokens are obtained.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub grant_type: GrantType,
    /// The connection whose token is exchanged, with the grant type `token_exchange`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub subject: Option<ConnectionName>,
    /// For whom tokens are that no person agreed to.
    #[serde(default)]
    pub audience: Option<String>,
    /// What an exchange shall bring.
    #[serde(default)]
    pub requested_token_type: Option<String>,
    /// To whom the client's assertions are addressed, if the person said so.
    #[serde(default)]
    pub assertion_audience: Option<String>,
    /// Further authorize parameters that the person gave.
    pub authorize_params: BTreeMap<String, String>,
    /// Values for the provider's placeholders (`tenant`).
    pub placeholders: BTreeMap<String, String>,
    /// Hosts that the proxy sends tokens to, the one that is meant if none is named first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub api_hosts: Vec<ApiHost>,
    /// Whether its provider issues tokens with fewer scopes than a connection has.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub narrow_tokens: bool,
    /// The MCP server that its tokens are for.
    #[serde(default)]
    pub mcp_server: Option<String>,
    /// PKCE counts as supported although the server does not say so.
    #[serde(default)]
    pub assume_pkce: bool,
    /// The dynamic registration that its client id is of; null if the person registered it.
    #[serde(default)]
    pub registration: Option<RegistrationView>,
    /// How API requests carry a key, if the person said so: `X-Api-Key`, `Authorization: Token`.
    #[serde(default)]
    pub api_key_header: Option<String>,
    /// Where its keys are made and deleted.
    #[serde(default)]
    pub api_keys_page: Option<String>,
    /// False while it is disabled.
    pub is_active: bool,
    /// The person's own file of its provider names other endpoints than those that it uses.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub differs_from_file: bool,
    /// Names of its connections.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub connections: Vec<ConnectionName>,
    /// The last sign-in of a new account, if that failed; null once another one begins.
    #[serde(default)]
    pub failed_sign_in: Option<FailedSignIn>,
    /// Where its registration is changed.
    pub console_url: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A client that the server has registered by itself (RFC 7591).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationView {
    /// Where it is known.
    pub issuer: String,
    /// Since when.
    pub registered_at: Timestamp,
    /// When its secret ends; it is registered anew then.
    pub secret_expires_at: Option<Timestamp>,
}

/// Where the requests of an authenticator go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointsView {
    /// Authorization endpoint.
    pub authorize_url: Option<String>,
    /// Token endpoint.
    pub token_url: Option<String>,
    /// Device authorization endpoint (RFC 8628), if it is known without the provider's metadata.
    pub device_authorization_url: Option<String>,
    /// Pushed authorization request endpoint (RFC 9126), if the person named it.
    #[serde(default)]
    pub pushed_authorization_url: Option<String>,
    /// Revocation endpoint.
    pub revocation_url: Option<String>,
    /// Userinfo endpoint.
    pub userinfo_url: Option<String>,
    /// Issuer identifier.
    pub issuer: Option<String>,
    /// The service that tokens are for (RFC 8707), as it is sent.
    #[serde(default)]
    pub resource: Option<String>,
    /// How the client authenticates at the token endpoint.
    pub client_auth: Option<ClientAuth>,
    /// Whether tokens are bound to a key (RFC 9449).
    #[serde(default)]
    pub dpop: Option<Dpop>,
}

impl AuthenticatorView {
    /// The view of `authenticator`, whose connections have these names.
    pub fn new(authenticator: &Authenticator, connections: Vec<ConnectionName>) -> Self {
        let provider = catalogue::provider(&authenticator.provider);
        let endpoints = provider.and_then(|provider| authenticator.endpoints(provider).ok());
        let Overrides {
            authorize_url,
            token_url,
            device_authorization_url,
            pushed_authorization_url,
            revocation_url,
            userinfo_url,
            issuer,
            resource,
            client_auth,
            grant_type,
            subject,
            audience,
            requested_token_type,
            assertion_audience,
            dpop,
            authorize_params,
            placeholders,
            api_hosts: _,
            narrow_tokens: _,
            mcp_server,
            assume_pkce,
            registration,
            api_key_header,
            confirmed_routes: _,
        } = authenticator.overrides.clone();
        let text = |url: Option<EndpointUrl>| url.map(|url| url.to_string());
        Self {
            id: authenticator.id,
            name: authenticator.name.clone(),
            profile: authenticator.profile.clone(),
            display_name: authenticator.display_name.clone(),
            provider: authenticator.provider.clone(),
            client_id: authenticator.client_id.clone(),
            has_client_secret: authenticator.has_secret,
            scopes: authenticator.scopes.clone(),
            redirect_uri: authenticator.redirect_uri.clone(),
            endpoints: endpoints.map_or_else(EndpointsView::default, |own| EndpointsView {
                authorize_url: text(own.authorize_url),
                token_url: Some(own.token_url.to_string()),
                device_authorization_url: text(own.device_authorization_url),
                pushed_authorization_url: text(own.pushed_authorization_url),
                revocation_url: own.revocation.map(|revocation| revocation.url),
                userinfo_url: own.userinfo.map(|userinfo| userinfo.url),
                issuer: own.issuer,
                resource: own.resource.map(String::from),
                client_auth: Some(own.client_auth),
                dpop: own.dpop,
            }),
            own_endpoints: EndpointsView {
                authorize_url: text(authorize_url),
                token_url: text(token_url),
                device_authorization_url: text(device_authorization_url),
                pushed_authorization_url: text(pushed_authorization_url),
                revocation_url: text(revocation_url),
                userinfo_url: text(userinfo_url),
                issuer: text(issuer),
                resource: resource.map(String::from),
                client_auth,
                dpop,
            },
            grant_type: grant_type.unwrap_or_default(),
            subject,
            audience,
            requested_token_type,
            assertion_audience,
            authorize_params,
            placeholders,
            api_hosts: provider
                .map(|provider| authenticator.api_hosts(provider))
                .unwrap_or_default(),
            narrow_tokens: provider.is_some_and(|provider| authenticator.narrows(provider)),
            mcp_server: text(mcp_server),
            assume_pkce,
            registration: registration.map(|it| RegistrationView {
                issuer: it.issuer,
                registered_at: it.registered_at,
                secret_expires_at: it.secret_expires_at,
            }),
            api_key_header: api_key_header.map(|auth| auth.to_string()),
            api_keys_page: provider.and_then(|provider| authenticator.api_keys_page(provider)),
            is_active: authenticator.is_active,
            differs_from_file: provider
                .is_some_and(|provider| authenticator.differs_from_file(provider)),
            connections,
            failed_sign_in: None,
            console_url: provider.and_then(|provider| authenticator.console_page(provider)),
            created_at: authenticator.created_at,
            updated_at: authenticator.updated_at,
        }
    }
}

/// Reply to `POST` (201) and `PATCH` (200) of an authenticator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthenticatorSaved {
    /// As it is stored now.
    pub authenticator: AuthenticatorView,
    /// What was accepted, but deserves a look.
    pub warnings: Vec<Warning>,
}

/// Body of `POST oauth/export` (`?profile=`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ExportRequest {
    /// Names or UUIDs; absent: all (of the profile).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticators: Option<Vec<String>>,
    /// With their client secrets. Only for programs, and only after the person's yes while the desktop app
    /// runs. Refresh tokens are never exported: a login has one holder.
    pub secrets: bool,
}

/// Reply to `POST oauth/export`: what `valetkey import` and `valetkey add --config` read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthenticatorExport {
    /// The fields of each, with its `profile` and `is_active` where they are not the usual ones. A client
    /// secret is the name of a variable (`${GITHUB_CLIENT_SECRET}`), unless secrets were asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<std::collections::HashMap<String, serde_json::Value>>))]
    pub authenticators: Vec<DraftInput>,
}

/// Reply to `DELETE oauth/authenticators/{id}` (`?force=`). Without `force`, an authenticator with
/// connections is a `conflict` that names them in `in_use`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthenticatorRemoved {
    /// What is gone.
    pub authenticator: AuthenticatorView,
    /// Its connections, which were disconnected first.
    pub disconnected: Vec<Disconnected>,
}
