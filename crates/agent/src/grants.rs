//! Grants between memory and keychain: loaded at first use, stored whole when they arrive, retried
//! until they are stored.
//!
//! The keychain leads: the item is written first, the row second, and only then does the registry
//! know the new grant, so that nobody is given a token that could still be lost. Every writer of a
//! connection's item or row holds its [`lock`].
//!
//! While the agent is paused, memory holds only what is not stored yet and what a refresh or a removal
//! needs ([`forget_all`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::OwnedMutexGuard;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Status, Transition, apply};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::Grant;
use valetkey_core::id::ConnectionId;
use valetkey_core::stored_grant::StoredGrant;
use valetkey_vault::{GrantNotKept, LoadedGrant, VaultError};

use crate::error::AgentError;
use crate::registry::{ConnectionRegistry, Entry, LiveGrant};
use crate::state::Inner;

/// A missing item is looked for again after this long: whoever asks for its token in a loop shall not
/// keep the keychain busy.
const RECHECK_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// How often an unsaved grant is offered to the keychain again.
const SAVE_RETRY_DELAY: SignedDuration = SignedDuration::from_secs(5);

/// The connection's write lock: one task at a time writes its item and row.
pub(crate) async fn lock(
    inner: &Inner,
    id: ConnectionId,
) -> Result<OwnedMutexGuard<()>, AgentError> {
    let write_lock = {
        let registry = inner.registry();
        let entry = registry
            .get(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        Arc::clone(&entry.write_lock)
    };
    Ok(write_lock.lock_owned().await)
}

/// Brings the grant from the keychain into memory, once; looks again for one that was missing.
pub(crate) async fn load(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), AgentError> {
    if inner
        .registry()
        .get(id)
        .ok_or_else(|| AgentError::no_connection(id))?
        .is_loaded(inner.now())
    {
        return Ok(());
    }
    let task_inner = Arc::clone(inner);
    inner
        .run(async move { load_from_keychain(&task_inner, id).await })
        .await?
}

/// The vault may change the row too, so this runs to its end: what the disk holds, memory holds.
async fn load_from_keychain(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), AgentError> {
    let _one_reader = lock(inner, id).await?;
    load_locked(inner, id).await
}

/// As [`load`]; the caller holds the write lock, and what is loaded stays as long as it does.
pub(crate) async fn load_locked(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), AgentError> {
    let now = inner.now();
    if inner
        .registry()
        .get(id)
        .is_none_or(|entry| entry.is_loaded(now))
    {
        return Ok(());
    }
    // The vault mends a row that is older than its item: the item leads.
    let LoadedGrant { grant, mended } = inner.vault.load_grant(id, now).await?;
    let reading = inner.clock.reading();
    let (told, is_outdated) = {
        let mut registry = inner.registry();
        let is_outdated = grant
            .as_ref()
            .is_some_and(|stored| is_outdated(&registry, stored));
        let Some(entry) = registry.get_mut(id) else {
            return Ok(());
        };
        entry.asked_until = Some(freshness::add(now, RECHECK_INTERVAL));
        let mut told = None;
        if let Some(mut mended) = mended
            && entry.row.state.status != Status::Removing
        {
            mended.follow_clock(&reading);
            let was = std::mem::replace(&mut entry.row, mended).state.status;
            told = turned(was, entry.row.state.status);
        }
        if let Some(StoredGrant { mut grant, .. }) = grant {
            grant.follow_clock(&reading);
            registry.cache_grant(id, grant);
        }
        registry.replan(id, now);
        (told, is_outdated)
    };
    inner.schedule_changed.notify_one();
    if let Some((kind, why)) = told {
        tracing::info!(connection = %id, why, "the keychain leads");
        let event = Event::new(kind, now)
            .connection(id)
            .detail(json!({ "why": why }));
        inner.record(event).await;
    }
    if is_outdated {
        rewrite_locked(inner, id).await;
    }
    Ok(())
}

/// Whether the item says something else than the database about what the connection may be used for:
/// if the database is lost, the item counts.
fn is_outdated(registry: &ConnectionRegistry, stored: &StoredGrant) -> bool {
    let Some(Entry { row, .. }) = registry.get(stored.connection) else {
        return false;
    };
    let known = registry.authenticator(row.authenticator);
    stored.proxy != row.proxy || known.is_some_and(|known| **known != stored.authenticator)
}

/// The connection's authenticator changed: its item says so, too, now or as soon as that is possible.
pub(crate) async fn rewrite(inner: &Arc<Inner>, id: ConnectionId) {
    let Ok(_one_writer) = lock(inner, id).await else {
        return;
    };
    let is_loaded = inner.registry().get(id).is_some_and(|it| it.live.is_some());
    if is_loaded {
        rewrite_locked(inner, id).await;
    } else if let Err(error) = load_locked(inner, id).await {
        tracing::warn!(connection = %id, %error, "its keychain item is updated later");
    }
    forget_locked(inner, id);
}

/// The caller holds the write lock.
async fn rewrite_locked(inner: &Arc<Inner>, id: ConnectionId) {
    if let Err(error) = write_unsaved(inner, id).await {
        if let Some(entry) = inner.registry().get_mut(id) {
            entry.unsaved = true;
        }
        tracing::warn!(connection = %id, %error, "its keychain item is updated later");
    }
}

/// While paused, memory holds no grant that the keychain has too: forgets them all. What is being
/// written is forgotten as soon as that is done.
pub(crate) fn forget_all(inner: &Arc<Inner>) {
    let loaded: Vec<_> = {
        let registry = inner.registry();
        let loaded = registry.entries().filter(|entry| entry.live.is_some());
        let locks = loaded.map(|entry| (entry.row.id, Arc::clone(&entry.write_lock)));
        locks.collect()
    };
    for (id, write_lock) in loaded {
        if let Ok(_one_writer) = write_lock.try_lock() {
            forget_locked(inner, id);
        } else {
            forget_later(inner, id);
        }
    }
}

/// Forgets a grant that came into memory during a pause, once nobody writes it; see [`forget_all`].
pub(crate) fn forget_later(inner: &Arc<Inner>, id: ConnectionId) {
    if !inner.paused.load(Ordering::SeqCst) {
        return;
    }
    let task_inner = Arc::clone(inner);
    drop(inner.run(async move {
        if let Ok(_one_writer) = lock(&task_inner, id).await {
            forget_locked(&task_inner, id);
        }
    }));
}

/// The caller holds the write lock. A grant that is not stored yet stays, and so does one that a
/// refresh or a removal still needs: they forget it in the end.
fn forget_locked(inner: &Inner, id: ConnectionId) {
    let mut registry = inner.registry();
    // Read under the registry's lock, which a resume takes too.
    if !inner.paused.load(Ordering::SeqCst) {
        return;
    }
    if let Some(entry) = registry.get_mut(id) {
        entry.narrow.drop_all();
    }
    if let Some(entry) = registry.get_mut(id)
        && !entry.unsaved
        && entry.refresh_task.is_none()
        && entry.row.state.status != Status::Removing
    {
        entry.live = None;
        entry.asked_until = None;
    }
}

/// The event to record when the keychain item changed the status of a connection.
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

/// Stores a grant that just came: item first, row second. Only then does the registry know it, so that
/// nobody is given a token that could still be lost. One that cannot be written is held by the registry,
/// marked unsaved, which is recorded once.
///
/// `renewed` changes what else of the row is new; `event` is recorded with the change. None if the connection was removed or signed in
/// again meanwhile: nobody will keep the grant, give it back. The caller holds the write lock.
pub(crate) async fn commit(
    inner: &Arc<Inner>,
    id: ConnectionId,
    transition: Transition,
    renewed: impl Fn(&mut Connection),
    grant: &Grant,
    event: Event,
) -> Option<Arc<LiveGrant>> {
    let (row, stored) = {
        let registry = inner.registry();
        let row = row_after(&registry.get(id)?.row, transition, &renewed, grant)?;
        let stored = StoredGrant {
            connection: id,
            account: row.account.clone(),
            authenticator: registry.authenticator(row.authenticator)?.as_ref().clone(),
            proxy: row.proxy.clone(),
            grant: grant.clone(),
        };
        (row, stored)
    };
    let kept = inner.vault.store_grant(&row, &stored, Some(&event)).await;
    let (unlogged, not_stored) = match kept {
        Ok(unlogged) => (unlogged, None),
        // The item is what counts; its row is mended at first use.
        Err(GrantNotKept::RowNotSaved(_)) => (None, None),
        Err(GrantNotKept::NotStored(error)) => (None, Some(error)),
        Err(GrantNotKept::StaleTransition) => return None,
    };
    // Before the registry, so that the line stands before those of tokens of the grant.
    inner.audit_log.queue_change(event, unlogged);
    let live = {
        let mut registry = inner.registry();
        let entry = registry.get_mut(id)?;
        entry.row = row_after(&entry.row, transition, &renewed, grant)?;
        entry.retry_not_before = None;
        entry.unsaved = not_stored.is_some();
        if transition == Transition::SignedIn {
            entry.signed_in = Some(grant.generation);
            entry.narrow.drop_all();
        }
        registry.cache_grant(id, grant.clone())?
    };
    if let Some(error) = not_stored {
        plan_save_retry(inner, id);
        tracing::warn!(connection = %id, %error, "new grant held in memory until it can be stored");
        let event = Event::new(EventKind::GrantUnsaved, inner.now())
            .connection(id)
            .detail(json!({ "why": error.to_string() }));
        inner.audit_log.queue_change(event, None);
    }
    inner.audit_log.flush().await;
    Some(live)
}

/// The row as `grant` makes it; None if it comes too late.
fn row_after(
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
/// caller holds the write lock.
async fn write_unsaved(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), VaultError> {
    let Some((row, stored)) = item_of(inner, id) else {
        return Ok(());
    };
    match inner.vault.store_grant(&row, &stored, None).await {
        // The item is what counts; its row is mended at first use. A removal came first: nothing
        // is left to be kept.
        Ok(_) | Err(GrantNotKept::RowNotSaved(_) | GrantNotKept::StaleTransition) => {
            if let Some(entry) = inner.registry().get_mut(id) {
                entry.unsaved = false;
            }
            forget_locked(inner, id);
            Ok(())
        }
        Err(GrantNotKept::NotStored(error)) => {
            plan_save_retry(inner, id);
            Err(error)
        }
    }
}

fn plan_save_retry(inner: &Inner, id: ConnectionId) {
    let soon = freshness::add(inner.now(), SAVE_RETRY_DELAY);
    inner.registry().reschedule(id, Some(soon));
    inner.schedule_changed.notify_one();
}

/// The row and the item to be, as they stand in memory.
pub(crate) fn item_of(inner: &Inner, id: ConnectionId) -> Option<(Connection, StoredGrant)> {
    let registry = inner.registry();
    let entry = registry.get(id)?;
    let live = entry.live.as_ref()?;
    let authenticator = registry.authenticator(entry.row.authenticator)?;
    let stored = StoredGrant {
        connection: id,
        account: entry.row.account.clone(),
        authenticator: authenticator.as_ref().clone(),
        proxy: entry.row.proxy.clone(),
        grant: live.grant.clone(),
    };
    Some((entry.row.clone(), stored))
}

/// Offers the unsaved grant of one connection to the keychain again.
pub(crate) async fn save_unsaved(inner: &Arc<Inner>, id: ConnectionId) -> Result<(), AgentError> {
    let Ok(_one_writer) = lock(inner, id).await else {
        return Ok(());
    };
    save_unsaved_locked(inner, id).await
}

/// As [`save_unsaved`]; the caller holds the write lock.
pub(crate) async fn save_unsaved_locked(
    inner: &Arc<Inner>,
    id: ConnectionId,
) -> Result<(), AgentError> {
    if !inner.registry().get(id).is_some_and(|entry| entry.unsaved) {
        return Ok(());
    }
    if let Err(error) = write_unsaved(inner, id).await {
        return Err(AgentError::KeychainLocked(format!(
            "the last grant is not stored yet: {error}"
        )));
    }
    let event = Event::new(EventKind::GrantSaved, inner.now()).connection(id);
    inner.record(event).await;
    Ok(())
}

/// Before stop: every held grant gets a last chance.
pub(crate) async fn save_all_unsaved(inner: &Arc<Inner>) {
    let unsaved: Vec<ConnectionId> = inner
        .registry()
        .entries()
        .filter(|entry| entry.unsaved)
        .map(|entry| entry.row.id)
        .collect();
    for id in unsaved {
        if save_unsaved(inner, id).await.is_err() {
            tracing::error!(connection = %id, "a grant could not be stored before the stop");
        }
    }
}

/// Writes the row as it stands; a disk that fails is reported and does not stop the work.
pub(crate) async fn save_row(inner: &Inner, id: ConnectionId) {
    if let Err(error) = try_save_row(inner, id).await {
        tracing::error!(connection = %id, %error, "row not written");
    }
}

pub(crate) async fn try_save_row(inner: &Inner, id: ConnectionId) -> Result<(), AgentError> {
    let row = inner.registry().get(id).map(|entry| entry.row.clone());
    if let Some(row) = row {
        inner.vault.save_connection(&row).await?;
    }
    Ok(())
}
