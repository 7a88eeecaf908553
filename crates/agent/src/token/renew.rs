//! A new token whatever the old one is: asked for, or because a program's was refused.

use std::sync::Arc;

use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::GrantKind;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::secret::Fingerprint;

use super::{CALLER_TIMEOUT, ServedToken, TokenRequirements};
use crate::access::Requester;
use crate::error::AgentError;
use crate::key::{Actor, ConnectionKey};
use crate::registry::{LiveGrant, Requirement, TokenLookup};
use crate::state::Agent;
use crate::{grants, refresh};

/// Why a connection with a key needs the person.
pub(crate) const KEY_REFUSED: &str = "the provider refuses the key";

/// What a reported token led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidated {
    /// It was the current token and has been replaced.
    Refreshed,
    /// There is a newer one already; nothing was done.
    AlreadyNewer,
}

impl Agent {
    /// A newer grant than `from`, or, without it, than the one that is current now.
    pub(crate) async fn forced(
        &self,
        id: ConnectionId,
        from: Option<Generation>,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        grants::load(&self.inner, id).await?;
        let now = self.inner.now();
        let (from, found) = {
            let registry = self.inner.registry();
            let entry = registry
                .get(id)
                .ok_or_else(|| AgentError::no_connection(id))?;
            let from = from.unwrap_or(entry.row.state.generation);
            let found = registry.lookup(id, now, Requirement::NewerThan(from));
            (from, found)
        };
        match found {
            TokenLookup::Fresh(live) if live.token_generation > from => Ok(live),
            TokenLookup::Fresh(live) => Err(AgentError::NotRefreshable(live.full_name())),
            TokenLookup::Stale { generation, .. } => {
                self.refreshed(id, generation, CALLER_TIMEOUT).await
            }
            TokenLookup::BackingOff { until, .. } => Err(self.held(id, until.duration_since(now))),
            TokenLookup::SignInRequired => Err(refresh::sign_in_required(&self.inner, id).await),
            TokenLookup::NotLoaded | TokenLookup::Removed => Err(AgentError::no_connection(id)),
        }
    }

    /// Refreshes now, or waits for the refresh that is under way.
    pub async fn refresh(
        &self,
        id: ConnectionId,
        requester: &Requester,
    ) -> Result<ServedToken, AgentError> {
        let ask = TokenRequirements {
            force: true,
            ..TokenRequirements::default()
        };
        self.token(id, &ask, requester).await
    }

    /// As [`Self::refresh`], for the person: nothing is handed out, so nothing counts as used, and a
    /// pause is no hindrance.
    pub async fn renew(&self, key: &ConnectionKey) -> Result<(), AgentError> {
        self.check_running()?;
        let id = self.inner.registry().find(key)?;
        self.check_enabled(id)?;
        let renewed = self.forced(id, None).await;
        grants::forget_later(&self.inner, id);
        renewed.map(drop)
    }

    /// A program's token was refused. If it is still the current one it is replaced, or, where there
    /// is no refresh token, the person must sign in again. Else nothing happens: a late report never
    /// kills a newer token.
    pub async fn invalidate(
        &self,
        id: ConnectionId,
        refused: &Fingerprint,
        requester: &Requester,
    ) -> Result<Invalidated, AgentError> {
        self.check_enabled(id)?;
        // Whoever shows a token has had it, by an answer "once" perhaps; nobody is asked about it now.
        let (refused, who) = (refused.clone(), requester.actor.clone());
        self.run(|agent| async move {
            let invalidated = agent.replace_refused(id, &refused, &who).await;
            grants::forget_later(&agent.inner, id);
            invalidated
        })
        .await
    }

    async fn replace_refused(
        &self,
        id: ConnectionId,
        refused: &Fingerprint,
        who: &Actor,
    ) -> Result<Invalidated, AgentError> {
        grants::load(&self.inner, id).await?;
        let (current, narrowed_to) = {
            let registry = self.inner.registry();
            let entry = registry.get(id);
            let live = entry.and_then(|entry| entry.live.clone());
            (
                live.filter(|live| live.fingerprint == *refused),
                entry.and_then(|entry| entry.narrow.find(refused)),
            )
        };
        let event = Event::new(EventKind::TokenInvalidated, self.inner.now())
            .connection(id)
            .actor(who)
            .detail(json!({ "current": current.is_some() || narrowed_to.is_some() }));
        self.inner.record(event).await;
        if let Some(scopes) = narrowed_to {
            if let Some(entry) = self.inner.registry().get_mut(id) {
                entry.narrow.drop_token(&scopes);
            }
            refresh::join_narrow(&self.inner, id, &scopes).await?;
            return Ok(Invalidated::Refreshed);
        }
        let Some(current) = current else {
            return Ok(Invalidated::AlreadyNewer);
        };
        let from = current.grant.generation;
        match self.forced(id, Some(from)).await {
            Ok(_) => Ok(Invalidated::Refreshed),
            Err(AgentError::NotRefreshable(connection)) => {
                let by_key = current.grant.kind == GrantKind::ApiKey;
                let reason = if by_key {
                    KEY_REFUSED
                } else {
                    "its token was refused, and it has no refresh token"
                };
                if !refresh::sign_in_again(&self.inner, id, from, reason).await {
                    return Ok(Invalidated::AlreadyNewer);
                }
                Err(AgentError::AuthRequired {
                    connection,
                    again: true,
                    reason: Some(reason.to_owned()),
                    by_key,
                })
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
