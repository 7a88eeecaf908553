//! The authenticator that a discovery makes: what was found, as the members of a draft, and what the
//! person still has to give.

use serde_json::{Map, Value, json};

use super::challenge::Challenge;
use super::failure::DiscoveryFailure;
use super::resource::ResourceMetadata;
use super::server::ServerMetadata;
use super::{shown, well_known};
use crate::api_host::ApiHost;
use crate::catalogue;
use crate::draft::{Problem, Warning};
use crate::endpoint_url::EndpointUrl;
use crate::name::AuthenticatorName;
use crate::redirect::RedirectUri;
use crate::scope::Scopes;

/// What was found behind the URL that a person typed.
#[derive(Debug, Clone)]
pub struct Found {
    /// As typed.
    pub url: EndpointUrl,
    /// The MCP server, if it is one.
    pub resource: Option<FoundResource>,
    /// The authorization server.
    pub server: ServerMetadata,
}

/// A protected resource.
#[derive(Debug, Clone)]
pub struct FoundResource {
    /// None at a server that publishes none and is its own authorization server, as before RFC 9728.
    pub metadata: Option<ResourceMetadata>,
    /// Of its 401.
    pub challenge: Option<Challenge>,
}

/// What else the person said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// A client of their own is registered there.
    pub has_client_id: bool,
    /// URL of a document about the client.
    pub client_metadata: Option<(&'a EndpointUrl, &'a RedirectUri)>,
    /// PKCE is supported although the metadata does not say so.
    pub assume_pkce: bool,
}

/// How the client becomes known to the server, in the order of preference (MCP authorization).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationPlan {
    /// It is known.
    Registered,
    /// Its id is the URL of a document.
    ClientMetadata,
    /// It is registered when the authenticator is added.
    Dynamic,
    /// By the person, who gives its id.
    ByHand,
}

/// The authenticator to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How the client becomes known.
    pub registration: RegistrationPlan,
    /// The resource that tokens are asked for (RFC 8707), exactly as it is published.
    pub resource: Option<String>,
    /// To be asked for.
    pub scopes: Scopes,
    /// The fields of the draft, without name.
    pub members: Map<String, Value>,
    /// What deserves a look.
    pub warnings: Vec<Warning>,
    /// What the person must give.
    pub needs: Vec<Problem>,
}

impl Found {
    /// What follows. Fails where PKCE is not to be had.
    pub fn plan(&self, given: Given<'_>) -> Result<Plan, DiscoveryFailure> {
        self.check_pkce(given.assume_pkce)?;
        let server = &self.server;
        let resource = self.resource.as_ref().map(|found| match &found.metadata {
            Some(metadata) => metadata.resource.clone(),
            None => self.url.to_string(),
        });
        let scopes = self.scopes();
        let mut warnings = self.warnings(given);
        let registration = match given {
            Given {
                has_client_id: true,
                ..
            } => RegistrationPlan::Registered,
            Given {
                client_metadata: Some(_),
                ..
            } if server.takes_client_metadata => RegistrationPlan::ClientMetadata,
            _ if server.registration_url.is_some() => RegistrationPlan::Dynamic,
            _ => RegistrationPlan::ByHand,
        };
        let mut needs = Vec::new();
        if registration == RegistrationPlan::ByHand {
            needs.push(client_id_needed(server, None));
        }
        if server.offers_s256.is_none() && given.assume_pkce {
            warnings.push(warning(
                "assume_pkce",
                "PKCE is assumed: the server does not say that it supports it",
                "if sign-in fails, this is where to look",
            ));
        }
        Ok(Plan {
            registration,
            members: self.members(resource.as_deref(), &scopes, registration, given),
            resource,
            scopes,
            warnings,
            needs,
        })
    }

    /// Without PKCE no sign-in begins. MCP wants it advertised, also in OpenID metadata, which has no
    /// such field of its own.
    fn check_pkce(&self, assume: bool) -> Result<(), DiscoveryFailure> {
        let is_silent = self.server.offers_s256.is_none();
        let suffices = match self.server.offers_s256 {
            Some(offers) => offers,
            None => assume || self.resource.is_none(),
        };
        if suffices {
            return Ok(());
        }
        Err(DiscoveryFailure::NoPkce {
            issuer: self.server.issuer.clone(),
            is_silent,
        })
    }

    /// Those of the challenge count; else all that the resource has; else none. An issuer is asked who
    /// signs in, and no more. `offline_access` is added where it exists: it is how a server is asked for
    /// a refresh token.
    fn scopes(&self) -> Scopes {
        let offered = &self.server.scopes_supported;
        let asked = match &self.resource {
            Some(found) => {
                let challenged = found.challenge.as_ref().and_then(|it| it.scopes.clone());
                let published = found
                    .metadata
                    .as_ref()
                    .and_then(|it| it.scopes_supported.clone());
                challenged.or(published).unwrap_or_default()
            }
            None => ["openid", "profile", "email"]
                .into_iter()
                .filter(|scope| offered.contains(scope))
                .map(str::to_owned)
                .collect(),
        };
        let offline: Scopes = Some("offline_access")
            .filter(|scope| offered.contains(scope))
            .into_iter()
            .map(str::to_owned)
            .collect();
        asked.union(&offline)
    }

    fn warnings(&self, given: Given<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let issuer = self.server.issuer.as_str();
        let known = catalogue::providers()
            .into_iter()
            .find(|provider| provider.issuer.as_deref() == Some(issuer) && !provider.is_own);
        if let (Some(known), None) = (known, &self.resource) {
            warnings.push(warning(
                "issuer",
                &format!(
                    "{} is in the catalogue, which knows more about it than its metadata says",
                    known.display_name
                ),
                &format!("`valetkey add {}` uses that", known.id),
            ));
        }
        if given.client_metadata.is_some()
            && !self.server.takes_client_metadata
            && !given.has_client_id
        {
            warnings.push(warning(
                "client_metadata_url",
                &format!("`{}` takes no client metadata document", shown(issuer)),
                "another way of registration is used",
            ));
        }
        if self
            .resource
            .as_ref()
            .is_some_and(|found| found.metadata.is_none())
        {
            warnings.push(warning(
                "resource",
                "the server publishes no metadata as a resource (RFC 9728), and is taken for its own authorization server",
                "ask its operator for an update if sign-in fails",
            ));
        }
        warnings
    }

    fn members(
        &self,
        resource: Option<&str>,
        scopes: &Scopes,
        registration: RegistrationPlan,
        given: Given<'_>,
    ) -> Map<String, Value> {
        let server = &self.server;
        // Userinfo belongs to OpenID; a token for a resource does not open it.
        let userinfo = server
            .userinfo_url
            .as_ref()
            .filter(|_| scopes.contains("openid"));
        let mut members = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let url = |url: Option<&EndpointUrl>| url.map(|url| url.as_str().into());
        set("authenticator_type", Some("custom".into()));
        set("discovered_from", url(Some(&self.url)));
        set("issuer", Some(server.issuer.as_str().into()));
        set("authorize_url", url(Some(&server.authorize_url)));
        set("token_url", url(Some(&server.token_url)));
        set(
            "device_authorization_url",
            url(server.device_authorization_url.as_ref()),
        );
        set("revocation_url", url(server.revocation_url.as_ref()));
        set("userinfo_url", url(userinfo));
        set("scopes", Some(json!(scopes)));
        set("resource", resource.map(Value::from));
        if self.resource.is_some() {
            set("mcp_server", url(Some(&self.url)));
            let host = ApiHost::of(&self.url.to_url());
            set("api_hosts", host.map(|host| json!([host.to_string()])));
        }
        if given.assume_pkce {
            set("assume_pkce", Some(true.into()));
        }
        if let (RegistrationPlan::ClientMetadata, Some((url, redirect))) =
            (registration, given.client_metadata)
        {
            set("client_id", Some(url.as_str().into()));
            set("redirect_uri", Some(redirect.to_string().into()));
        }
        members
    }
}

/// No server has registered the client by itself, so the person has to; `why`, if one was asked.
pub fn client_id_needed(server: &ServerMetadata, why: Option<&str>) -> Problem {
    let issuer = shown(&server.issuer);
    let message = match why {
        None => format!("`{issuer}` registers no clients by itself"),
        Some(why) => format!("`{issuer}` did not register a client ({why})"),
    };
    let redirects: Vec<String> = super::redirect_attempts(None)[0]
        .iter()
        .map(|uri| format!("`{uri}`"))
        .collect();
    Problem {
        field: "client_id".to_owned(),
        message,
        hint: format!(
            "register a native (public) client there with the redirect URI {}, and give its id with `--client-id`",
            redirects.join(" or ")
        ),
    }
}

fn warning(field: &str, message: &str, hint: &str) -> Warning {
    Warning {
        field: field.to_owned(),
        message: message.to_owned(),
        hint: hint.to_owned(),
        offer: None,
    }
}

/// What commands could call it: the telling word of its host.
pub fn suggested_name(url: &EndpointUrl) -> AuthenticatorName {
    const COMMON: &[&str] = &[
        "mcp", "api", "www", "auth", "login", "accounts", "id", "sso", "oauth",
    ];
    let (origin, _) = well_known::split(url.as_str());
    let host = origin.split("://").last().unwrap_or_default();
    let is_address = host.starts_with('[')
        || host
            .trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ':'))
            .is_empty();
    let labels: Vec<&str> = host
        .split([':', '.'])
        .filter(|label| !label.is_empty())
        .collect();
    let names = labels
        .iter()
        .filter(|label| !COMMON.contains(&label.to_ascii_lowercase().as_str()));
    let name = names.copied().next().filter(|_| !is_address);
    name.and_then(|name| name.parse().ok())
        .unwrap_or_else(|| "mcp".parse().expect("a legal name"))
}

#[cfg(test)]
mod tests;
