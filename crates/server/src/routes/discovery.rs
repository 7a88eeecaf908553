//! What a typed URL leads to.

use axum::extract::State;
use valetkey_agent::{Discovery, DiscoveryRequest};
use valetkey_api::connections::ProfileQuery;
use valetkey_api::core::scope::Scopes;
use valetkey_api::discovery::{DiscoverRequest, Discovered, DiscoveredKind};

use crate::app::App;
use crate::caller::Caller;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, QueryParams};
use crate::permission::Action;
use crate::response::Ok200;

/// Discover an issuer or MCP server
///
/// Reads what the server publishes (RFC 8414, RFC 9728, OpenID Connect Discovery) and drafts an
/// authenticator. Registers and stores nothing: `POST` the draft to `oauth/authenticators`.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/oauth/discover", tag = "authenticators",
    params(ProfileQuery),
    request_body = DiscoverRequest,
    responses((status = 200, body = Discovered))
))]
pub(super) async fn discover(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(body): JsonBody<DiscoverRequest>,
) -> Result<Ok200<Discovered>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let ask = DiscoveryRequest {
        url: body.url,
        issuer: body.issuer,
        client_metadata_url: body.client_metadata_url,
        has_client_id: body.has_client_id,
        assume_pkce: body.assume_pkce,
    };
    let profile = query.profile.unwrap_or_default();
    let found = app.agent().discover(&ask, &profile).await?;
    Ok(Ok200(convert(found)))
}

fn convert(found: Discovery) -> Discovered {
    let (plan, issuers) = (found.plan, found.issuers);
    let kind = if found.is_mcp_server {
        DiscoveredKind::McpServer
    } else {
        DiscoveredKind::Issuer
    };
    let mut discovered = Discovered {
        url: found.url.to_string(),
        kind,
        name: found.name,
        resource_name: found.resource_name,
        resource: None,
        issuer: None,
        issuers,
        scopes: Scopes::default(),
        registration: None,
        draft: None,
        warnings: Vec::new(),
        needs: Vec::new(),
    };
    if let Some(plan) = plan {
        discovered.issuer = discovered.issuers.first().cloned();
        discovered.resource = plan.resource;
        discovered.scopes = plan.scopes;
        discovered.registration = Some(plan.registration.into());
        discovered.draft = Some(plan.members);
        discovered.warnings = plan.warnings;
        discovered.needs = plan.needs;
    }
    discovered
}
