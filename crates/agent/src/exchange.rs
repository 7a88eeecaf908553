//! Token exchange (RFC 8693): the token of one connection, the subject, brings that of another.
//!
//! The subject's token is obtained as for any caller: not from one that is paused, disabled or removed.
//! It goes only to servers that it may be sent to already, so that an authenticator cannot carry off
//! the token of a connection that is used through the proxy alone.

use std::collections::HashSet;

use serde_json::json;
use valetkey_core::authenticator::{Authenticator, GrantType};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::ConnectionId;
use valetkey_core::proxy_settings::ProxySettings;
use valetkey_core::secret::AccessToken;

use crate::client::Client;
use crate::error::AgentError;
use crate::key::ConnectionKey;
use crate::protocol::Identity;
use crate::registry::ConnectionRegistry;
use crate::state::{Agent, Inner};
use crate::token::TokenRequirements;

/// Fails if the token that `client` exchanges cannot be had, or must not be sent there.
pub(crate) fn check_subject(inner: &Inner, client: &Client) -> Result<(), AgentError> {
    find(&inner.registry(), client).map(drop)
}

/// The token that `client` exchanges; None if it exchanges none.
// `Send` is declared: the compiler would look for it in a circle, since a refresh asks for a token,
// which may need a refresh.
#[expect(
    clippy::manual_async_fn,
    reason = "`Send` cannot be declared of an `async fn`"
)]
pub(crate) fn subject_token<'a>(
    agent: &'a Agent,
    client: &'a Client,
) -> impl Future<Output = Result<Option<AccessToken>, AgentError>> + Send + 'a {
    async move {
        let inner = &agent.inner;
        let found = find(&inner.registry(), client)?;
        let Some(id) = found else {
            return Ok(None);
        };
        let ask = TokenRequirements::default();
        let live = agent.live_grant(id, &ask).await?;
        let now = inner.now();
        inner.mark_used(&mut inner.registry(), id, now);
        let event = Event::new(EventKind::TokenExchanged, now)
            .connection(id)
            .authenticator(client.authenticator.id)
            .detail(json!({
                "for": client.authenticator.full_name().to_string(),
                "host": client.endpoints.token_url.host(),
            }));
        inner.record(event).await;
        Ok(Some(live.grant.access_token.clone()))
    }
}

/// Who an exchanged token is for: what the provider does not say is that of the subject's account.
pub(crate) fn or_subject(inner: &Inner, client: &Client, identity: Identity) -> Identity {
    let registry = inner.registry();
    let subject = find(&registry, client).ok().flatten();
    let account = subject.and_then(|id| Some(registry.get(id)?.row.account.clone()));
    let Some(account) = account else {
        return identity;
    };
    let told = identity.subject.as_ref().zip(account.subject.as_ref());
    if told.is_some_and(|(told, known)| !told.is_same_account(known)) {
        return identity;
    }
    Identity {
        display_name: identity.display_name.or(account.display_name),
        subject: identity.subject.or(account.subject),
    }
}

/// What the subject may be used for through the proxy: the connection that its token is exchanged for
/// begins with no more.
pub(crate) fn subject_proxy(inner: &Inner, authenticator: &Authenticator) -> Option<ProxySettings> {
    let registry = inner.registry();
    let id = subject_of(&registry, authenticator).ok().flatten()?;
    Some(registry.get(id)?.row.proxy.clone())
}

/// The connection whose token `client` exchanges.
fn find(
    registry: &ConnectionRegistry,
    client: &Client,
) -> Result<Option<ConnectionId>, AgentError> {
    let authenticator = &client.authenticator;
    let Some(id) = subject_of(registry, authenticator)? else {
        return Ok(None);
    };
    check_no_loop(registry, authenticator, id)?;
    let through = registry.get(id).map(|entry| entry.row.authenticator);
    let through = through.and_then(|id| registry.authenticator(id));
    let row = registry.get(id).map(|entry| &entry.row);
    let (Some(through), Some(row)) = (through, row) else {
        return Err(AgentError::no_connection(id));
    };
    let name = registry.full_name(id)?;
    let url = &client.endpoints.token_url;
    if !through.may_send_to(registry.provider_of(row), url) {
        let host = url.host();
        return Err(AgentError::InvalidRequest {
            message: format!(
                "`{}` would send the token of `{name}` to `{host}`, which is none of its hosts",
                authenticator.name
            ),
            hint: Some(format!(
                "`valetkey update {} --api-host {host}` allows it, beside the hosts that it has",
                through.full_name().argument()
            )),
        });
    }
    Ok(Some(id))
}

fn subject_of(
    registry: &ConnectionRegistry,
    authenticator: &Authenticator,
) -> Result<Option<ConnectionId>, AgentError> {
    let overrides = &authenticator.overrides;
    match (overrides.grant_type, &overrides.subject) {
        (Some(GrantType::TokenExchange), Some(name)) => {
            let profile = authenticator.profile.clone();
            registry
                .find(&ConnectionKey::Name(profile, name.clone()))
                .map(Some)
        }
        (Some(GrantType::AuthorizationCode | GrantType::ClientCredentials) | None, _)
        | (Some(GrantType::TokenExchange), None) => Ok(None),
    }
}

/// Each would wait for the other's token.
fn check_no_loop(
    registry: &ConnectionRegistry,
    begun: &Authenticator,
    subject: ConnectionId,
) -> Result<(), AgentError> {
    let mut seen = HashSet::from([begun.id]);
    let mut next = Some(subject);
    while let Some(id) = next {
        let row = registry.get(id).map(|entry| entry.row.authenticator);
        let Some(authenticator) = row.and_then(|id| registry.authenticator(id)) else {
            return Ok(());
        };
        if !seen.insert(authenticator.id) {
            return Err(AgentError::InvalidRequest {
                message: format!("`{}` exchanges, over others, its own token", begun.name),
                hint: Some(format!(
                    "`valetkey update {} --subject` names a connection that a person signed in",
                    begun.full_name().argument()
                )),
            });
        }
        next = subject_of(registry, authenticator)?;
    }
    Ok(())
}
