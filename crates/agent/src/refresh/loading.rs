//! From the keychain into memory: once, and again for an item that was missing.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::connection_state::Status;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::StoredGrant;
use valetkey_core::id::ConnectionId;
use valetkey_vault::LoadedGrant;

use crate::agent::Inner;
use crate::error::AgentError;

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
            && entry.row.state.status != Status::Removing
        {
            let was = std::mem::replace(&mut entry.row, mended).state.status;
            told = turned(was, entry.row.state.status);
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
