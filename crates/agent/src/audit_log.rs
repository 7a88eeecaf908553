//! Writes the audit log. One ordered queue, one writer: a line's place is where it was queued.
//!
//! A change waits until its line, and all that stand before it, are on disk. Hand-outs of tokens wait
//! for nothing: they are written after the reply, in batches, or together with the next change (a
//! crash may lose the last second of hand-outs, never a change).
//!
//! The queue is bounded, and no reply ever waits for it: a disk that stands still must not keep
//! programs from tokens that are in memory. What does not fit is counted, and the number is itself
//! written to the log as soon as that is possible.
//!
//! The vault chains the lines; here is when its keychain item follows ([`AuditLog::keep_anchored`]).

mod entry;
mod queue;
mod refusals;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::settings::RetentionDays;
use valetkey_vault::{Durability, LogCheck, UnloggedId, Vault, VaultError};

use crate::clock::Clock;
pub(crate) use entry::{Entry, LoggedChange, ProxiedAccess, RefusedAccess};
use queue::Queue;
use refusals::Refusals;

/// Hand-outs are written at most this long after they happened.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a failed write.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// The keychain learns the end of the log at most this often: a write to it takes up to 50 ms.
const ANCHOR_INTERVAL: Duration = Duration::from_mins(1);
/// A start waits this long for the chain of the log.
const OPEN_TIMEOUT: Duration = Duration::from_secs(1);
/// How often events are deleted that are older than the retention.
const PRUNE_INTERVAL: Duration = Duration::from_hours(24);
/// How soon they are deleted if the keychain could not be asked.
const PRUNE_RETRY_DELAY: Duration = Duration::from_hours(1);
/// Notifications that a slow follower may have outstanding before it must read the log again.
const FOLLOWER_BACKLOG: usize = 1024;

/// Writes events and notifies followers of new ones.
pub(crate) struct AuditLog {
    vault: Vault,
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    refusals: Mutex<Refusals>,
    /// Marked as changed after every change, which has a line: requests that are under way are checked
    /// again.
    pub(crate) changed: watch::Sender<()>,
    /// Notified when a refusal was counted.
    refused: Notify,
    /// When client keys were last used.
    keys_used: Mutex<HashMap<ClientKeyId, Timestamp>>,
    /// Held while the queue is written: a flush that finds the queue empty returns only after the
    /// flush that emptied it.
    flush_lock: tokio::sync::Mutex<()>,
    retention: watch::Sender<RetentionDays>,
    /// Notified when the queue is no longer empty, and when a batch is full.
    queued: Notify,
    new_events: broadcast::Sender<EventId>,
    /// The newest line.
    newest: watch::Sender<EventId>,
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
            refusals: Mutex::default(),
            changed: watch::Sender::default(),
            refused: Notify::new(),
            keys_used: Mutex::default(),
            flush_lock: tokio::sync::Mutex::default(),
            retention: watch::Sender::new(retention),
            queued: Notify::new(),
            new_events: broadcast::Sender::new(FOLLOWER_BACKLOG),
            newest: watch::Sender::new(EventId::default()),
        })
    }

    /// Subscribes to the ids of new events.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.new_events.subscribe()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Queues a line, or counts a refusal that has its line already. Never waits. False if it was counted.
    pub(crate) fn record(&self, entry: Entry) -> bool {
        if entry.refusal().is_none() {
            self.push(entry);
            return true;
        }
        // Locked until it is queued: refusals keep their order, also among those that were counted.
        let mut refusals = self.refusals();
        let uptime = self.clock.uptime();
        for counted in refusals.take_ended(Some(uptime), self.clock.now()) {
            self.push(counted);
        }
        let Some(entry) = refusals.admit(entry, uptime) else {
            self.refused.notify_one();
            return false;
        };
        self.push(entry);
        true
    }

    fn push(&self, entry: Entry) {
        // A change is written by who made it.
        let is_change = entry.is_change();
        let has_work = self.queue().push(entry);
        if has_work && !is_change {
            self.queued.notify_one();
        }
        if is_change {
            self.changed.send_replace(());
        }
    }

    /// The task that writes how often refusals were repeated. Ends when it is aborted.
    pub(crate) async fn count_refusals(self: Arc<Self>) {
        loop {
            let Some(end) = self.refusals().next_end() else {
                self.refused.notified().await;
                continue;
            };
            let left = end.saturating_sub(self.clock.uptime());
            self.clock.sleep(left).await;
            self.write_counted(Some(self.clock.uptime()));
        }
    }

    /// Queues the numbers of refusals up to `until`; None: all of them.
    pub(crate) fn write_counted(&self, until: Option<Duration>) {
        let mut refusals = self.refusals();
        for entry in refusals.take_ended(until, self.clock.now()) {
            self.push(entry);
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
        self.record(event.into());
        self.flush().await;
    }

    /// The same for an event that was stored with its change: no kill loses it.
    pub(crate) async fn record_stored(self: &Arc<Self>, event: Event, stored: UnloggedId) {
        self.queue_change(event, Some(stored));
        self.flush().await;
    }

    /// Queues the line of a change, and says as what its event was stored with it.
    pub(crate) fn queue_change(&self, event: Event, stored: Option<UnloggedId>) {
        self.record(Entry::Change(Box::new(LoggedChange { event, stored })));
    }

    fn notify_followers(&self, newest: EventId) {
        // Fails only if there are none.
        let _ = self.new_events.send(newest);
        self.newest.send_replace(newest);
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
        let batch = Arc::new(vec![Entry::from(event)]);
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
        let logged = batch.iter().filter_map(Entry::stored).collect();
        let durability = if batch.iter().any(Entry::is_change) {
            Durability::Durable
        } else {
            Durability::Deferred
        };
        // An event is ten times as large as an entry, so each is formatted just before its insert.
        let batch = Arc::clone(batch);
        let events = (0..batch.len()).map(move |index| Event::from(&batch[index]));
        let written = self.vault.append_events(events, used, logged, durability);
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
            let now = self.clock.now();
            let pruned =
                self.to_end(move |vault| async move { vault.prune_events(before, now).await });
            let mut next = PRUNE_INTERVAL;
            match pruned.await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "old events deleted"),
                Err(error) => {
                    tracing::warn!(%error, "old events not deleted");
                    next = PRUNE_RETRY_DELAY;
                }
            }
            tokio::select! {
                () = self.clock.sleep(next) => {}
                // Cannot fail: `self` holds the sender.
                _ = retention.changed() => {}
            }
        }
    }

    /// The task that has the keychain remember the end of the log, a minute after something was written.
    /// Ends when it is aborted.
    pub(crate) async fn keep_anchored(self: Arc<Self>) {
        let mut newest = self.newest.subscribe();
        // Cannot fail: `self` holds the sender.
        while newest.changed().await.is_ok() {
            self.clock.sleep(ANCHOR_INTERVAL).await;
            newest.mark_unchanged();
            self.anchor().await;
        }
    }

    /// Has the keychain remember the end of the log, if it changed. A failure is logged.
    pub(crate) async fn anchor(&self) {
        let now = self.clock.now();
        match self
            .to_end(move |vault| async move { vault.anchor_log(now).await })
            .await
        {
            Ok(told) => told.into_iter().for_each(|id| self.notify_followers(id)),
            Err(error) => tracing::debug!(%error, "the end of the log was not anchored"),
        }
    }

    /// Takes up the chain of the log, so that all lines from now on belong to it. Returns after a moment
    /// even if the keychain hangs; without it [`Self::anchor`] tries again.
    pub(crate) async fn open(&self) {
        let now = self.clock.now();
        let opened = self.to_end(move |vault| async move { vault.open_log_chain(now).await });
        match timeout(OPEN_TIMEOUT, opened).await {
            Ok(Ok(told)) => told.into_iter().for_each(|id| self.notify_followers(id)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the log is written without its chain for now");
            }
            Err(_) => {
                tracing::warn!("the keychain hangs: the log is written without its chain for now");
            }
        }
    }

    /// Checks every line of the log.
    pub(crate) async fn check(self: &Arc<Self>) -> Result<LogCheck, VaultError> {
        self.flush().await;
        let now = self.clock.now();
        self.to_end(move |vault| async move { vault.check_log(now).await })
            .await
    }

    /// Runs an operation of the vault to its end even if the caller is dropped.
    async fn to_end<T, F>(&self, work: impl FnOnce(Vault) -> F) -> Result<T, VaultError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, VaultError>> + Send + 'static,
    {
        let done = tokio::spawn(work(self.vault.clone())).await;
        done.map_err(|error| VaultError::Bug(error.to_string()))?
    }

    async fn full_batch(&self) {
        while !self.queue().has_full_batch() {
            self.queued.notified().await;
        }
    }
}

#[cfg(test)]
mod tests;
