//! Storing what a refresh brought: item first, row second; and again, until it is stored.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Transition, apply};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::{Grant, StoredGrant};
use valetkey_core::id::ConnectionId;
use valetkey_vault::{GrantNotKept, VaultError};

use crate::agent::Inner;
use crate::book::LiveGrant;
use crate::error::AgentError;

/// How often an unsaved grant is offered to the keychain again.
const SAVE_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Stores a grant that just came: item first, row second. Only then does the book know it, so that
/// nobody is given a token that could still be lost. One that cannot be written is held by the book,
/// marked unsaved, which is told once.
///
/// `renewed` changes what else of the row is new. None if the connection was removed or signed in
/// again meanwhile: nobody will keep the grant, give it back. The caller holds the gate.
pub(crate) async fn keep(
    inner: &Arc<Inner>,
    id: ConnectionId,
    transition: Transition,
    renewed: impl Fn(&mut Connection),
    grant: &Grant,
) -> Option<Arc<LiveGrant>> {
    let (row, stored) = {
        let book = inner.book();
        let row = followed(&book.get(id)?.row, transition, &renewed, grant)?;
        let stored = StoredGrant {
            connection: id,
            account: row.account.clone(),
            authenticator: book.authenticator(row.authenticator)?.as_ref().clone(),
            grant: grant.clone(),
        };
        (row, stored)
    };
    let not_stored = match inner.vault.store_grant(&row, &stored).await {
        // The item is what counts; its row is mended at first use.
        Ok(()) | Err(GrantNotKept::RowNotSaved(_)) => None,
        Err(GrantNotKept::NotStored(error)) => Some(error),
        Err(GrantNotKept::StaleTransition) => return None,
    };
    let live = {
        let mut book = inner.book();
        let entry = book.get_mut(id)?;
        entry.row = followed(&entry.row, transition, &renewed, grant)?;
        entry.hold_until = None;
        entry.unsaved = not_stored.is_some();
        book.hold(id, grant.clone())?
    };
    if let Some(error) = not_stored {
        save_again_later(inner, id);
        tracing::warn!(connection = %id, %error, "new grant held in memory until it can be stored");
        let event = Event::new(EventKind::GrantUnsaved, inner.now())
            .connection(id)
            .detail(json!({ "why": error.to_string() }));
        inner.record(event).await;
    }
    Some(live)
}

/// The row as `grant` makes it; None if it comes too late.
fn followed(
    row: &Connection,
    transition: Transition,
    renewed: impl Fn(&mut Connection),
    grant: &Grant,
) -> Option<Connection> {
    let state = apply(row.state, transition).ok()?;
    let mut row = row.clone();
    renewed(&mut row);
    row.adopt(grant);
    row.state = state;
    (state.generation == grant.generation).then_some(row)
}

/// Writes the held grant: item first, row second; if it cannot be written, plans the next try. The
/// caller holds the gate.
async fn store_held(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), VaultError> {
    let Some((row, stored)) = stored_grant(inner, id) else {
        return Ok(());
    };
    match inner.vault.store_grant(&row, &stored).await {
        // The item is what counts; its row is mended at first use. A removal came first: nothing
        // is left to be kept.
        Ok(()) | Err(GrantNotKept::RowNotSaved(_) | GrantNotKept::StaleTransition) => {
            if let Some(entry) = inner.book().get_mut(id) {
                entry.unsaved = false;
            }
            Ok(())
        }
        Err(GrantNotKept::NotStored(error)) => {
            save_again_later(inner, id);
            Err(error)
        }
    }
}

fn save_again_later(inner: &Inner, id: ConnectionId) {
    let soon = freshness::add(inner.now(), SAVE_AGAIN);
    inner.book().reschedule(id, Some(soon));
    inner.alarm.notify_one();
}

/// The row and the item to be, as they stand in memory.
pub(crate) fn stored_grant(inner: &Inner, id: ConnectionId) -> Option<(Connection, StoredGrant)> {
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
    store_unsaved_one(inner, id).await
}

/// As [`store_one`]; the caller holds the gate.
pub(super) async fn store_unsaved_one(
    inner: &Arc<Inner>,
    id: ConnectionId,
) -> Result<(), AgentError> {
    if !inner.book().get(id).is_some_and(|entry| entry.unsaved) {
        return Ok(());
    }
    if let Err(error) = store_held(inner, id).await {
        return Err(AgentError::KeychainLocked(format!(
            "the last grant is not stored yet: {error}"
        )));
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

/// Writes the row as it stands; a disk that fails is reported and does not stop the work.
pub(crate) async fn save_row(inner: &Inner, id: ConnectionId) {
    if let Err(error) = save_row_or(inner, id).await {
        tracing::error!(connection = %id, %error, "row not written");
    }
}

pub(super) async fn save_row_or(inner: &Inner, id: ConnectionId) -> Result<(), AgentError> {
    let row = inner.book().get(id).map(|entry| entry.row.clone());
    if let Some(row) = row {
        inner.vault.save_connection(&row).await?;
    }
    Ok(())
}
