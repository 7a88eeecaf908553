//! Discovery: what a typed URL leads to, as a draft for the person to look at. Nothing is registered or
//! stored here; [`adding`] registers a client when the draft is added, [`renewal`] when a registration
//! has ended or its server has changed.
//!
//! What is believed of servers, and what they may send us to, stands in [`valetkey_core::discovery`].

mod adding;
mod registrations;
mod renewal;

use std::time::Duration;

use serde_json::Value;
use valetkey_core::discovery::{DiscoveryFailure, Given, Plan, suggested_name};
use valetkey_core::draft::Problem;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::name::{AuthenticatorName, ProfileName};

use crate::error::AgentError;
use crate::protocol::{FindError, Lookup, Target};
use crate::state::Agent;

pub(crate) use registrations::Registrations;

/// All requests of a discovery together take no longer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(40);

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryRequest {
    /// An issuer or an MCP server, as typed.
    pub url: String,
    /// The authorization server that the person chose of several.
    pub issuer: Option<String>,
    /// URL of a document about the client, which becomes its id.
    pub client_metadata_url: Option<String>,
    /// The person has registered a client there.
    pub has_client_id: bool,
    /// PKCE counts as supported although the server does not say so.
    pub assume_pkce: bool,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// As typed.
    pub url: EndpointUrl,
    /// A free name for the authenticator.
    pub name: AuthenticatorName,
    /// Whether it is an MCP server.
    pub is_mcp_server: bool,
    /// What the MCP server calls itself.
    pub resource_name: Option<String>,
    /// The authorization servers; several are for the person to choose from.
    pub issuers: Vec<String>,
    /// None as long as none of several is chosen.
    pub plan: Option<Plan>,
}

impl Agent {
    /// Finds out what is behind a URL, and drafts an authenticator. Changes nothing.
    pub async fn discover(
        &self,
        ask: &DiscoveryRequest,
        profile: &ProfileName,
    ) -> Result<Discovery, AgentError> {
        self.check_running()?;
        let url = typed_url(&ask.url)?;
        let provider_client = &self.inner.provider_client;
        let work = async {
            let document = match &ask.client_metadata_url {
                Some(document) => Some(provider_client.client_metadata(document).await?),
                None => None,
            };
            let target = Target {
                url: &url,
                issuer: ask.issuer.as_deref(),
            };
            Ok((document, provider_client.find(target).await?))
        };
        let (document, lookup) = in_time(&url, work).await?;
        let name = self.free_name(profile, &suggested_name(&url));
        let found = match lookup {
            Lookup::Choose {
                name: resource_name,
                issuers,
            } => {
                return Ok(Discovery {
                    url,
                    name,
                    is_mcp_server: true,
                    resource_name,
                    issuers,
                    plan: None,
                });
            }
            Lookup::Found(found, _) => found,
        };
        let given = Given {
            has_client_id: ask.has_client_id,
            client_metadata: document
                .as_ref()
                .map(|(url, metadata)| (url, &metadata.redirect_uri)),
            assume_pkce: ask.assume_pkce,
        };
        let mut plan = found.plan(given).map_err(|failure| refused(&failure))?;
        plan.members
            .insert("name".to_owned(), Value::from(name.as_str()));
        let resource = found.resource.as_ref().and_then(|it| it.metadata.as_ref());
        Ok(Discovery {
            url,
            name,
            is_mcp_server: found.resource.is_some(),
            resource_name: resource.and_then(|it| it.name.clone()),
            issuers: vec![found.server.issuer.clone()],
            plan: Some(plan),
        })
    }

    /// The name, or the first with a number behind it that is free.
    fn free_name(&self, profile: &ProfileName, wished: &AuthenticatorName) -> AuthenticatorName {
        let registry = self.inner.registry();
        let is_free =
            |name: &AuthenticatorName| registry.named_authenticator(profile, name).is_none();
        let numbered = (2..1000).filter_map(|n| format!("{wished}-{n}").parse().ok());
        std::iter::once(wished.clone())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_else(|| wished.clone())
    }
}

/// The URL that a person typed, where requests may go.
fn typed_url(text: &str) -> Result<EndpointUrl, AgentError> {
    EndpointUrl::parse(text.trim()).map_err(|error| AgentError::BadDraft(vec![Problem {
        field: "url".to_owned(),
        message: error.to_string(),
        hint: "give the whole https URL of an issuer or an MCP server, such as `https://mcp.example.com/mcp`"
            .to_owned(),
    }]))
}

/// Ends work that goes on for too long.
async fn in_time<T>(
    url: &EndpointUrl,
    work: impl Future<Output = Result<T, FindError>>,
) -> Result<T, AgentError> {
    match tokio::time::timeout(TOTAL_TIMEOUT, work).await {
        Ok(done) => done.map_err(not_found),
        Err(_) => Err(AgentError::ServerUnreachable {
            reason: format!("{} did not answer in time", url.host()),
        }),
    }
}

fn not_found(error: FindError) -> AgentError {
    match error {
        FindError::Refused(failure) => refused(&failure),
        FindError::Unreachable(error) => AgentError::ServerUnreachable {
            reason: error.reason,
        },
    }
}

fn refused(failure: &DiscoveryFailure) -> AgentError {
    AgentError::InvalidRequest {
        hint: Some(failure.hint()),
        message: failure.to_string(),
    }
}
