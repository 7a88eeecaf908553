//! Writes the audit log. A change is written before it is reported; hand-outs of tokens are written
//! after the reply, in batches (a crash may lose the last second of hand-outs, never a change).
//!
//! The queue of hand-outs is bounded, and no reply ever waits for it: a disk that stands still must
//! not keep programs from tokens that are in memory. What does not fit is counted, and the number is
//! itself written to the log as soon as that is possible.
//!
//! Thousands of hand-outs may be queued when programs ask faster than the disk takes them. Entries
//! are small and stored in chunks of one size, because the allocator returns little memory of a
//! fragmented heap.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, timeout_at};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::grant::Grant;
use valetkey_core::id::{AuthenticatorId, ClientKeyId, ConnectionId};
use valetkey_core::name::ConnectionName;
use valetkey_core::settings::RetentionDays;
use valetkey_vault::{Vault, VaultError};

use crate::clock::Clock;
use crate::key::Actor;
use crate::registry::LiveGrant;

/// Hand-outs are written at most this long after they happened.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Hand-outs per batch: written together in one transaction.
const BATCH_SIZE: usize = 512;
/// Pause after a failed write.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// Hand-outs that may be queued; more are only counted. About 3 MB.
const MAX_QUEUED: usize = 64 * BATCH_SIZE;
/// How often events are deleted that are older than the retention.
const PRUNE_INTERVAL: Duration = Duration::from_hours(24);
/// Notifications that a slow follower may have outstanding before it must read the log again.
const FOLLOWER_BACKLOG: usize = 1024;

/// Writes events and notifies followers of new ones.
pub(crate) struct AuditLog {
    vault: Vault,
    clock: Arc<dyn Clock>,
    /// In batches of `BATCH_SIZE`; only the last one grows.
    queue: Mutex<VecDeque<Vec<TokenAccess>>>,
    /// When client keys were last used; locked after `queue`.
    keys_used: Mutex<HashMap<ClientKeyId, Timestamp>>,
    /// Held while the queue is written: a flush that finds the queue empty returns only after the
    /// flush that emptied it.
    flush_lock: tokio::sync::Mutex<()>,
    /// Requests for tokens that did not fit into the queue; locked after it.
    unrecorded: Mutex<u64>,
    retention: watch::Sender<RetentionDays>,
    /// Notified when the queue is no longer empty, and when a batch is full.
    queued: Notify,
    new_events: broadcast::Sender<EventId>,
}

/// A request for a token and its outcome. Formatted as an [`Event`] only when it is written, so
/// that the reply does not wait for it.
#[derive(Clone)]
pub(crate) enum TokenAccess {
    /// A token was handed out.
    Served {
        live: Arc<LiveGrant>,
        at: Timestamp,
        who: Actor,
    },
    /// No token was handed out.
    Refused(Box<RefusedAccess>),
}

/// A request that got no token, in a box of its own because there are few of them.
#[derive(Clone)]
pub(crate) struct RefusedAccess {
    pub id: ConnectionId,
    /// None if it was removed meanwhile.
    pub named: Option<(ConnectionName, AuthenticatorId)>,
    pub why: String,
    pub at: Timestamp,
    pub who: Actor,
}

impl TokenAccess {
    fn who(&self) -> &Actor {
        match self {
            Self::Served { who, .. } => who,
            Self::Refused(refused) => &refused.who,
        }
    }

    /// Shares the actor's text with the previous entry: a program that opens a socket connection
    /// for each token brings an equal text each time.
    fn share_actor(&mut self, last: &Self) {
        let who = match self {
            Self::Served { who, .. } => who,
            Self::Refused(refused) => &mut refused.who,
        };
        if who == last.who() {
            who.clone_from(last.who());
        }
    }
}

impl From<&TokenAccess> for Event {
    /// Includes the connection's name: the log outlives the connection.
    fn from(access: &TokenAccess) -> Self {
        match access {
            TokenAccess::Served { live, at, who } => {
                let Grant {
                    generation, scopes, ..
                } = &live.grant;
                Self::new(EventKind::TokenServed, *at)
                    .connection(live.id)
                    .actor(who)
                    .detail(json!({
                        "connection": live.connection, "generation": generation, "scopes": scopes,
                    }))
            }
            TokenAccess::Refused(refused) => {
                let RefusedAccess {
                    id,
                    named,
                    why,
                    at,
                    who,
                } = &**refused;
                let event = Self::new(EventKind::TokenRefused, *at)
                    .connection(*id)
                    .actor(who);
                match named {
                    Some((name, authenticator)) => event
                        .authenticator(*authenticator)
                        .detail(json!({ "connection": name, "why": why })),
                    None => event.detail(json!({ "why": why })),
                }
            }
        }
    }
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
            clock,
            unrecorded: Mutex::default(),
            retention: watch::Sender::new(retention),
            vault,
            queue: Mutex::default(),
            keys_used: Mutex::default(),
            flush_lock: tokio::sync::Mutex::default(),
            queued: Notify::new(),
            new_events: broadcast::Sender::new(FOLLOWER_BACKLOG),
        })
    }

    /// Subscribes to the ids of new events.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.new_events.subscribe()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Vec<TokenAccess>>> {
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
        let first = self.is_idle();
        self.keys_used().insert(id, at);
        if first {
            self.queued.notify_one();
        }
    }

    /// Queues a hand-out or a refusal. Never waits.
    pub(crate) fn record_access(&self, mut access: TokenAccess) {
        let mut queue = self.queue();
        let first = queue.is_empty() && self.keys_used().is_empty();
        if let Some(last) = queue.back().and_then(|batch| batch.last()) {
            access.share_actor(last);
        }
        let batches = queue.len();
        let full = match queue.back_mut() {
            Some(batch) if batch.len() < BATCH_SIZE => {
                batch.push(access);
                batch.len() == BATCH_SIZE
            }
            _ if batches * BATCH_SIZE >= MAX_QUEUED => {
                *self.unrecorded() += 1;
                false
            }
            _ => {
                queue.push_back(vec![access]);
                false
            }
        };
        drop(queue);
        if first || full {
            self.queued.notify_one();
        }
    }

    fn unrecorded(&self) -> MutexGuard<'_, u64> {
        self.unrecorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_retention(&self, days: RetentionDays) {
        self.retention.send_if_modified(|retention| {
            let changed = *retention != days;
            *retention = days;
            changed
        });
    }

    /// Writes the event of a change. A failure is logged and does not fail the change.
    pub(crate) async fn record_change(&self, event: Event) {
        let kind = event.kind;
        if let Err(error) = self.append(vec![event]).await {
            tracing::error!(kind = kind.as_str(), %error, "event not written");
        }
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), VaultError> {
        self.notify_followers(self.vault.append_events(events).await?);
        Ok(())
    }

    fn notify_followers(&self, newest: EventId) {
        // Fails only if there are none.
        let _ = self.new_events.send(newest);
    }

    fn has_full_batch(&self) -> bool {
        let queue = self.queue();
        queue.len() > 1 || queue.front().is_some_and(|batch| batch.len() == BATCH_SIZE)
    }

    /// Writes all that is queued; false if hand-outs could not be written. Runs to its end even if
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
        let batches = self.queue().len();
        for _ in 0..batches {
            if extent == Extent::FullBatches && !self.has_full_batch() {
                break;
            }
            let Some(batch) = self.queue().pop_front().map(Arc::new) else {
                break;
            };
            if let Err(error) = self.write(&batch).await {
                tracing::warn!(%error, count = batch.len(), "hand-outs not written; retrying later");
                // One batch more than the bound, at most.
                self.queue().push_front(batch.to_vec());
                return false;
            }
        }
        self.write_unrecorded().await
    }

    async fn write_unrecorded(&self) -> bool {
        let count = *self.unrecorded();
        if count == 0 {
            return true;
        }
        let event = Event::new(EventKind::TokensUnrecorded, self.clock.now())
            .detail(json!({ "count": count }));
        if let Err(error) = self.append(vec![event]).await {
            tracing::warn!(%error, count, "the number of unrecorded hand-outs was not written");
            return false;
        }
        tracing::warn!(count, "hand-outs were left out of the audit log");
        // More may have been counted meanwhile.
        *self.unrecorded() -= count;
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

    async fn write(&self, batch: &Arc<Vec<TokenAccess>>) -> Result<(), VaultError> {
        let used: HashMap<ConnectionId, Timestamp> = batch
            .iter()
            .filter_map(|access| match access {
                TokenAccess::Served { live, at, .. } => Some((live.id, *at)),
                TokenAccess::Refused(_) => None,
            })
            .collect();
        let used = used.into_iter().collect();
        // An event is ten times as large as an entry, so each is formatted just before its insert.
        let batch = Arc::clone(batch);
        let events = (0..batch.len()).map(move |index| Event::from(&batch[index]));
        self.notify_followers(self.vault.append_accesses(events, used).await?);
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
        while !self.has_full_batch() {
            self.queued.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::home::Home;
    use valetkey_vault::{EventFilter, StoreChoice};

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_full_queue_counts_what_it_cannot_hold_and_logs_the_number() {
        const SURPLUS: usize = 10;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let vault = Vault::open(&home, StoreChoice::Memory).await.unwrap();
        let clock = Arc::new(SystemClock::default());
        let log = AuditLog::new(vault.clone(), clock, RetentionDays::default());
        for n in 0..MAX_QUEUED + SURPLUS {
            log.record_access(TokenAccess::Refused(Box::new(RefusedAccess {
                id: ConnectionId::new(uuid::Uuid::nil()),
                named: None,
                why: n.to_string(),
                at: log.clock.now(),
                who: Actor::agent(),
            })));
        }
        let queued: usize = log.queue().iter().map(Vec::len).sum();
        assert_eq!(queued, MAX_QUEUED);
        assert!(log.flush().await);
        assert!(log.is_idle());
        let newest = EventFilter {
            limit: 2,
            ..EventFilter::default()
        };
        let [(_, last), (id, summary)] = &vault.events(newest).await.unwrap()[..] else {
            panic!("two events")
        };
        assert_eq!(last.detail["why"], (MAX_QUEUED - 1).to_string());
        assert_eq!(summary.kind, EventKind::TokensUnrecorded);
        assert_eq!(summary.detail["count"], SURPLUS);
        assert_eq!(*id, EventId(i64::try_from(MAX_QUEUED).unwrap() + 1));
        // It is told once.
        assert!(log.flush().await);
        let after = vault.events(EventFilter::default()).await.unwrap();
        assert_eq!(after.last().unwrap().0, *id);
    }
}
