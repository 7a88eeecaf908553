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

mod saving;
mod setback;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::watch;
use valetkey_core::connection::{SetbackKind, Subject};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::StoredGrant;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::life::{Happening, Status};
use valetkey_core::refusal::RefreshOutcome;
use valetkey_core::token_reply::TokenReply;
use valetkey_vault::{LoadedGrant, failpoint};

use crate::agent::Inner;
use crate::book::{FlightEnd, LiveGrant, Look, Want};
use crate::client::Client;
use crate::error::AgentError;
use saving::{save_row_or, store_unsaved_one};
use setback::{postpone, refused, unanswered, unclear};

pub(crate) use saving::{keep, save_row, store_one, store_unsaved, stored_grant};
pub(crate) use setback::{HOLD, sign_in_again};

/// A missing item is looked for again after this long: whoever asks for its token in a loop shall not
/// keep the keychain busy.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Brings the grant from the keychain into memory, once; looks again for one that was missing.
pub(crate) async fn load(inner: &Inner, id: ConnectionId) -> Result<(), AgentError> {
    let gate = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        if entry.is_loaded(inner.now()) {
            return Ok(());
        }
        Arc::clone(&entry.gate)
    };
    let _one_reader = gate.lock().await;
    let now = inner.now();
    if inner
        .book()
        .get(id)
        .is_none_or(|entry| entry.is_loaded(now))
    {
        return Ok(());
    }
    // The vault mends a row that is older than its item: the item leads.
    let LoadedGrant { grant, mended } = inner.vault.load_grant(id, now).await?;
    let told = {
        let mut book = inner.book();
        let Some(entry) = book.get_mut(id) else {
            return Ok(());
        };
        entry.asked_until = Some(freshness::add(now, LOOK_AGAIN));
        let mut told = None;
        if let Some(mended) = mended
            && entry.row.life.status != Status::Removing
        {
            let was = std::mem::replace(&mut entry.row, mended).life.status;
            told = turned(was, entry.row.life.status);
        }
        if let Some(StoredGrant { grant, .. }) = grant {
            book.hold(id, grant);
        }
        book.replan(id, now);
        told
    };
    inner.alarm.notify_one();
    if let Some((kind, why)) = told {
        tracing::info!(connection = %id, why, "the keychain leads");
        let event = Event::new(kind, now)
            .connection(id)
            .detail(json!({ "why": why }));
        inner.record(event).await;
    }
    Ok(())
}

/// What a person is told when the keychain item changes where a connection stands.
fn turned(was: Status, is: Status) -> Option<(EventKind, &'static str)> {
    let lost = |status| status == Status::NeedsReconnect;
    match (lost(was), lost(is)) {
        (false, true) => Some((
            EventKind::ConnectionNeedsReconnect,
            "its keychain item is gone or cannot be read",
        )),
        (true, false) => Some((
            EventKind::ConnectionAdopted,
            "its keychain item was found again",
        )),
        (true, true) | (false, false) => None,
    }
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

/// What a flight takes along: enough to refresh without the book.
struct Ticket {
    client: Client,
    old: Arc<LiveGrant>,
    from: Generation,
    /// Before the refresh began.
    was: Status,
    asked: valetkey_core::scope::Scopes,
    account: Option<Subject>,
    gate: Arc<tokio::sync::Mutex<()>>,
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
            postpone(inner, id, Some(&ticket), SetbackKind::Later, &reason, after).await;
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
                SetbackKind::FixClient,
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
        if entry.is_some_and(|entry| entry.row.life.generation == refreshed) {
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

/// How a flight begins.
enum Begun {
    /// The row says `refreshing`: the request may be sent.
    Ticket(Box<Ticket>),
    /// While the flight waited for its turn, a sign-in brought this: nothing needs to be sent.
    Overtaken(Arc<LiveGrant>),
}

/// All that must be well before anything is sent; ends with the row marked `refreshing`.
async fn begin(inner: &Arc<Inner>, id: ConnectionId) -> Result<Begun, AgentError> {
    load(inner, id).await?;
    let (gate, from) = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        (Arc::clone(&entry.gate), entry.row.life.generation)
    };
    inner.vault.check_store().await?;
    let _one_writer = gate.lock().await;
    store_unsaved_one(inner, id).await?;
    if let Some(live) = newer_than(inner, id, from) {
        return Ok(Begun::Overtaken(live));
    }
    let ticket = ticket(inner, id).await?;
    if inner.stopping.load(Ordering::SeqCst) {
        return Err(AgentError::Stopping);
    }
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
    Ok(Begun::Ticket(Box::new(ticket)))
}

fn newer_than(inner: &Inner, id: ConnectionId, from: Generation) -> Option<Arc<LiveGrant>> {
    let book = inner.book();
    let live = book.get(id)?.live.as_ref()?;
    (live.grant.generation > from).then(|| Arc::clone(live))
}

/// Nothing was sent. The alarm waits before it tries again, or it would ring without pause.
async fn not_sent(inner: &Arc<Inner>, id: ConnectionId, error: &AgentError) {
    let (kind, reason) = match error {
        AgentError::ClientMisconfigured { reason, .. } => (SetbackKind::FixClient, reason.clone()),
        AgentError::InvalidRequest { message, .. } => (SetbackKind::FixClient, message.clone()),
        AgentError::KeychainLocked(_)
        | AgentError::KeychainUnavailable(_)
        | AgentError::KeychainDenied(_)
        | AgentError::KeychainBroken(_)
        | AgentError::ProviderUnreachable { .. }
        | AgentError::Internal(_) => (SetbackKind::Later, error.to_string()),
        AgentError::NotFound { .. }
        | AgentError::AuthRequired { .. }
        | AgentError::InsufficientScope { .. }
        | AgentError::Disabled(_)
        | AgentError::NotRefreshable(_)
        | AgentError::BadDraft(_)
        | AgentError::Conflict { .. }
        | AgentError::Paused
        | AgentError::RateLimited
        | AgentError::Stopping => return,
    };
    if inner.book().get(id).is_some_and(|entry| entry.unsaved) {
        // Its own alarm rings for the grant that is not stored yet.
        return;
    }
    postpone(inner, id, None, kind, &reason, None).await;
}

async fn ticket(inner: &Inner, id: ConnectionId) -> Result<Ticket, AgentError> {
    let (authenticator, old, life, asked, account, gate) = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        let look = book.look(id, inner.now(), Want::Newer);
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
            entry.row.life,
            asked,
            entry.row.account.subject.clone(),
            Arc::clone(&entry.gate),
        )
    };
    let client = Client::of(&inner.vault, authenticator).await?;
    Ok(Ticket {
        client,
        old,
        from: life.generation,
        was: life.status,
        asked,
        account,
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
    let happening = Happening::Refreshed { from: ticket.from };
    let Some(live) = keep(inner, id, happening, |_| {}, &grant).await else {
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
