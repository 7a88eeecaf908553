//! The part of an entry that decides where secrets are sent.

use serde::{Deserialize, Serialize};

use super::{ClientAuth, DeviceEndpoint, Placeholder, Provider, RevocationEndpoint, Userinfo};

/// Where the requests of a provider's authenticators go, and how clients authenticate there.
///
/// An authenticator of an entry of the person's own keeps the routes that it was made with: who can
/// change the file must not thereby send logins elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    authorize_url: String,
    token_url: String,
    refresh_url: Option<String>,
    device: Option<DeviceEndpoint>,
    issuer: Option<String>,
    discovery_url: Option<String>,
    userinfo: Option<Userinfo>,
    revocation: Option<RevocationEndpoint>,
    placeholders: Vec<Placeholder>,
    client_auth: ClientAuth,
    public_client_auth: ClientAuth,
    assertion_audience: Option<String>,
    api_hosts: Vec<String>,
    closed_urls: Vec<String>,
}

impl Provider {
    /// Its routes as they are now.
    pub fn routes(&self) -> Routes {
        Routes {
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            refresh_url: self.refresh_url.clone(),
            device: self.device.clone(),
            issuer: self.issuer.clone(),
            discovery_url: self.discovery_url.clone(),
            userinfo: self.userinfo.clone(),
            revocation: self.revocation.clone(),
            placeholders: self.placeholders.clone(),
            client_auth: self.client_auth,
            public_client_auth: self.public_client_auth,
            assertion_audience: self.assertion_audience.clone(),
            api_hosts: self.api_hosts.clone(),
            closed_urls: self.closed_urls.clone(),
        }
    }

    /// The entry with other routes.
    #[must_use]
    pub fn with_routes(&self, routes: &Routes) -> Self {
        let Routes {
            authorize_url,
            token_url,
            refresh_url,
            device,
            issuer,
            discovery_url,
            userinfo,
            revocation,
            placeholders,
            client_auth,
            public_client_auth,
            assertion_audience,
            api_hosts,
            closed_urls,
        } = routes.clone();
        Self {
            authorize_url,
            token_url,
            refresh_url,
            device,
            issuer,
            discovery_url,
            userinfo,
            revocation,
            placeholders,
            client_auth,
            public_client_auth,
            assertion_audience,
            api_hosts,
            closed_urls,
            ..self.clone()
        }
    }
}
