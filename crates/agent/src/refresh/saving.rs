//! Storing what a refresh brought: item first, row second; and again, until it is stored.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::StoredGrant;
use valetkey_core::id::ConnectionId;
use valetkey_vault::{GrantNotKept, VaultError};

use crate::agent::Inner;
use crate::error::AgentError;

/// How often an unsaved grant is offered to the keychain again.
const SAVE_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Stores a grant that just came into memory, marked unsaved. If that fails it stays there, which
/// is told once. The caller holds the gate.
pub(crate) async fn keep(inner: &Arc<Inner>, id: ConnectionId) {
    if let Err(error) = store_held(inner, id).await {
        tracing::warn!(connection = %id, %error, "new grant held in memory until it can be stored");
        let event = Event::new(EventKind::GrantUnsaved, inner.now())
            .connection(id)
            .detail(json!({ "why": error.to_string() }));
        inner.record(event).await;
    }
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
        Ok(()) | Err(GrantNotKept::RowNotSaved(_) | GrantNotKept::TooLate) => {
            if let Some(entry) = inner.book().get_mut(id) {
                entry.unsaved = false;
            }
            Ok(())
        }
        Err(GrantNotKept::NotStored(error)) => {
            inner
                .book()
                .reschedule(id, Some(freshness::add(inner.now(), SAVE_AGAIN)));
            inner.alarm.notify_one();
            Err(error)
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
