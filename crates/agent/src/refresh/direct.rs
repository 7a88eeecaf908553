//! What a refresh sends: the refresh token, or, where nobody must agree, the request that brought the
//! token.

use std::sync::Arc;

use valetkey_core::authenticator::GrantType;
use valetkey_core::id::ConnectionId;
use valetkey_core::secret::AccessToken;
use valetkey_core::token_error::RefreshOutcome;

use super::PreparedRefresh;
use crate::client::Client;
use crate::error::AgentError;
use crate::exchange;
use crate::protocol::{DirectRequest, Unreachable};
use crate::state::{Agent, Inner};

/// The token that is exchanged for this connection's; None if none is. Obtained first: it may need a
/// refresh of its own.
pub(super) async fn subject_token(
    inner: &Arc<Inner>,
    id: ConnectionId,
) -> Result<Option<AccessToken>, AgentError> {
    let authenticator = {
        let registry = inner.registry();
        let row = registry.get(id).map(|entry| entry.row.authenticator);
        row.and_then(|id| registry.authenticator(id).cloned())
    };
    let Some(authenticator) = authenticator else {
        return Err(AgentError::no_connection(id));
    };
    if authenticator.overrides.grant_type != Some(GrantType::TokenExchange) {
        return Ok(None);
    }
    let client = Client::of(&inner.vault, authenticator).await?;
    let agent = Agent {
        inner: Arc::clone(inner),
    };
    exchange::subject_token(&agent, &client).await
}

/// Asks the provider for the next token.
pub(super) async fn request(
    inner: &Inner,
    prepared: &PreparedRefresh,
    subject: Option<AccessToken>,
) -> Result<RefreshOutcome, Unreachable> {
    let PreparedRefresh {
        client, old, asked, ..
    } = prepared;
    let grant = &old.grant;
    let (provider, now) = (&inner.provider_client, inner.now());
    if grant.grant_type.needs_person()
        && let Some(refresh_token) = &grant.refresh_token
    {
        let known = grant.id_token.as_ref();
        return provider
            .refresh(client, refresh_token, None, known, now)
            .await;
    }
    let is_same = grant.grant_type == client.endpoints.grant_type;
    let lacks_subject = grant.grant_type == GrantType::TokenExchange && subject.is_none();
    if !is_same || lacks_subject || grant.grant_type.needs_person() {
        return Ok(RefreshOutcome::SignInAgain {
            reason: "its authenticator gets tokens in another way now".to_owned(),
        });
    }
    let request = DirectRequest {
        scopes: asked,
        subject,
    };
    provider.obtain_again(client, &request, now).await
}

/// Whether a token that nobody agreed to is what the authenticator asks for now: else it may be
/// somebody else's. The caller holds the connection's write lock.
pub(super) fn is_current(inner: &Inner, prepared: &PreparedRefresh) -> bool {
    let client = &prepared.client;
    if prepared.old.grant.grant_type.needs_person() {
        return true;
    }
    let registry = inner.registry();
    let current = registry.authenticator(client.authenticator.id);
    current.is_some_and(|current| current.is_same_client(&client.authenticator, client.provider))
}
