//! Tokens with fewer scopes, by a refresh that names them (RFC 6749, section 6).
//!
//! Such a refresh may rotate the refresh token as any other does, so it runs under the same rules: one
//! request of a connection at a time, the row marked before it is sent, a new refresh token stored before
//! anything else happens. The connection's own token stays as it is. If the connection was signed in
//! again or removed meanwhile, what came is revoked and not kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::Transition;
use valetkey_core::grant::Grant;
use valetkey_core::id::ConnectionId;
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::RefreshOutcome;
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::failpoint;

use super::failure::{postpone, refused, unanswered};
use super::{
    MIN_RETRY_DELAY, PreparedRefresh, begin_request, is_registered_anew, prepare_request,
    refreshed, token_request,
};
use crate::error::AgentError;
use crate::grants;
use crate::registry::LiveGrant;
use crate::state::Inner;

/// Requests for different scopes that one connection may have under way.
const MAX_TASKS: usize = 16;

/// Waits for a token with these scopes; asks for one unless that is under way.
pub(crate) async fn join(
    inner: &Arc<Inner>,
    id: ConnectionId,
    scopes: &Scopes,
) -> Result<(), AgentError> {
    let mut task = {
        let mut registry = inner.registry();
        let entry = registry
            .get_mut(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        if let Some(task) = entry.narrow.tasks.get(scopes) {
            task.clone()
        } else if inner.stopping.load(Ordering::SeqCst) {
            return Err(AgentError::Stopping);
        } else if entry.narrow.tasks.len() >= MAX_TASKS {
            return Err(AgentError::ProviderUnreachable {
                reason: "too many tokens with different scopes are asked for at once".to_owned(),
                retry_after: Some(MIN_RETRY_DELAY),
                bad_certificate: false,
            });
        } else {
            let (end, task) = watch::channel(None);
            entry.narrow.tasks.insert(scopes.clone(), task.clone());
            inner.run(run(Arc::clone(inner), id, scopes.clone(), end));
            task
        }
    };
    let end = task.wait_for(Option::is_some).await;
    match end {
        Ok(end) => end.clone().expect("waited for Some"),
        // Aborted by the stop of the agent.
        Err(_) => Err(AgentError::Stopping),
    }
}

async fn run(
    inner: Arc<Inner>,
    id: ConnectionId,
    scopes: Scopes,
    end: watch::Sender<Option<Result<(), AgentError>>>,
) {
    let result = attempt(&inner, id, &scopes).await;
    let now = inner.now();
    {
        let mut registry = inner.registry();
        if let Some(entry) = registry.get_mut(id) {
            entry.narrow.tasks.remove(&scopes);
        }
        registry.replan(id, now);
    }
    inner.schedule_changed.notify_one();
    end.send_replace(Some(result));
    grants::forget_later(&inner, id);
}

async fn attempt(inner: &Arc<Inner>, id: ConnectionId, scopes: &Scopes) -> Result<(), AgentError> {
    let _one_request = token_request(inner, id).await?;
    let one_writer = prepare_request(inner, id).await?;
    let prepared = begin_request(inner, id).await?;
    drop(one_writer);
    failpoint!("narrow.marked");
    let Some(refresh_token) = &prepared.old.grant.refresh_token else {
        rest(inner, id, &prepared).await;
        return Err(AgentError::NotRefreshable(prepared.old.full_name()));
    };
    let answered = inner
        .provider_client
        .refresh(
            &prepared.client,
            refresh_token,
            Some(scopes),
            prepared.old.grant.id_token.as_ref(),
            inner.now(),
        )
        .await;
    let outcome = match answered {
        Ok(outcome) => outcome,
        Err(no_answer) => {
            let error = unanswered(inner, id, &prepared, no_answer).await;
            return error.map(drop);
        }
    };
    let received = inner.clock.reading();
    failpoint!("narrow.answered");
    match outcome {
        RefreshOutcome::Refreshed(reply) => {
            store(inner, id, &prepared, scopes, *reply, received).await
        }
        RefreshOutcome::Later { after, reason } => {
            let kind = RefreshErrorKind::Later;
            postpone(inner, id, Some(&prepared), kind, &reason, after).await;
            Err(AgentError::ProviderUnreachable {
                reason,
                retry_after: Some(after.unwrap_or(MIN_RETRY_DELAY).max(MIN_RETRY_DELAY)),
                bad_certificate: false,
            })
        }
        // It may be about the scopes alone: a refresh without them tells.
        RefreshOutcome::Unclear { reason } | RefreshOutcome::FixClient { reason } => {
            rest(inner, id, &prepared).await;
            Err(not_issued(inner, id, &prepared, scopes, reason))
        }
        RefreshOutcome::SignInAgain { reason } => {
            refused(inner, id, &prepared, reason).await.map(drop)
        }
    }
}

/// The connection is as it was before the request; false if it is another one now.
async fn rest(inner: &Arc<Inner>, id: ConnectionId, prepared: &PreparedRefresh) -> bool {
    let Ok(_one_writer) = grants::lock(inner, id).await else {
        return false;
    };
    let from = prepared.from;
    let is_valid = prepared.old.grant.is_valid(inner.now());
    let rested = inner
        .registry()
        .apply(id, Transition::Postponed { from, is_valid })
        .is_ok();
    if rested {
        grants::save_row(inner, id).await;
    }
    rested
}

async fn store(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    scopes: &Scopes,
    reply: TokenResponse,
    received: ClockReading,
) -> Result<(), AgentError> {
    let old = &prepared.old.grant;
    let lifetimes = prepared.client.provider.lifetimes();
    let narrow = reply.into_grant(prepared.from, None, scopes, lifetimes, received);
    let is_rotated = narrow
        .refresh_token
        .as_ref()
        .is_some_and(|new| Some(new) != old.refresh_token.as_ref());
    let kept = if is_rotated {
        let full = Grant {
            generation: prepared.from.next(),
            refresh_token: narrow.refresh_token.clone(),
            refresh_expires_at: narrow.refresh_expires_at.or(old.refresh_expires_at),
            ..old.clone()
        };
        store_rotated(inner, id, prepared, &full).await
    } else {
        rest(inner, id, prepared).await
    };
    let generation = if is_rotated {
        prepared.from.next()
    } else {
        prepared.from
    };
    let more = narrow.scopes.missing_from(scopes);
    if kept && !more.is_empty() {
        let reason = format!("the provider issued a token with {more} too");
        return Err(not_issued(inner, id, prepared, scopes, reason));
    }
    let is_stored = kept && {
        let mut registry = inner.registry();
        let entry = registry.get_mut(id);
        let entry = entry.filter(|entry| entry.row.state.generation == generation);
        entry.is_some_and(|entry| {
            let token = Grant {
                generation,
                refresh_token: None,
                refresh_expires_at: None,
                id_token: None,
                ..narrow.clone()
            };
            entry.narrow.put(scopes.clone(), token);
            true
        })
    };
    if is_stored {
        inner.end_backoff_of_host(&prepared.client.endpoints.token_url.host());
        return Ok(());
    }
    let account = prepared.account.as_ref();
    inner
        .revoke_unwanted(&prepared.client, account, &narrow)
        .await;
    Err(superseded(inner, id, &prepared.old))
}

/// Whether the rotated grant is kept: it is not if the connection, or its client, is another one now.
async fn store_rotated(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    full: &Grant,
) -> bool {
    let Ok(_one_writer) = grants::lock(inner, id).await else {
        return false;
    };
    if is_registered_anew(inner, &prepared.client.authenticator) {
        return false;
    }
    let from = prepared.from;
    let transition = Transition::Refreshed { from };
    let event = refreshed(inner, id, full);
    let live = grants::commit(inner, id, transition, |_| {}, full, event).await;
    live.is_some()
}

/// The provider issues no token with these scopes alone, which is remembered for a while.
fn not_issued(
    inner: &Inner,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    scopes: &Scopes,
    reason: String,
) -> AgentError {
    let now = inner.now();
    if let Some(entry) = inner.registry().get_mut(id) {
        entry.narrow.refuse(scopes, &reason, now);
    }
    AgentError::NotNarrowable {
        connection: prepared.old.full_name(),
        reason: Some(reason),
    }
}

/// Another login, or none, has taken the place of the one that was asked with.
fn superseded(inner: &Inner, id: ConnectionId, old: &LiveGrant) -> AgentError {
    let registry = inner.registry();
    match registry.get(id) {
        Some(_) => AgentError::ProviderUnreachable {
            reason: format!("`{}` was signed in again meanwhile", old.connection),
            retry_after: Some(MIN_RETRY_DELAY),
            bad_certificate: false,
        },
        None => AgentError::no_connection(id),
    }
}
