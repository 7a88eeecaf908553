//! Refreshes that brought nothing: not now, not understood, or never again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use valetkey_core::connection::{RefreshError, RefreshErrorKind};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness::{self, CLIENT_RETRY_INTERVAL, UNCLEAR_RETRY_DELAY};
use valetkey_core::id::{ConnectionId, Generation};

use super::PreparedRefresh;
use crate::error::AgentError;
use crate::grants;
use crate::protocol::{NoAnswer, Unreachable};
use crate::registry::{RefreshResult, Requirement, TokenLookup};
use crate::state::Inner;

/// A caller may try again this soon after a failure that the provider put no term to.
pub(crate) const MIN_RETRY_DELAY: SignedDuration = SignedDuration::from_secs(5);

/// As [`MIN_RETRY_DELAY`], after the first failure: one bad answer should not be noticed.
const FIRST_RETRY_DELAY: SignedDuration = SignedDuration::from_secs(1);
/// The person is told of a token endpoint that has issued nothing for this long.
const UNAVAILABLE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A refusal that nobody understands is asked about once more, minutes later; then it counts.
pub(super) async fn unclear(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    reason: String,
) -> RefreshResult {
    let again = {
        let registry = inner.registry();
        let refresh_error = registry
            .get(id)
            .and_then(|entry| entry.row.refresh_error.as_ref());
        refresh_error.is_some_and(|refresh_error| refresh_error.kind == RefreshErrorKind::Unclear)
    };
    if again && prepared.old.grant.grant_type.needs_person() {
        return refused(inner, id, prepared, reason).await;
    }
    if again {
        // No sign-in would bring more than this request.
        let kind = RefreshErrorKind::FixClient;
        postpone(inner, id, Some(prepared), kind, &reason, None).await;
        return Err(prepared.client.misconfigured(reason));
    }
    let after = Some(UNCLEAR_RETRY_DELAY);
    postpone(
        inner,
        id,
        Some(prepared),
        RefreshErrorKind::Unclear,
        &reason,
        after,
    )
    .await;
    Err(AgentError::ProviderUnreachable {
        reason,
        retry_after: after,
        bad_certificate: false,
    })
}

/// The token that is to be exchanged cannot be had: nothing is sent, the error names its connection.
pub(super) async fn without_subject(
    inner: &Arc<Inner>,
    id: ConnectionId,
    error: AgentError,
) -> RefreshResult {
    match &error {
        AgentError::ClientMisconfigured { .. } | AgentError::InvalidRequest { .. } => {
            not_sent(inner, id, &error).await;
        }
        AgentError::Stopping => {}
        _ => {
            let reason = format!("the token that it exchanges is not to be had: {error}");
            postpone(inner, id, None, RefreshErrorKind::Later, &reason, None).await;
        }
    }
    Err(error)
}

/// The authenticator asks for other tokens now, in the name of another client or account: those of this
/// connection are not renewed.
pub(crate) async fn outdated(inner: &Inner, id: ConnectionId, reason: &str) {
    let Ok(one_writer) = grants::lock(inner, id).await else {
        return;
    };
    let from = inner
        .registry()
        .get(id)
        .map(|entry| entry.row.state.generation);
    if let Some(from) = from {
        refuse_locked(inner, id, from, reason).await;
    }
    drop(one_writer);
}

/// No answer came, or none from the provider itself.
pub(super) async fn unanswered(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    no_answer: Unreachable,
) -> RefreshResult {
    let Unreachable { reason, kind } = no_answer;
    let kind = match kind {
        NoAnswer::BadCertificate => RefreshErrorKind::BadCertificate,
        NoAnswer::NotSent | NoAnswer::Lost => RefreshErrorKind::Unreachable,
        NoAnswer::TooLarge => RefreshErrorKind::Later,
    };
    postpone(inner, id, Some(prepared), kind, &reason, None).await;
    Err(AgentError::ProviderUnreachable {
        reason,
        retry_after: Some(MIN_RETRY_DELAY),
        bad_certificate: kind == RefreshErrorKind::BadCertificate,
    })
}

/// The provider refused the grant for good.
pub(super) async fn refused(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: &PreparedRefresh,
    reason: String,
) -> RefreshResult {
    sign_in_again(inner, id, prepared.from, &reason).await;
    let connection = prepared.old.full_name();
    Err(AgentError::AuthRequired {
        connection,
        again: true,
        reason: Some(reason),
        by_key: false,
    })
}

/// Nothing but a sign-in brings another token. False if the grant `from` is no longer the current one.
pub(crate) async fn sign_in_again(
    inner: &Inner,
    id: ConnectionId,
    from: Generation,
    reason: &str,
) -> bool {
    let Ok(_one_writer) = grants::lock(inner, id).await else {
        return false;
    };
    refuse_locked(inner, id, from, reason).await
}

/// The caller holds the write lock.
pub(crate) async fn refuse_locked(
    inner: &Inner,
    id: ConnectionId,
    from: Generation,
    reason: &str,
) -> bool {
    let now = inner.now();
    let turned = {
        let mut registry = inner.registry();
        let turned = registry.apply(id, Transition::Refused { from }).is_ok();
        if turned && let Some(entry) = registry.get_mut(id) {
            entry.row.refresh_error = Some(RefreshError {
                kind: RefreshErrorKind::SignInAgain,
                reason: reason.to_owned(),
                at: now,
                since: now,
                attempts: 1,
                retry_at: None,
                not_before: None,
            });
        }
        turned
    };
    if turned {
        grants::save_row(inner, id).await;
        let event = Event::new(EventKind::ConnectionNeedsReconnect, now)
            .connection(id)
            .detail(json!({ "why": reason }));
        inner.record(event).await;
        tracing::info!(connection = %id, reason, "sign in again");
    }
    turned
}

/// Not now: the login stays, the old token is served while it is valid, the scheduler tries again.
pub(super) async fn postpone(
    inner: &Arc<Inner>,
    id: ConnectionId,
    prepared: Option<&PreparedRefresh>,
    kind: RefreshErrorKind,
    reason: &str,
    wished: Option<SignedDuration>,
) {
    let now = inner.now();
    let (first, ended, unavailable) = {
        let mut registry = inner.registry();
        let ended = if let Some(prepared) = prepared {
            let is_valid = prepared.old.grant.is_valid(now);
            let from = prepared.from;
            if registry
                .apply(id, Transition::Postponed { from, is_valid })
                .is_err()
            {
                return;
            }
            !is_valid && prepared.was == Status::Active
        } else {
            let end = registry.get(id).and_then(|entry| entry.row.expires_at);
            end.is_some_and(|end| end <= now) && registry.apply(id, Transition::Ended).is_ok()
        };
        let Some(entry) = registry.get_mut(id) else {
            return;
        };
        let waits_already = entry.row.refresh_error.as_ref().is_some_and(|old| {
            old.kind == kind && old.reason == reason && old.retry_at.is_some_and(|at| at > now)
        });
        if prepared.is_none() && waits_already && !ended {
            return;
        }
        let last = entry.row.refresh_error.take();
        let attempts = last.as_ref().map_or(0, |last| last.attempts) + 1;
        let since = last.as_ref().map_or(now, |last| last.since);
        let pause = freshness::backoff(attempts, wished, crate::random::fraction());
        let retry_at = match kind {
            RefreshErrorKind::Later
            | RefreshErrorKind::Unreachable
            | RefreshErrorKind::NotStorable
            | RefreshErrorKind::BadCertificate
            | RefreshErrorKind::Unclear => Some(freshness::add(now, pause)),
            RefreshErrorKind::FixClient => Some(freshness::add(now, CLIENT_RETRY_INTERVAL)),
            RefreshErrorKind::SignInAgain => None,
        };
        let not_before = wished.map(|wished| freshness::add(now, wished.max(MIN_RETRY_DELAY)));
        entry.retry_not_before = match kind {
            RefreshErrorKind::FixClient => Some(freshness::add(now, MIN_RETRY_DELAY)),
            _ if prepared.is_none() => None,
            _ if attempts == 1 => not_before.or(Some(freshness::add(now, FIRST_RETRY_DELAY))),
            _ => not_before.or(Some(freshness::add(now, MIN_RETRY_DELAY))),
        };
        let error = RefreshError {
            kind,
            reason: reason.to_owned(),
            at: now,
            since,
            attempts,
            retry_at,
            not_before,
        };
        let first = last
            .as_ref()
            .is_none_or(|last| last.kind != kind && !(is_transient(last) && is_transient(&error)));
        let is_day_over = |at: Timestamp| at.duration_since(since) >= UNAVAILABLE_AFTER;
        let unavailable =
            is_answered(kind) && is_day_over(now) && last.is_some_and(|last| !is_day_over(last.at));
        entry.row.refresh_error = Some(error);
        (first, ended, unavailable)
    };
    grants::save_row(inner, id).await;
    tracing::warn!(connection = %id, kind = kind.as_str(), reason, "refresh postponed");
    if first {
        let word = match kind {
            RefreshErrorKind::FixClient => EventKind::ConnectionMisconfigured,
            RefreshErrorKind::Later
            | RefreshErrorKind::Unreachable
            | RefreshErrorKind::NotStorable
            | RefreshErrorKind::BadCertificate
            | RefreshErrorKind::Unclear
            | RefreshErrorKind::SignInAgain => EventKind::ConnectionPostponed,
        };
        let event = Event::new(word, now)
            .connection(id)
            .detail(json!({ "why": reason }));
        inner.record(event).await;
    }
    if ended {
        let event = Event::new(EventKind::ConnectionExpired, now).connection(id);
        inner.record(event).await;
    }
    if unavailable {
        let event = Event::new(EventKind::ConnectionUnavailable, now)
            .connection(id)
            .detail(json!({ "why": reason }));
        inner.record(event).await;
    }
}

impl Inner {
    /// A provider host answered: what backs off from this host is tried again.
    pub(crate) fn end_backoff_of_host(&self, host: &str) {
        let now = self.now();
        let mut registry = self.registry();
        let backing_off: Vec<_> = registry
            .entries()
            .filter(|entry| {
                let is_transient = entry.row.refresh_error.as_ref().is_some_and(is_transient);
                is_transient
                    && entry.refresh_task.is_none()
                    && registry.token_host(&entry.row).as_deref() == Some(host)
            })
            .map(|entry| {
                let held = entry.retry_not_before.filter(|until| *until > now);
                (entry.row.id, held.unwrap_or(now))
            })
            .collect();
        for (id, due) in backing_off {
            registry.retry_at(id, due);
        }
        drop(registry);
        self.schedule_changed.notify_one();
    }
}

/// Whether whoever was reached answered, and only its answer is missing a token. Where nobody answers,
/// it may be this machine that has no network.
fn is_answered(kind: RefreshErrorKind) -> bool {
    matches!(
        kind,
        RefreshErrorKind::Later | RefreshErrorKind::BadCertificate
    )
}

/// Whether a retry alone can succeed, without anybody's help.
pub(crate) fn is_transient(error: &RefreshError) -> bool {
    match error.kind {
        RefreshErrorKind::Later
        | RefreshErrorKind::Unreachable
        | RefreshErrorKind::NotStorable
        | RefreshErrorKind::BadCertificate => true,
        RefreshErrorKind::SignInAgain | RefreshErrorKind::FixClient | RefreshErrorKind::Unclear => {
            false
        }
    }
}

/// Nothing was sent. The scheduler waits before it tries again, or it would retry without pause.
pub(super) async fn not_sent(inner: &Arc<Inner>, id: ConnectionId, error: &AgentError) {
    let (kind, reason) = match error {
        AgentError::ClientMisconfigured { reason, .. } => {
            (RefreshErrorKind::FixClient, reason.clone())
        }
        AgentError::InvalidRequest { message, .. } => {
            (RefreshErrorKind::FixClient, message.clone())
        }
        AgentError::KeychainLocked(_)
        | AgentError::KeychainUnavailable(_)
        | AgentError::KeychainDenied(_)
        | AgentError::KeychainBroken(_)
        | AgentError::DiskFull(_)
        | AgentError::Internal(_) => (RefreshErrorKind::NotStorable, error.to_string()),
        AgentError::ProviderUnreachable { reason, .. } => {
            (RefreshErrorKind::Unreachable, reason.clone())
        }
        AgentError::NotFound { .. }
        | AgentError::AuthRequired { .. }
        | AgentError::NoClient { .. }
        | AgentError::InsufficientScope { .. }
        | AgentError::Disabled(_)
        | AgentError::ProxyOnly(_)
        | AgentError::Bound(_)
        | AgentError::NotRefreshable(_)
        | AgentError::NotNarrowable { .. }
        | AgentError::BadDraft(_)
        | AgentError::Conflict { .. }
        | AgentError::Paused
        | AgentError::RateLimited { .. }
        | AgentError::NotAllowed(_)
        | AgentError::NotConfirmed { .. }
        | AgentError::ServerUnreachable { .. }
        | AgentError::RegistrationLeft { .. }
        | AgentError::Stopping => return,
    };
    if inner.registry().get(id).is_some_and(|entry| entry.unsaved) {
        // A retry is planned already, for the grant that is not stored yet.
        return;
    }
    postpone(inner, id, None, kind, &reason, None).await;
}

/// Only a sign-in brings another token: marks and records that, once. Runs to its end.
pub(crate) async fn sign_in_required(inner: &Arc<Inner>, id: ConnectionId) -> AgentError {
    let task_inner = Arc::clone(inner);
    let marked = inner.run(async move { mark_sign_in_required(&task_inner, id).await });
    marked.await.unwrap_or_else(|stopping| stopping)
}

async fn mark_sign_in_required(inner: &Inner, id: ConnectionId) -> AgentError {
    let _one_writer = match grants::lock(inner, id).await {
        Ok(guard) => guard,
        Err(removed) => return removed,
    };
    let now = inner.now();
    let changed = {
        let mut registry = inner.registry();
        let found = registry.lookup(id, now, Requirement::ValidFor(None));
        let (TokenLookup::SignInRequired, Some(entry)) = (found, registry.get(id)) else {
            return AgentError::ProviderUnreachable {
                reason: "the connection changed meanwhile".to_owned(),
                retry_after: Some(MIN_RETRY_DELAY),
                bad_certificate: false,
            };
        };
        let (state, missing) = (entry.row.state, entry.live.is_none());
        let transition = match state.status {
            Status::NeedsReconnect | Status::Connecting | Status::Removing => None,
            Status::Active | Status::Refreshing | Status::Expired if missing => {
                Some(Transition::ItemLost)
            }
            Status::Active | Status::Refreshing | Status::Expired => Some(Transition::Refused {
                from: state.generation,
            }),
        };
        transition.is_some_and(|transition| registry.apply(id, transition).is_ok())
    };
    if changed {
        grants::save_row(inner, id).await;
        let event = Event::new(EventKind::ConnectionNeedsReconnect, now).connection(id);
        inner.record(event).await;
    }
    let registry = inner.registry();
    registry.get(id).map_or_else(
        || AgentError::no_connection(id),
        |entry| registry.auth_required(&entry.row),
    )
}
