//! Refreshing: one at a time per connection, however many wait for it.
//!
//! The hard problem: the refresh token may rotate, so sending it twice can kill the login, and a
//! new one that is not stored is lost. The answer, in this order:
//!
//! 1. **Single flight.** Whoever finds the token stale first starts a flight, everybody else joins
//!    it. The flight is a task of its own: a caller that hangs up, or is told to try later because
//!    the provider hangs, does not cancel it, and whoever asks again joins the same flight.
//! 2. The keychain must be reachable before anything is sent.
//! 3. The row says `refreshing` before the request leaves, so that a crash is noticed.
//! 4. The item is written, then the row, and only then does the book know the new grant: whoever
//!    comes meanwhile gets the old token while it lives, or waits like everybody.
//! 5. If the item cannot be written, the grant is held in memory, marked unsaved, served, and
//!    retried until it is stored.

mod failure;
mod loading;
mod saving;
mod start;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::watch;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::Transition;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::token_error::RefreshOutcome;
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::failpoint;

use crate::agent::Inner;
use crate::book::{FlightEnd, Look, Want};
use crate::error::AgentError;
use failure::{postpone, refused, unanswered, unclear};
use start::{Begun, Ticket, begin, not_sent};

pub(crate) use failure::{HOLD, sign_in_again};
pub(crate) use loading::load;
pub(crate) use saving::{keep, save_row, store_one, store_unsaved, stored_grant};

/// Waits for the connection's refresh; starts one if none is under way.
pub(crate) async fn join(inner: &Arc<Inner>, id: ConnectionId) -> FlightEnd {
    let mut flight = {
        let mut book = inner.book();
        let entry = book
            .get_mut(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        if let Some(flight) = &entry.flight {
            flight.clone()
        } else if inner.stopping.load(Ordering::SeqCst) {
            return Err(AgentError::Stopping);
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

async fn attempt(inner: &Arc<Inner>, id: ConnectionId) -> FlightEnd {
    let ticket = match begin(inner, id).await {
        Ok(Begun::Ticket(ticket)) => *ticket,
        Ok(Begun::Overtaken(live)) => return Ok(live),
        Err(error) => {
            not_sent(inner, id, &error).await;
            return Err(error);
        }
    };
    failpoint!("refresh.marked");
    let refresh_token = ticket
        .old
        .grant
        .refresh_token
        .as_ref()
        .expect("a ticket needs a refresh token");
    let answered = inner
        .provider_client
        .refresh(
            &ticket.client,
            refresh_token,
            ticket.old.grant.id_token.as_ref(),
            inner.now(),
        )
        .await;
    let outcome = match answered {
        Ok(outcome) => outcome,
        Err(no_answer) => return unanswered(inner, id, &ticket, no_answer).await,
    };
    failpoint!("refresh.answered");
    let end = match outcome {
        RefreshOutcome::Refreshed(reply) => arrived(inner, id, &ticket, *reply).await,
        RefreshOutcome::Later { after, reason } => {
            postpone(
                inner,
                id,
                Some(&ticket),
                RefreshErrorKind::Later,
                &reason,
                after,
            )
            .await;
            Err(AgentError::ProviderUnreachable {
                reason,
                retry_after: Some(after.unwrap_or(HOLD)),
                bad_certificate: false,
            })
        }
        RefreshOutcome::Unclear { reason } => unclear(inner, id, &ticket, reason).await,
        RefreshOutcome::FixClient { reason } => {
            postpone(
                inner,
                id,
                Some(&ticket),
                RefreshErrorKind::FixClient,
                &reason,
                None,
            )
            .await;
            Err(ticket.client.misconfigured(reason))
        }
        RefreshOutcome::SignInAgain { reason } => refused(inner, id, &ticket, reason).await,
    };
    match end {
        Ok(live) => Ok(live),
        Err(error) => newest(inner, id, ticket.from, error).await,
    }
}

/// What became of the old grant concerns nobody if the connection was signed in again meanwhile:
/// whoever waited gets what it holds now. A removed one is gone for them too.
async fn newest(
    inner: &Arc<Inner>,
    id: ConnectionId,
    refreshed: Generation,
    error: AgentError,
) -> FlightEnd {
    let look = {
        let book = inner.book();
        let entry = book.get(id);
        if entry.is_some_and(|entry| entry.row.state.generation == refreshed) {
            return Err(error);
        }
        book.look(id, inner.now(), Want::Living(None))
    };
    match look {
        Look::Fresh(live)
        | Look::Stale {
            fallback: Some(live),
        }
        | Look::Held {
            fallback: Some(live),
            ..
        } => Ok(live),
        Look::SignIn => Err(inner.sign_in_needed(id).await),
        Look::Gone => Err(AgentError::no_connection(id)),
        Look::NotLoaded | Look::Stale { fallback: None } | Look::Held { fallback: None, .. } => {
            Err(error)
        }
    }
}

/// A new grant came. It counts only if the connection still waits for it.
async fn arrived(
    inner: &Arc<Inner>,
    id: ConnectionId,
    ticket: &Ticket,
    reply: TokenResponse,
) -> FlightEnd {
    let one_writer = ticket.gate.lock().await;
    let now = inner.now();
    let lifetime = ticket.client.provider.access_token_lifetime_seconds;
    let grant = reply.into_grant(
        ticket.from.next(),
        Some(&ticket.old.grant),
        &ticket.asked,
        lifetime.map(|seconds| SignedDuration::from_secs(seconds.into())),
        now,
    );
    let transition = Transition::Refreshed { from: ticket.from };
    let Some(live) = keep(inner, id, transition, |_| {}, &grant).await else {
        drop(one_writer);
        let account = ticket.account.as_ref();
        inner.give_back(&ticket.client, account, &grant).await;
        return Err(AgentError::ProviderUnreachable {
            reason: "a new sign-in came first".to_owned(),
            retry_after: Some(HOLD),
            bad_certificate: false,
        });
    };
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
