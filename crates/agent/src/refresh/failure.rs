//! Refreshes that brought nothing: not now, not understood, or never again.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::connection::{RefreshError, RefreshErrorKind};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness::{self, UNCLEAR_RETRY_DELAY};
use valetkey_core::id::{ConnectionId, Generation};

use super::Ticket;
use super::saving::save_row;
use crate::agent::Inner;
use crate::book::FlightEnd;
use crate::error::AgentError;
use crate::protocol::{NoAnswer, Unreachable};

/// A caller may try again this soon after a failure that the provider put no term to.
pub(crate) const HOLD: SignedDuration = SignedDuration::from_secs(5);

/// A refusal that nobody understands is asked about once more, minutes later; then it counts.
pub(super) async fn unclear(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reason: String,
) -> FlightEnd {
    let again = {
        let book = inner.book();
        let refresh_error = book
            .get(id)
            .and_then(|entry| entry.row.refresh_error.as_ref());
        refresh_error.is_some_and(|refresh_error| refresh_error.kind == RefreshErrorKind::Unclear)
    };
    if again {
        return refused(inner, id, ticket, reason).await;
    }
    let after = Some(UNCLEAR_RETRY_DELAY);
    postpone(
        inner,
        id,
        Some(ticket),
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

/// No answer came, or none from the provider itself.
pub(super) async fn unanswered(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    no_answer: Unreachable,
) -> FlightEnd {
    let Unreachable { reason, kind } = no_answer;
    let kind = match kind {
        NoAnswer::BadCertificate => RefreshErrorKind::BadCertificate,
        NoAnswer::NotSent | NoAnswer::Lost | NoAnswer::TooLarge => RefreshErrorKind::Later,
    };
    postpone(inner, id, Some(ticket), kind, &reason, None).await;
    Err(AgentError::ProviderUnreachable {
        reason,
        retry_after: Some(HOLD),
        bad_certificate: kind == RefreshErrorKind::BadCertificate,
    })
}

/// The provider refused the grant for good.
pub(super) async fn refused(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reason: String,
) -> FlightEnd {
    sign_in_again(inner, id, ticket.from, &reason).await;
    let connection = ticket.old.connection.clone();
    Err(AgentError::AuthRequired {
        connection,
        again: true,
        reason: Some(reason),
    })
}

/// Nothing but a sign-in brings another token. False if the grant `from` is no longer the current one.
pub(crate) async fn sign_in_again(
    inner: &Inner,
    id: ConnectionId,
    from: Generation,
    reason: &str,
) -> bool {
    let now = inner.now();
    let Some(gate) = inner.book().get(id).map(|entry| Arc::clone(&entry.gate)) else {
        return false;
    };
    let _one_writer = gate.lock().await;
    let turned = {
        let mut book = inner.book();
        let turned = book.apply(id, Transition::Refused { from }).is_ok();
        if turned && let Some(entry) = book.get_mut(id) {
            entry.row.refresh_error = Some(RefreshError {
                kind: RefreshErrorKind::SignInAgain,
                reason: reason.to_owned(),
                at: now,
                attempts: 1,
                retry_at: None,
            });
        }
        turned
    };
    if turned {
        save_row(inner, id).await;
        let event = Event::new(EventKind::ConnectionNeedsReconnect, now)
            .connection(id)
            .detail(json!({ "why": reason }));
        inner.record(event).await;
        tracing::info!(connection = %id, reason, "sign in again");
    }
    turned
}

/// Not now: the login stays, the old token is served while it lives, the alarm tries again.
pub(super) async fn postpone(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: Option<&Ticket>,
    kind: RefreshErrorKind,
    reason: &str,
    wished: Option<SignedDuration>,
) {
    let now = inner.now();
    let (first, ended) = {
        let mut book = inner.book();
        let ended = if let Some(ticket) = ticket {
            let alive = ticket.old.grant.is_alive(now);
            let from = ticket.from;
            if book
                .apply(id, Transition::Postponed { from, alive })
                .is_err()
            {
                return;
            }
            !alive && ticket.was == Status::Active
        } else {
            let end = book.get(id).and_then(|entry| entry.row.expires_at);
            end.is_some_and(|end| end <= now) && book.apply(id, Transition::Ended).is_ok()
        };
        let Some(entry) = book.get_mut(id) else {
            return;
        };
        let waits_already = entry.row.refresh_error.as_ref().is_some_and(|old| {
            old.kind == kind && old.reason == reason && old.retry_at.is_some_and(|at| at > now)
        });
        if ticket.is_none() && waits_already && !ended {
            return;
        }
        let attempts = entry
            .row
            .refresh_error
            .as_ref()
            .map_or(0, |refresh_error| refresh_error.attempts)
            + 1;
        let pause = freshness::backoff(attempts, wished, crate::random::fraction());
        let retry_at = match kind {
            RefreshErrorKind::Later
            | RefreshErrorKind::BadCertificate
            | RefreshErrorKind::Unclear => Some(freshness::add(now, pause)),
            RefreshErrorKind::FixClient | RefreshErrorKind::SignInAgain => None,
        };
        entry.hold_until = match kind {
            RefreshErrorKind::FixClient => Some(freshness::add(now, HOLD)),
            _ if ticket.is_none() => None,
            _ => Some(freshness::add(now, wished.unwrap_or(HOLD))),
        };
        let first = entry
            .row
            .refresh_error
            .as_ref()
            .is_none_or(|old| old.kind != kind);
        let reason = reason.to_owned();
        entry.row.refresh_error = Some(RefreshError {
            kind,
            reason,
            at: now,
            attempts,
            retry_at,
        });
        (first, ended)
    };
    save_row(inner, id).await;
    tracing::warn!(connection = %id, kind = kind.as_str(), reason, "refresh postponed");
    if first {
        let word = match kind {
            RefreshErrorKind::FixClient => EventKind::ConnectionMisconfigured,
            RefreshErrorKind::Later
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
}

impl Inner {
    /// A provider answered: what waits only for the network need not wait any longer.
    pub(crate) fn network_works(&self) {
        let now = self.now();
        let mut book = self.book();
        let waiting: Vec<_> = book
            .entries()
            .filter(|entry| {
                let refresh_error = entry.row.refresh_error.as_ref();
                let by_network = |kind| {
                    matches!(
                        kind,
                        RefreshErrorKind::Later | RefreshErrorKind::BadCertificate
                    )
                };
                refresh_error.is_some_and(|s| by_network(s.kind) && s.retry_at.is_some())
                    && entry.flight.is_none()
            })
            .map(|entry| {
                let held = entry.hold_until.filter(|until| *until > now);
                (entry.row.id, held.unwrap_or(now))
            })
            .collect();
        for (id, due) in waiting {
            book.reschedule(id, Some(due));
        }
        drop(book);
        self.alarm.notify_one();
    }
}
