//! Tokens with fewer scopes than their connection has: from memory, or by a refresh that names them.

use valetkey_core::grant::GrantKind;
use valetkey_core::id::ConnectionId;
use valetkey_core::scope::Scopes;

use super::{CALLER_TIMEOUT, TokenRequirements};
use crate::error::AgentError;
use crate::grants;
use crate::refresh;
use crate::registry::{Requirement, TokenLookup};
use crate::state::Agent;

impl Agent {
    /// Refuses a request for fewer scopes where they cannot be had: nothing is silently widened.
    pub(super) fn check_narrowable(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
    ) -> Result<(), AgentError> {
        let registry = self.inner.registry();
        let only = ask.only.as_ref();
        let Some(scopes) = only.and_then(|only| registry.narrowed_scopes(id, only)) else {
            return Ok(());
        };
        let connection = registry.full_name(id)?;
        if scopes.is_empty() {
            let missing = ask.only.clone().unwrap_or_default();
            return Err(AgentError::InsufficientScope {
                connection,
                missing,
                by_key: registry
                    .get(id)
                    .is_some_and(|entry| entry.row.kind == GrantKind::ApiKey),
            });
        }
        if registry.can_narrow(id) {
            return Ok(());
        }
        Err(AgentError::NotNarrowable {
            connection,
            reason: None,
        })
    }

    /// Sees to it that memory holds a token with these scopes alone.
    pub(super) async fn narrowed(
        &self,
        id: ConnectionId,
        scopes: &Scopes,
        ask: &TokenRequirements,
    ) -> Result<(), AgentError> {
        let inner = &self.inner;
        grants::load(inner, id).await?;
        let now = inner.now();
        let found = {
            let registry = inner.registry();
            let known = registry.narrow(id, scopes, now, ask.min_valid);
            if known.is_some() && !ask.force {
                return Ok(());
            }
            let entry = registry.get(id);
            let entry = entry.ok_or_else(|| AgentError::no_connection(id))?;
            if let Some(reason) = entry.narrow.refusal(scopes, now) {
                return Err(AgentError::NotNarrowable {
                    connection: registry.full_name(id)?,
                    reason: Some(reason),
                });
            }
            let generation = entry.row.state.generation;
            registry.lookup(id, now, Requirement::NewerThan(generation))
        };
        match found {
            TokenLookup::Stale { .. } => {}
            TokenLookup::BackingOff { until, .. } => {
                return Err(self.held(id, until.duration_since(now)));
            }
            TokenLookup::SignInRequired => {
                return Err(refresh::sign_in_required(inner, id).await);
            }
            TokenLookup::Fresh(live) => {
                return Err(AgentError::NotRefreshable(live.full_name()));
            }
            TokenLookup::NotLoaded | TokenLookup::Removed => {
                return Err(AgentError::no_connection(id));
            }
        }
        tokio::select! {
            biased;
            end = refresh::join_narrow(inner, id, scopes) => end,
            () = inner.clock.sleep(CALLER_TIMEOUT) => Err(Self::no_answer_yet(CALLER_TIMEOUT)),
        }
    }
}
