//! Refreshing: one at a time per connection, however many callers wait for it.
//!
//! The hard problem: the refresh token may rotate, so sending it twice can end the login, and a new
//! one that is not stored is lost. The answer, in this order:
//!
//! 1. **Single flight.** The first caller that finds the token stale starts the refresh, all others
//!    join it. It is a task of its own: a caller that hangs up, or is told to try later because the
//!    provider hangs, does not cancel it, and whoever asks again joins the same refresh.
//! 2. The keychain must be reachable before anything is sent.
//! 3. The row says `refreshing` before the request leaves, so that a crash is noticed.
//! 4. The item is written, then the row, and only then does the registry know the new grant: a
//!    caller that comes meanwhile gets the old token while it is valid, or waits like all others.
//! 5. If the item cannot be written, the grant is held in memory, marked unsaved, served, and
//!    retried until it is stored.

mod direct;
mod failure;
mod narrow;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::sync::{OwnedMutexGuard, watch};
use valetkey_core::account::Subject;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::Grant;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::RefreshOutcome;
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::failpoint;

use crate::client::Client;
use crate::error::AgentError;
use crate::grants;
use crate::key::AuthenticatorKey;
use crate::protocol::ProofKey;
use crate::registry::{Entry, LiveGrant, RefreshResult, Requirement, TokenLookup};
use crate::state::Inner;
use direct::{is_current, request, subject_token};
use failure::{not_sent, postpone, refused, unanswered, unclear, without_subject};

pub(crate) use failure::{
    MIN_RETRY_DELAY, is_transient, outdated, refuse_locked, sign_in_again, sign_in_required,
};
pub(crate) use narrow::join as join_narrow;

/// Waits for the connection's refresh; starts one if none is running and `from` is still the newest
/// grant: what another caller's refresh brought meanwhile is not refreshed again.
pub(crate) async fn join(inner: &Arc<Inner>, id: ConnectionId, from: Generation) -> RefreshResult {
    let mut refresh_task = {
        let mut registry = inner.registry();
        let entry = registry
            .get_mut(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        if let Some(refresh_task) = &entry.refresh_task {
            refresh_task.clone()
        } else if let Some(newer) = newer_than(entry, from) {
            return Ok(newer);
        } else if inner.stopping.load(Ordering::SeqCst) {
            return Err(AgentError::Stopping);
        } else {
            let (end, refresh_task) = watch::channel(None);
            entry.refresh_task = Some(refresh_task.clone());
            let inner_of_task = Arc::clone(inner);
            inner.run(run_refresh(inner_of_task, id, from, end));
            refresh_task
        }
    };
    let end = refresh_task.wait_for(Option::is_some).await;
    match end {
        Ok(end) => end.clone().expect("waited for Some"),
        // The refresh was aborted by the stop of the agent.
        Err(_) => Err(AgentError::Stopping),
    }
}

/// One refresh, from the decision to the answer.
async fn run_refresh(
    inner: Arc<Inner>,
    id: ConnectionId,
    from: Generation,
    end: watch::Sender<Option<RefreshResult>>,
) {
    let result = attempt(&inner, id, from).await;
    let now = inner.now();
    {
        let mut registry = inner.registry();
        if let Some(entry) = registry.get_mut(id) {
            entry.refresh_task = None;
        }
        registry.replan(id, now);
    }
    inner.schedule_changed.notify_one();
    end.send_replace(Some(result));
    grants::forget_later(&inner, id);
}

/// Waits until no other request with the connection's refresh token is under way, and keeps others out.
async fn token_request(inner: &Inner, id: ConnectionId) -> Result<OwnedMutexGuard<()>, AgentError> {
    let request_lock = {
        let registry = inner.registry();
        let entry = registry.get(id);
        let entry = entry.ok_or_else(|| AgentError::no_connection(id))?;
        Arc::clone(&entry.request_lock)
    };
    Ok(request_lock.lock_owned().await)
}

async fn attempt(inner: &Arc<Inner>, id: ConnectionId, from: Generation) -> RefreshResult {
    let subject = match subject_token(inner, id).await {
        Ok(subject) => subject,
        Err(error) => return without_subject(inner, id, error).await,
    };
    let _one_request = token_request(inner, id).await?;
    let prepared = match prepare(inner, id, from).await {
        Ok(Preparation::Ready(prepared)) => *prepared,
        Ok(Preparation::Superseded(live)) => return Ok(live),
        Err(error) => {
            not_sent(inner, id, &error).await;
            return Err(error);
        }
    };
    failpoint!("refresh.marked");
    let outcome = match request(inner, &prepared, subject).await {
        Ok(outcome) => outcome,
        Err(no_answer) => return unanswered(inner, id, &prepared, no_answer).await,
    };
    // `expires_in` counts from here: whoever holds the lock below may take its time.
    let received = inner.clock.reading();
    failpoint!("refresh.answered");
    let end = match outcome {
        RefreshOutcome::Refreshed(reply) => {
            store_refreshed(inner, id, &prepared, *reply, received).await
        }
        RefreshOutcome::Later { after, reason } => {
            postpone(
                inner,
                id,
                Some(&prepared),
                RefreshErrorKind::Later,
                &reason,
                after,
            )
            .await;
            Err(AgentError::ProviderUnreachable {
                reason,
                retry_after: Some(
                    after.map_or(MIN_RETRY_DELAY, |after| after.max(MIN_RETRY_DELAY)),
                ),
                bad_certificate: false,
            })
        }
        RefreshOutcome::Unclear { reason } => unclear(inner, id, &prepared, reason).await,
        RefreshOutcome::FixClient { reason } => {
            postpone(
                inner,
                id,
                Some(&prepared),
                RefreshErrorKind::FixClient,
                &reason,
                None,
            )
            .await;
            Err(prepared.client.misconfigured(reason))
        }
        RefreshOutcome::SignInAgain { reason } => refused(inner, id, &prepared, reason).await,
    };
    match end {
        Ok(live) => Ok(live),
        Err(error) => newest(inner, id, prepared.from, error).await,
    }
}

/// What became of the old grant concerns nobody if the connection was signed in again meanwhile:
/// whoever waited gets what it holds now. A removed one is gone for them too.
async fn newest(
    inner: &Arc<Inner>,
    id: ConnectionId,
    refreshed: Generation,
    error: AgentError,
) -> RefreshResult {
    let found = {
        let registry = inner.registry();
        let entry = registry.get(id);
        if entry.is_some_and(|entry| entry.row.state.generation == refreshed) {
            return Err(error);
        }
        registry.lookup(id, inner.now(), Requirement::ValidFor(None))
    };
    match found {
        TokenLookup::Fresh(live)
        | TokenLookup::Stale {
            fallback: Some(live),
            ..
        }
        | TokenLookup::BackingOff {
            fallback: Some(live),
            ..
        } => Ok(live),
        TokenLookup::SignInRequired => Err(sign_in_required(inner, id).await),
        TokenLookup::Removed => Err(AgentError::no_connection(id)),
        TokenLookup::NotLoaded
        | TokenLookup::Stale { fallback: None, .. }
        | TokenLookup::BackingOff { fallback: None, .. } => Err(error),
    }
}

/// A new grant came. It counts only if the connection still waits for it.
async fn store_refreshed(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    reply: TokenResponse,
    received: ClockReading,
) -> RefreshResult {
    let grant = reply.into_grant(
        prepared.from.next(),
        Some(&prepared.old.grant),
        &prepared.asked,
        prepared.client.provider.lifetimes(),
        received,
    );
    let account = prepared.account.as_ref();
    let one_writer = match grants::lock(inner, id).await {
        Ok(one_writer) => one_writer,
        Err(gone) => {
            inner
                .revoke_unwanted(&prepared.client, account, &grant)
                .await;
            return Err(gone);
        }
    };
    let is_current =
        is_current(inner, prepared) && !is_registered_anew(inner, &prepared.client.authenticator);
    let transition = Transition::Refreshed {
        from: prepared.from,
    };
    let event = refreshed(inner, id, &grant);
    let kept = if is_current {
        grants::commit(inner, id, transition, |_| {}, &grant, event).await
    } else {
        None
    };
    let Some(live) = kept else {
        drop(one_writer);
        inner
            .revoke_unwanted(&prepared.client, account, &grant)
            .await;
        let reason = if is_current {
            "a new sign-in came first".to_owned()
        } else {
            let reason = "its authenticator was changed meanwhile".to_owned();
            let kind = RefreshErrorKind::Later;
            postpone(inner, id, Some(prepared), kind, &reason, None).await;
            reason
        };
        return Err(AgentError::ProviderUnreachable {
            reason,
            retry_after: Some(MIN_RETRY_DELAY),
            bad_certificate: false,
        });
    };
    if let Some(entry) = inner.registry().get_mut(id) {
        entry.refreshed = Some(grant.generation);
    }
    inner.end_backoff_of_host(&prepared.client.endpoints.token_url.host());
    tracing::debug!(connection = %live.connection, generation = %grant.generation, "refreshed");
    Ok(live)
}

/// Whether the client is another one now: what the old one has brought is for nobody.
fn is_registered_anew(inner: &Inner, refreshed: &Authenticator) -> bool {
    let registry = inner.registry();
    let current = registry.authenticator(refreshed.id);
    current.is_some_and(|current| {
        let (new, old) = (&current.overrides, &refreshed.overrides);
        new.registration != old.registration || new.issuer != old.issuer
    })
}

/// The event of a new grant.
fn refreshed(inner: &Inner, id: ConnectionId, grant: &Grant) -> Event {
    let detail = json!({ "generation": grant.generation, "expires_at": grant.expires_at });
    Event::new(EventKind::ConnectionRefreshed, inner.now())
        .connection(id)
        .detail(detail)
}

/// All that a refresh needs once it runs without the registry's lock.
struct PreparedRefresh {
    client: Client,
    old: Arc<LiveGrant>,
    from: Generation,
    /// Before the refresh began.
    was: Status,
    asked: Scopes,
    account: Option<Subject>,
}

/// The outcome of the checks before a refresh.
enum Preparation {
    /// The row says `refreshing`: the request may be sent.
    Ready(Box<PreparedRefresh>),
    /// A sign-in brought this grant meanwhile: nothing needs to be sent.
    Superseded(Arc<LiveGrant>),
}

/// The checks before a refresh is sent; ends with the row marked `refreshing`.
async fn prepare(
    inner: &Arc<Inner>,
    id: ConnectionId,
    from: Generation,
) -> Result<Preparation, AgentError> {
    let _one_writer = prepare_request(inner, id).await?;
    let newer = inner
        .registry()
        .get(id)
        .and_then(|entry| newer_than(entry, from));
    if let Some(live) = newer {
        return Ok(Preparation::Superseded(live));
    }
    let prepared = begin_request(inner, id).await?;
    Ok(Preparation::Ready(Box::new(prepared)))
}

/// The grant is in memory and stored, and the keychain can be reached. Nobody else writes meanwhile.
async fn prepare_request(
    inner: &Arc<Inner>,
    id: ConnectionId,
) -> Result<OwnedMutexGuard<()>, AgentError> {
    grants::load(inner, id).await?;
    inner.vault.check_store().await?;
    let one_writer = grants::lock(inner, id).await?;
    grants::save_unsaved_locked(inner, id).await?;
    Ok(one_writer)
}

/// Marks the row as `refreshing`; the caller holds the write lock.
async fn begin_request(
    inner: &Arc<Inner>,
    id: ConnectionId,
) -> Result<PreparedRefresh, AgentError> {
    let prepared = collect(inner, id).await?;
    if inner.stopping.load(Ordering::SeqCst) {
        return Err(AgentError::Stopping);
    }
    inner.vault.forget_interrupted(id);
    if inner
        .registry()
        .apply(id, Transition::RefreshBegan)
        .is_err()
    {
        return Err(AgentError::no_connection(id));
    }
    if let Err(error) = grants::try_save_row(inner, id).await {
        // Without the mark a crash could go unnoticed: nothing is sent.
        let _ = inner.registry().apply(
            id,
            Transition::Postponed {
                from: prepared.from,
                is_valid: prepared.old.grant.is_valid(inner.now()),
            },
        );
        return Err(error);
    }
    Ok(prepared)
}

fn newer_than(entry: &Entry, from: Generation) -> Option<Arc<LiveGrant>> {
    let live = entry.live.as_ref()?;
    (live.token_generation > from).then(|| Arc::clone(live))
}

async fn collect(inner: &Inner, id: ConnectionId) -> Result<PreparedRefresh, AgentError> {
    let (authenticator, old, state, asked, account) = {
        let registry = inner.registry();
        let entry = registry
            .get(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let requirement = Requirement::NewerThan(entry.row.state.generation);
        let found = registry.lookup(id, inner.now(), requirement);
        let (TokenLookup::Stale { .. } | TokenLookup::BackingOff { .. }) = found else {
            return Err(AgentError::no_connection(id));
        };
        let old = Arc::clone(
            entry
                .live
                .as_ref()
                .expect("stale means that it is in memory"),
        );
        let authenticator = registry
            .authenticator(entry.row.authenticator)
            .cloned()
            .ok_or_else(|| {
                AgentError::no_authenticator(&AuthenticatorKey::Id(entry.row.authenticator))
            })?;
        let asked = entry.row.asked_scopes.clone();
        (
            authenticator,
            old,
            entry.row.state,
            asked,
            entry.row.account.subject.clone(),
        )
    };
    let mut client = Client::of(&inner.vault, authenticator).await?;
    // The refresh token may be bound to it, so a refresh keeps it.
    if let Some(key) = &old.grant.dpop_key {
        let key = ProofKey::read(key);
        client.proof_key = Some(key.ok_or_else(|| {
            AgentError::Internal("the key that its tokens are bound to is damaged".to_owned())
        })?);
    }
    Ok(PreparedRefresh {
        client,
        old,
        from: state.generation,
        was: state.status,
        asked,
        account,
    })
}
