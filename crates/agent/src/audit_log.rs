//! Writes the audit log. One ordered queue, one writer: a line's place is where it was queued.
//!
//! A change waits until its line, and all that stand before it, are on disk. Hand-outs of tokens wait
//! for nothing: they are written after the reply, in batches, or together with the next change (a
//! crash may lose the last second of hand-outs, never a change).
//!
//! The queue is bounded, and no reply ever waits for it: a disk that stands still must not keep
//! programs from tokens that are in memory. What does not fit is counted, and the number is itself
//! written to the log as soon as that is possible.

mod entry;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, timeout_at};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::settings::RetentionDays;
use valetkey_vault::{Durability, Vault, VaultError};

use crate::clock::Clock;
pub(crate) use entry::{Entry, ProxiedAccess, RefusedAccess};
use queue::Queue;

/// Hand-outs are written at most this long after they happened.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a failed write.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// How often events are deleted that are older than the retention.
const PRUNE_INTERVAL: Duration = Duration::from_hours(24);
/// Notifications that a slow follower may have outstanding before it must read the log again.
const FOLLOWER_BACKLOG: usize = 1024;

/// Writes events and notifies followers of new ones.
pub(crate) struct AuditLog {
    vault: Vault,
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    /// When client keys were last used.
    keys_used: Mutex<HashMap<ClientKeyId, Timestamp>>,
    /// Held while the queue is written: a flush that finds the queue empty returns only after the
    /// flush that emptied it.
    flush_lock: tokio::sync::Mutex<()>,
    retention: watch::Sender<RetentionDays>,
    /// Notified when the queue is no longer empty, and when a batch is full.
    queued: Notify,
    new_events: broadcast::Sender<EventId>,
}

/// What a flush writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    All,
    /// Leaves a batch that still grows, and the uses of keys, to the deadline.
    FullBatches,
}

impl AuditLog {
    pub(crate) fn new(vault: Vault, clock: Arc<dyn Clock>, retention: RetentionDays) -> Arc<Self> {
        Arc::new(Self {
            vault,
            clock,
            queue: Mutex::default(),
            keys_used: Mutex::default(),
            flush_lock: tokio::sync::Mutex::default(),
            retention: watch::Sender::new(retention),
            queued: Notify::new(),
            new_events: broadcast::Sender::new(FOLLOWER_BACKLOG),
        })
    }

    /// Subscribes to the ids of new events.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.new_events.subscribe()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_used(&self) -> MutexGuard<'_, HashMap<ClientKeyId, Timestamp>> {
        self.keys_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        self.queue().is_empty() && self.keys_used().is_empty()
    }

    /// Queues the last use of a client key, which is a column of its row and no event.
    pub(crate) fn record_key_use(&self, id: ClientKeyId, at: Timestamp) {
        let mut keys_used = self.keys_used();
        let first = keys_used.is_empty();
        keys_used.insert(id, at);
        drop(keys_used);
        if first {
            self.queued.notify_one();
        }
    }

    /// Queues a line. Never waits.
    pub(crate) fn record(&self, entry: Entry) {
        // A change is written by who made it.
        let is_change = entry.is_change();
        let has_work = self.queue().push(entry);
        if has_work && !is_change {
            self.queued.notify_one();
        }
    }

    pub(crate) fn set_retention(&self, days: RetentionDays) {
        self.retention.send_if_modified(|retention| {
            let changed = *retention != days;
            *retention = days;
            changed
        });
    }

    /// Writes the event of a change, behind all that happened before it. A failure is logged, does not
    /// fail the change, and is made up for by the next write.
    pub(crate) async fn record_change(self: &Arc<Self>, event: Event) {
        self.record(Entry::Change(Box::new(event)));
        self.flush().await;
    }

    fn notify_followers(&self, newest: EventId) {
        // Fails only if there are none.
        let _ = self.new_events.send(newest);
    }

    /// Writes all that is queued; false if lines could not be written. Runs to its end even if
    /// the caller is dropped, because batches are taken out of the queue to be written.
    pub(crate) async fn flush(self: &Arc<Self>) -> bool {
        self.spawn_flush(Extent::All).await
    }

    async fn spawn_flush(self: &Arc<Self>, extent: Extent) -> bool {
        let audit_log = Arc::clone(self);
        let flushed = tokio::spawn(async move { audit_log.write_queue(extent).await });
        flushed.await.unwrap_or(false)
    }

    async fn write_queue(&self, extent: Extent) -> bool {
        let _flushing = self.flush_lock.lock().await;
        if extent == Extent::All {
            self.write_keys_used().await;
        }
        let batches = self.queue().batches();
        for _ in 0..batches {
            if extent == Extent::FullBatches && !self.queue().has_full_batch() {
                break;
            }
            let Some(batch) = self.queue().pop().map(Arc::new) else {
                break;
            };
            if let Err(error) = self.write(&batch).await {
                tracing::warn!(%error, count = batch.len(), "events not written; retrying later");
                self.queue().put_back(batch.to_vec());
                self.queued.notify_one();
                return false;
            }
        }
        self.write_unrecorded().await
    }

    async fn write_unrecorded(&self) -> bool {
        let count = self.queue().unrecorded();
        if count == 0 {
            return true;
        }
        let event = Event::new(EventKind::TokensUnrecorded, self.clock.now())
            .detail(json!({ "count": count }));
        let batch = Arc::new(vec![Entry::Change(Box::new(event))]);
        if let Err(error) = self.write(&batch).await {
            tracing::warn!(%error, count, "the number of unrecorded events was not written");
            return false;
        }
        tracing::warn!(count, "events were left out of the audit log");
        self.queue().forget_unrecorded(count);
        true
    }

    async fn write_keys_used(&self) {
        let used = std::mem::take(&mut *self.keys_used());
        if used.is_empty() {
            return;
        }
        let written = self.vault.mark_keys_used(used.into_iter().collect());
        if let Err(error) = written.await {
            tracing::warn!(%error, "last uses of keys not written");
        }
    }

    /// Writes one batch in one transaction. With a change in it, all of it is on disk afterwards, and
    /// all that was written before.
    async fn write(&self, batch: &Arc<Vec<Entry>>) -> Result<(), VaultError> {
        let used: HashMap<ConnectionId, Timestamp> =
            batch.iter().filter_map(Entry::usage).collect();
        let used = used.into_iter().collect();
        let durability = if batch.iter().any(Entry::is_change) {
            Durability::Durable
        } else {
            Durability::Deferred
        };
        // An event is ten times as large as an entry, so each is formatted just before its insert.
        let batch = Arc::clone(batch);
        let events = (0..batch.len()).map(move |index| Event::from(&batch[index]));
        let written = self.vault.append_events(events, used, durability);
        self.notify_followers(written.await?);
        Ok(())
    }

    /// The task that flushes; sleeps while the queue is empty. Ends when it is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            // A permit may be left from entries that were flushed meanwhile.
            while self.is_idle() {
                self.queued.notified().await;
            }
            let deadline = Instant::now() + FLUSH_INTERVAL;
            loop {
                let full = timeout_at(deadline, self.full_batch()).await.is_ok();
                let extent = if full {
                    Extent::FullBatches
                } else {
                    Extent::All
                };
                if !self.spawn_flush(extent).await {
                    sleep(RETRY_DELAY).await;
                }
                if !full {
                    break;
                }
            }
        }
    }

    /// The task that deletes events older than the retention: at start, daily, and when the retention
    /// changes. Ends when it is aborted.
    pub(crate) async fn prune(self: Arc<Self>) {
        let mut retention = self.retention.subscribe();
        loop {
            let days = retention.borrow_and_update().get();
            let age = SignedDuration::from_hours(24 * i64::from(days));
            let before = self.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
            match self.vault.prune_events(before).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "old events deleted"),
                Err(error) => tracing::warn!(%error, "old events not deleted"),
            }
            tokio::select! {
                () = self.clock.sleep(PRUNE_INTERVAL) => {}
                // Cannot fail: `self` holds the sender.
                _ = retention.changed() => {}
            }
        }
    }

    async fn full_batch(&self) {
        while !self.queue().has_full_batch() {
            self.queued.notified().await;
        }
    }
}

#[cfg(test)]
mod tests;
