//! All that must be well before a refresh is sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use valetkey_core::connection::{RefreshErrorKind, Subject};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::scope::Scopes;

use super::failure::postpone;
use super::load;
use super::saving::{save_row_or, store_unsaved_one};
use crate::agent::Inner;
use crate::book::{LiveGrant, Look, Want};
use crate::client::Client;
use crate::error::AgentError;

/// What a flight takes along: enough to refresh without the book.
pub(super) struct Ticket {
    pub(super) client: Client,
    pub(super) old: Arc<LiveGrant>,
    pub(super) from: Generation,
    /// Before the refresh began.
    pub(super) was: Status,
    pub(super) asked: Scopes,
    pub(super) account: Option<Subject>,
    pub(super) gate: Arc<tokio::sync::Mutex<()>>,
}

/// How a flight begins.
pub(super) enum Begun {
    /// The row says `refreshing`: the request may be sent.
    Ticket(Box<Ticket>),
    /// While the flight waited for its turn, a sign-in brought this: nothing needs to be sent.
    Overtaken(Arc<LiveGrant>),
}

/// All that must be well before anything is sent; ends with the row marked `refreshing`.
pub(super) async fn begin(inner: &Arc<Inner>, id: ConnectionId) -> Result<Begun, AgentError> {
    load(inner, id).await?;
    let (gate, from) = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        (Arc::clone(&entry.gate), entry.row.state.generation)
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
    if inner.book().apply(id, Transition::RefreshBegan).is_err() {
        return Err(AgentError::no_connection(id));
    }
    if let Err(error) = save_row_or(inner, id).await {
        // Without the mark a crash could go unnoticed: nothing is sent.
        let _ = inner.book().apply(
            id,
            Transition::Postponed {
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
        | AgentError::ProviderUnreachable { .. }
        | AgentError::Internal(_) => (RefreshErrorKind::Later, error.to_string()),
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
    let (authenticator, old, state, asked, account, gate) = {
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
            entry.row.state,
            asked,
            entry.row.account.subject.clone(),
            Arc::clone(&entry.gate),
        )
    };
    let client = Client::of(&inner.vault, authenticator).await?;
    Ok(Ticket {
        client,
        old,
        from: state.generation,
        was: state.status,
        asked,
        account,
        gate,
    })
}
