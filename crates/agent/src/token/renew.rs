//! A new token whatever the old one is: asked for, or because a program's was refused.

use std::sync::Arc;

use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::ConnectionId;
use valetkey_core::secret::Fingerprint;

use super::{PATIENCE, TokenAnswer, TokenAsk};
use crate::agent::Agent;
use crate::book::{LiveGrant, Look, Want};
use crate::error::AgentError;
use crate::key::{Actor, ConnectionKey};
use crate::refresh;

/// What a reported token led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidated {
    /// It was the current token and has been replaced.
    Refreshed,
    /// There is a newer one already; nothing was done.
    AlreadyNewer,
}

impl Agent {
    pub(super) async fn forced(&self, id: ConnectionId) -> Result<Arc<LiveGrant>, AgentError> {
        refresh::load(&self.inner, id).await?;
        let now = self.inner.now();
        let look = self.inner.book().look(id, now, Want::Newer);
        match look {
            Look::Stale { .. } => self.refreshed(id, PATIENCE).await,
            Look::Held { until, .. } => Err(self.held(id, until.duration_since(now))),
            Look::Fresh(live) => Err(AgentError::NotRefreshable(live.connection.clone())),
            Look::SignIn => Err(self.inner.sign_in_needed(id).await),
            Look::NotLoaded | Look::Gone => Err(AgentError::no_connection(id)),
        }
    }

    /// Refreshes now, or waits for the refresh that is under way.
    pub async fn refresh(
        &self,
        key: &ConnectionKey,
        who: &Actor,
    ) -> Result<TokenAnswer, AgentError> {
        self.token(
            key,
            &TokenAsk {
                force: true,
                ..TokenAsk::default()
            },
            who,
        )
        .await
    }

    /// As [`Self::refresh`], for the person: nothing is handed out, so nothing counts as used, and a
    /// pause is no hindrance.
    pub async fn renew(&self, key: &ConnectionKey) -> Result<(), AgentError> {
        self.check_running()?;
        let id = self.inner.book().find(key)?;
        self.check_enabled(id)?;
        self.forced(id).await.map(drop)
    }

    /// A program's token was refused. If it is still the current one it is replaced, or, where there
    /// is no refresh token, the person must sign in again. Else nothing happens: a late report never
    /// kills a newer token.
    pub async fn invalidate(
        &self,
        key: &ConnectionKey,
        refused: &Fingerprint,
        who: &Actor,
    ) -> Result<Invalidated, AgentError> {
        self.check_running()?;
        let id = self.inner.book().find(key)?;
        self.check_enabled(id)?;
        refresh::load(&self.inner, id).await?;
        let current = self
            .inner
            .book()
            .get(id)
            .and_then(|entry| entry.live.clone())
            .filter(|live| live.fingerprint == *refused);
        let event = Event::new(EventKind::TokenInvalidated, self.inner.now())
            .connection(id)
            .actor(who.to_string())
            .detail(json!({ "current": current.is_some() }));
        self.inner.record(event).await;
        let Some(current) = current else {
            return Ok(Invalidated::AlreadyNewer);
        };
        match self.forced(id).await {
            Ok(_) => Ok(Invalidated::Refreshed),
            Err(AgentError::NotRefreshable(connection)) => {
                let reason = "its token was refused, and it has no refresh token";
                let from = current.grant.generation;
                if !refresh::sign_in_again(&self.inner, id, from, reason).await {
                    return Ok(Invalidated::AlreadyNewer);
                }
                Err(AgentError::AuthRequired {
                    connection,
                    again: true,
                    reason: Some(reason.to_owned()),
                })
            }
            Err(error) => Err(error),
        }
    }
}
