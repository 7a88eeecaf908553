//! The audit log's pen. Changes are written before anybody is told; hand-outs are written behind
//! the reply, in batches (a crash may lose the last second of reads, never of changes).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast};
use valetkey_core::event::{Event, EventId};
use valetkey_core::id::ConnectionId;
use valetkey_vault::{Vault, VaultError};

/// Reads are written at most this long after they happened.
const BATCH: Duration = Duration::from_secs(1);
/// A full buffer is written at once.
const FULL: usize = 512;
/// If the disk takes nothing, the oldest reads beyond this number are given up.
const MOST: usize = 65_536;
/// How far a follower may fall behind before it must read the log again.
const FOLLOWERS_BEHIND: usize = 1024;

/// Writes events and says that there are new ones.
pub(crate) struct Journal {
    vault: Vault,
    pending: Mutex<Pending>,
    /// Woken when reads begin to wait, and when many do.
    waiting: Notify,
    bus: broadcast::Sender<EventId>,
}

#[derive(Default)]
struct Pending {
    reads: Vec<Event>,
    used: HashMap<ConnectionId, Timestamp>,
}

impl Journal {
    pub(crate) fn new(vault: Vault) -> Arc<Self> {
        Arc::new(Self {
            vault,
            pending: Mutex::default(),
            waiting: Notify::new(),
            bus: broadcast::Sender::new(FOLLOWERS_BEHIND),
        })
    }

    /// Follows the log: ids of new events, never their content.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.bus.subscribe()
    }

    /// Notes a hand-out; returns at once.
    pub(crate) fn read(&self, event: Event, used: Option<(ConnectionId, Timestamp)>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.reads.push(event);
        pending.used.extend(used);
        let count = pending.reads.len();
        drop(pending);
        if count == 1 || count == FULL {
            self.waiting.notify_one();
        }
    }

    /// Writes a change. A log that cannot be written is reported and never stops the change.
    pub(crate) async fn change(&self, event: Event) {
        let kind = event.kind;
        if let Err(error) = self.append(vec![event]).await {
            tracing::error!(kind = kind.as_str(), %error, "event not written");
        }
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), VaultError> {
        let id = self.vault.append_events(events).await?;
        // Nobody may be listening.
        let _ = self.bus.send(id);
        Ok(())
    }

    /// Writes all waiting reads.
    pub(crate) async fn flush(&self) {
        let Pending { reads, used } =
            std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if !used.is_empty()
            && let Err(error) = self.vault.mark_used(used.into_iter().collect()).await
        {
            tracing::warn!(%error, "last uses not written");
        }
        if reads.is_empty() {
            return;
        }
        if let Err(error) = self.append(reads.clone()).await {
            tracing::warn!(%error, count = reads.len(), "hand-outs not written, kept for later");
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let newer = std::mem::replace(&mut pending.reads, reads);
            pending.reads.extend(newer);
            let surplus = pending.reads.len().saturating_sub(MOST);
            pending.reads.drain(..surplus);
        }
    }

    /// The task that flushes; sleeps while nothing waits. Ends when it is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.waiting.notified().await;
            // A full buffer or a second, whichever comes first.
            let _ = tokio::time::timeout(BATCH, self.waiting.notified()).await;
            self.flush().await;
        }
    }
}
