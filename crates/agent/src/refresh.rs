//! Refreshing: one at a time per connection, however many wait for it.
//!
//! The hard problem: the refresh token may rotate, so sending it twice can kill the login, and a
//! new one that is not stored is lost. The answer, in this order:
//!
//! 1. **Single flight.** Whoever finds the token stale first starts a flight, everybody else joins
//!    it. The flight is a task of its own: a caller that hangs up does not cancel it.
//! 2. The keychain must be reachable before anything is sent.
//! 3. The row says `refreshing` before the request leaves, so that a crash is noticed.
//! 4. The item is written, then the row, then the waiting callers are told.
//! 5. If the item cannot be written, the grant is held in memory, marked unsaved, served, and
//!    retried until it is stored.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::watch;
use valetkey_core::connection::{Setback, SetbackKind};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness::{self, UNCLEAR_PAUSE};
use valetkey_core::grant::StoredGrant;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::life::{Happening, Status};
use valetkey_core::refusal::RefreshOutcome;
use valetkey_core::token_reply::TokenReply;
use valetkey_vault::{GrantNotKept, LoadedGrant, failpoint};

use crate::agent::Inner;
use crate::book::{FlightEnd, LiveGrant, Look};
use crate::client::Client;
use crate::error::AgentError;

/// A caller may try again this soon after a failure that the provider put no term to.
const HOLD: SignedDuration = SignedDuration::from_secs(5);
/// How often an unsaved grant is offered to the keychain again.
const SAVE_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Brings the grant from the keychain into memory, once.
pub(crate) async fn load(inner: &Inner, id: ConnectionId) -> Result<(), AgentError> {
    let gate = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        if entry.loaded {
            return Ok(());
        }
        Arc::clone(&entry.gate)
    };
    let _one_reader = gate.lock().await;
    if inner.book().get(id).is_none_or(|entry| entry.loaded) {
        return Ok(());
    }
    let now = inner.now();
    // The vault mends a row that is older than its item: the item leads.
    let LoadedGrant { grant, mended } = inner.vault.load_grant(id, now).await?;
    {
        let mut book = inner.book();
        let Some(entry) = book.get_mut(id) else {
            return Ok(());
        };
        entry.loaded = true;
        if let Some(mended) = mended
            && entry.row.life.status != Status::Removing
        {
            entry.row = mended;
        }
        if let Some(StoredGrant { grant, .. }) = grant {
            book.hold(id, grant);
        }
        book.replan(id, now);
    }
    inner.alarm.notify_one();
    Ok(())
}

/// Waits for the connection's refresh; starts one if none is under way.
pub(crate) async fn join(inner: &Arc<Inner>, id: ConnectionId) -> FlightEnd {
    let mut flight = {
        let mut book = inner.book();
        let entry = book
            .get_mut(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        if let Some(flight) = &entry.flight {
            flight.clone()
        } else {
            let (end, flight) = watch::channel(None);
            entry.flight = Some(flight.clone());
            let inner_of_flight = Arc::clone(inner);
            inner.spawn(fly(inner_of_flight, id, end));
            flight
        }
    };
    let end = flight.wait_for(Option::is_some).await;
    match end {
        Ok(end) => end.clone().expect("waited for Some"),
        // The flight was stopped with the agent.
        Err(_) => Err(AgentError::Stopping),
    }
}

/// One refresh, from the decision to the answer.
async fn fly(inner: Arc<Inner>, id: ConnectionId, end: watch::Sender<Option<FlightEnd>>) {
    let result = attempt(&inner, id).await;
    let now = inner.now();
    {
        let mut book = inner.book();
        if let Some(entry) = book.get_mut(id) {
            entry.flight = None;
        }
        book.replan(id, now);
    }
    inner.alarm.notify_one();
    end.send_replace(Some(result));
}

/// What a flight takes along: enough to refresh without the book.
struct Ticket {
    client: Client,
    old: Arc<LiveGrant>,
    from: Generation,
    asked: valetkey_core::scope::Scopes,
    gate: Arc<tokio::sync::Mutex<()>>,
}

async fn attempt(inner: &Arc<Inner>, id: ConnectionId) -> FlightEnd {
    load(inner, id).await?;
    if let Err(error) = inner.vault.check_store().await {
        let reason = error.to_string();
        postpone(inner, id, None, SetbackKind::Later, &reason, None).await;
        return Err(error.into());
    }
    store_one(inner, id).await?;
    let ticket = ticket(inner, id).await?;
    {
        let _one_writer = ticket.gate.lock().await;
        if inner.book().step(id, Happening::RefreshBegan).is_err() {
            return Err(AgentError::no_connection(id));
        }
        if let Err(error) = save_row_or(inner, id).await {
            // Without the mark a crash could go unnoticed: nothing is sent.
            let _ = inner.book().step(
                id,
                Happening::Postponed {
                    from: ticket.from,
                    alive: ticket.old.grant.is_alive(inner.now()),
                },
            );
            return Err(error);
        }
    }
    failpoint!("refresh.marked");
    let refresh_token = ticket
        .old
        .grant
        .refresh_token
        .as_ref()
        .expect("a ticket needs a refresh token");
    let outcome = inner
        .provider_client
        .refresh(&ticket.client, refresh_token, inner.now())
        .await;
    failpoint!("refresh.answered");
    match outcome {
        RefreshOutcome::Refreshed(reply) => arrived(inner, id, &ticket, *reply).await,
        RefreshOutcome::Later { after, reason } => {
            postpone(inner, id, Some(&ticket), SetbackKind::Later, &reason, after).await;
            Err(AgentError::ProviderUnreachable {
                reason,
                retry_after: after,
            })
        }
        RefreshOutcome::Unclear { reason } => unclear(inner, id, &ticket, reason).await,
        RefreshOutcome::FixClient { reason } => {
            postpone(
                inner,
                id,
                Some(&ticket),
                SetbackKind::FixClient,
                &reason,
                None,
            )
            .await;
            Err(ticket.client.misconfigured(reason))
        }
        RefreshOutcome::SignInAgain { reason } => refused(inner, id, &ticket, reason).await,
    }
}

async fn ticket(inner: &Inner, id: ConnectionId) -> Result<Ticket, AgentError> {
    let (authenticator, old, from, asked, gate) = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        let look = book.look(id, inner.now(), Some(SignedDuration::MAX));
        let Look::Stale { .. } = look else {
            return Err(AgentError::no_connection(id));
        };
        let old = Arc::clone(
            entry
                .live
                .as_ref()
                .expect("stale means that it is in memory"),
        );
        let authenticator = book
            .authenticator(entry.row.authenticator)
            .cloned()
            .ok_or_else(|| AgentError::no_authenticator(entry.row.authenticator))?;
        let asked = entry.row.asked_scopes.clone();
        (
            authenticator,
            old,
            entry.row.life.generation,
            asked,
            Arc::clone(&entry.gate),
        )
    };
    let client = Client::of(&inner.vault, authenticator).await?;
    Ok(Ticket {
        client,
        old,
        from,
        asked,
        gate,
    })
}

/// A new grant came. It counts only if the connection still waits for it.
async fn arrived(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reply: TokenReply,
) -> FlightEnd {
    let _one_writer = ticket.gate.lock().await;
    let now = inner.now();
    let lifetime = ticket.client.provider.access_token_lifetime_seconds;
    let grant = reply.into_grant(
        ticket.from.next(),
        Some(&ticket.old.grant),
        &ticket.asked,
        lifetime.map(|seconds| SignedDuration::from_secs(seconds.into())),
        now,
    );
    let held = {
        let mut book = inner.book();
        let counts = book
            .step(id, Happening::Refreshed { from: ticket.from })
            .is_ok();
        if counts && let Some(entry) = book.get_mut(id) {
            entry.row.adopt(&grant);
            entry.hold_until = None;
            entry.unsaved = true;
        }
        if counts {
            book.hold(id, grant.clone())
        } else {
            None
        }
    };
    let Some(live) = held else {
        // Disconnected meanwhile: what arrives late must not stay alive at the provider.
        inner
            .provider_client
            .revoke(&ticket.client, &grant, now)
            .await;
        return Err(AgentError::no_connection(id));
    };
    store_held(inner, id).await;
    inner.network_works();
    let event = Event::new(EventKind::ConnectionRefreshed, now)
        .connection(id)
        .detail(json!({
            "generation": grant.generation,
            "expires_at": grant.expires_at,
        }));
    inner.record(event).await;
    tracing::debug!(connection = %live.connection, generation = %grant.generation, "refreshed");
    Ok(live)
}

/// Writes the held grant: item first, row second. The caller holds the gate.
async fn store_held(inner: &Arc<Inner>, id: ConnectionId) -> bool {
    let Some((row, stored)) = stored_grant(inner, id) else {
        return true;
    };
    match inner.vault.store_grant(&row, &stored).await {
        // The item is what counts; its row is mended at first use. A removal came first: nothing
        // is left to be kept.
        Ok(()) | Err(GrantNotKept::RowNotSaved(_) | GrantNotKept::TooLate) => {
            if let Some(entry) = inner.book().get_mut(id) {
                entry.unsaved = false;
            }
            true
        }
        Err(GrantNotKept::NotStored(error)) => {
            tracing::warn!(connection = %id, %error, "new grant held in memory until it can be stored");
            inner
                .book()
                .reschedule(id, Some(freshness::add(inner.now(), SAVE_AGAIN)));
            inner.alarm.notify_one();
            let event = Event::new(EventKind::GrantUnsaved, inner.now())
                .connection(id)
                .detail(json!({ "why": error.to_string() }));
            inner.record(event).await;
            false
        }
    }
}

/// The row and the item to be, as they stand in memory.
pub(crate) fn stored_grant(
    inner: &Inner,
    id: ConnectionId,
) -> Option<(valetkey_core::connection::Connection, StoredGrant)> {
    let book = inner.book();
    let entry = book.get(id)?;
    let live = entry.live.as_ref()?;
    let authenticator = book.authenticator(entry.row.authenticator)?;
    let stored = StoredGrant {
        connection: id,
        account: entry.row.account.clone(),
        authenticator: authenticator.as_ref().clone(),
        grant: live.grant.clone(),
    };
    Some((entry.row.clone(), stored))
}

/// Offers the unsaved grant of one connection to the keychain again.
pub(crate) async fn store_one(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), AgentError> {
    let Some(gate) = inner.book().get(id).map(|entry| Arc::clone(&entry.gate)) else {
        return Ok(());
    };
    let _one_writer = gate.lock().await;
    if !inner.book().get(id).is_some_and(|entry| entry.unsaved) {
        return Ok(());
    }
    if !store_held(inner, id).await {
        return Err(AgentError::KeychainLocked(
            "the last grant is not stored yet".to_owned(),
        ));
    }
    let event = Event::new(EventKind::GrantSaved, inner.now()).connection(id);
    inner.record(event).await;
    Ok(())
}

/// Before stop: every held grant gets a last chance.
pub(crate) async fn store_unsaved(inner: &Arc<Inner>) {
    let unsaved: Vec<ConnectionId> = inner
        .book()
        .entries()
        .filter(|entry| entry.unsaved)
        .map(|entry| entry.row.id)
        .collect();
    for id in unsaved {
        if store_one(inner, id).await.is_err() {
            tracing::error!(connection = %id, "a grant could not be stored before the stop");
        }
    }
}

/// A refusal that nobody understands is asked about once more, minutes later; then it counts.
async fn unclear(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reason: String,
) -> FlightEnd {
    let again = {
        let book = inner.book();
        let setback = book.get(id).and_then(|entry| entry.row.setback.as_ref());
        setback.is_some_and(|setback| setback.kind == SetbackKind::Unclear)
    };
    if again {
        return refused(inner, id, ticket, reason).await;
    }
    let after = Some(UNCLEAR_PAUSE);
    postpone(
        inner,
        id,
        Some(ticket),
        SetbackKind::Unclear,
        &reason,
        after,
    )
    .await;
    Err(AgentError::ProviderUnreachable {
        reason,
        retry_after: after,
    })
}

/// The provider refused the grant for good.
async fn refused(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reason: String,
) -> FlightEnd {
    let now = inner.now();
    let _one_writer = ticket.gate.lock().await;
    let turned = {
        let mut book = inner.book();
        let turned = book
            .step(id, Happening::Refused { from: ticket.from })
            .is_ok();
        if turned && let Some(entry) = book.get_mut(id) {
            entry.row.setback = Some(Setback {
                kind: SetbackKind::SignInAgain,
                reason: reason.clone(),
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
        tracing::info!(connection = %ticket.old.connection, %reason, "sign in again");
    }
    let connection = ticket.old.connection.clone();
    Err(AgentError::AuthRequired {
        connection,
        again: true,
        reason: Some(reason),
    })
}

/// Not now: the login stays, the old token is served while it lives, the alarm tries again.
async fn postpone(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: Option<&Ticket>,
    kind: SetbackKind,
    reason: &str,
    wished: Option<SignedDuration>,
) {
    let now = inner.now();
    let first = {
        let mut book = inner.book();
        if let Some(ticket) = ticket {
            let alive = ticket.old.grant.is_alive(now);
            if book
                .step(
                    id,
                    Happening::Postponed {
                        from: ticket.from,
                        alive,
                    },
                )
                .is_err()
            {
                return;
            }
        }
        let Some(entry) = book.get_mut(id) else {
            return;
        };
        let waits_already = entry.row.setback.as_ref().is_some_and(|old| {
            old.kind == kind && old.reason == reason && old.retry_at.is_some_and(|at| at > now)
        });
        if ticket.is_none() && waits_already {
            return;
        }
        let attempts = entry
            .row
            .setback
            .as_ref()
            .map_or(0, |setback| setback.attempts)
            + 1;
        let pause = freshness::backoff(attempts, wished, crate::random::fraction());
        let retry_at = match kind {
            SetbackKind::Later | SetbackKind::Unclear => Some(freshness::add(now, pause)),
            SetbackKind::FixClient | SetbackKind::SignInAgain => None,
        };
        entry.hold_until = match kind {
            SetbackKind::FixClient => Some(freshness::add(now, HOLD)),
            _ if ticket.is_none() => None,
            _ => Some(freshness::add(now, wished.unwrap_or(HOLD))),
        };
        let first = entry
            .row
            .setback
            .as_ref()
            .is_none_or(|old| old.kind != kind);
        let reason = reason.to_owned();
        entry.row.setback = Some(Setback {
            kind,
            reason,
            at: now,
            attempts,
            retry_at,
        });
        first
    };
    save_row(inner, id).await;
    tracing::warn!(connection = %id, kind = kind.as_str(), reason, "refresh postponed");
    if first {
        let word = match kind {
            SetbackKind::FixClient => EventKind::ConnectionMisconfigured,
            SetbackKind::Later | SetbackKind::Unclear | SetbackKind::SignInAgain => {
                EventKind::ConnectionPostponed
            }
        };
        let event = Event::new(word, now)
            .connection(id)
            .detail(json!({ "why": reason }));
        inner.record(event).await;
    }
}

/// Writes the row as it stands; a disk that fails is reported and does not stop the work.
pub(crate) async fn save_row(inner: &Inner, id: ConnectionId) {
    if let Err(error) = save_row_or(inner, id).await {
        tracing::error!(connection = %id, %error, "row not written");
    }
}

async fn save_row_or(inner: &Inner, id: ConnectionId) -> Result<(), AgentError> {
    let row = inner.book().get(id).map(|entry| entry.row.clone());
    if let Some(row) = row {
        inner.vault.save_connection(&row).await?;
    }
    Ok(())
}

impl Inner {
    /// A provider answered: what waits only for the network need not wait any longer.
    pub(crate) fn network_works(&self) {
        let now = self.now();
        let mut book = self.book();
        let waiting: Vec<ConnectionId> = book
            .entries()
            .filter(|entry| {
                let setback = entry.row.setback.as_ref();
                setback.is_some_and(|s| s.kind == SetbackKind::Later && s.retry_at.is_some())
                    && entry.hold_until.is_none_or(|until| until <= now)
                    && entry.flight.is_none()
            })
            .map(|entry| entry.row.id)
            .collect();
        for id in waiting {
            book.reschedule(id, Some(now));
        }
        drop(book);
        self.alarm.notify_one();
    }
}
