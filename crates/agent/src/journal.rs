//! The audit log's pen. Changes are written before anybody is told; hand-outs are written behind
//! the reply, in batches (a crash may lose the last second of reads, never of changes).
//!
//! Thousands of hand-outs may wait when programs ask faster than the disk takes them. What waits is
//! kept small and in pieces of one size, because the allocator returns little of a ragged heap.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, broadcast};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::grant::Grant;
use valetkey_core::id::{AuthenticatorId, ClientKeyId, ConnectionId};
use valetkey_core::name::ConnectionName;
use valetkey_vault::{Vault, VaultError};

use crate::book::LiveGrant;
use crate::key::Actor;

/// Reads are written at most this long after they happened.
const BATCH: Duration = Duration::from_secs(1);
/// So many are written at once and together.
const FULL: usize = 512;
/// A disk that takes nothing is tried again after this long.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// If the disk takes nothing, the oldest batches beyond this number are given up.
const MOST: usize = 64;
/// How far a follower may fall behind before it must read the log again.
const FOLLOWERS_BEHIND: usize = 1024;

/// Writes events and says that there are new ones.
pub(crate) struct Journal {
    vault: Vault,
    /// In batches of `FULL`, the last one growing.
    pending: Mutex<VecDeque<Vec<Read>>>,
    /// When client keys last opened the door; locked after `pending`.
    keys_used: Mutex<HashMap<ClientKeyId, Timestamp>>,
    /// Held while all of that is written, so that who finds nothing waiting knows that it is.
    writing: tokio::sync::Mutex<()>,
    /// Woken when reads or uses begin to wait, and when many do.
    waiting: Notify,
    bus: broadcast::Sender<EventId>,
}

/// Somebody asked for a token. Kept as it happened; put into words only when it is written, so
/// that the reply does not wait for it.
#[derive(Clone)]
pub(crate) enum Read {
    /// And got it.
    Served {
        live: Arc<LiveGrant>,
        at: Timestamp,
        who: Actor,
    },
    /// And did not.
    Refused {
        id: ConnectionId,
        /// None if it was removed meanwhile.
        named: Option<(ConnectionName, AuthenticatorId)>,
        why: String,
        at: Timestamp,
        who: Actor,
    },
}

impl Read {
    fn who(&self) -> &Actor {
        let (Self::Served { who, .. } | Self::Refused { who, .. }) = self;
        who
    }

    /// A program that opens a connection for each token has a new name, equal to the last, each time.
    fn share_name(&mut self, last: &Self) {
        let (Self::Served { who, .. } | Self::Refused { who, .. }) = self;
        if who == last.who() {
            who.clone_from(last.who());
        }
    }
}

impl From<&Read> for Event {
    /// With the connection's name: the log outlives the connection.
    fn from(read: &Read) -> Self {
        match read {
            Read::Served { live, at, who } => {
                let Grant {
                    generation, scopes, ..
                } = &live.grant;
                Self::new(EventKind::TokenServed, *at)
                    .connection(live.id)
                    .actor(who.to_string())
                    .detail(json!({
                        "connection": live.connection, "generation": generation, "scopes": scopes,
                    }))
            }
            Read::Refused {
                id,
                named,
                why,
                at,
                who,
            } => {
                let event = Self::new(EventKind::TokenRefused, *at)
                    .connection(*id)
                    .actor(who.to_string());
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

impl Journal {
    pub(crate) fn new(vault: Vault) -> Arc<Self> {
        Arc::new(Self {
            vault,
            pending: Mutex::default(),
            keys_used: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            waiting: Notify::new(),
            bus: broadcast::Sender::new(FOLLOWERS_BEHIND),
        })
    }

    /// Follows the log: ids of new events, never their content.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.bus.subscribe()
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Vec<Read>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_used(&self) -> MutexGuard<'_, HashMap<ClientKeyId, Timestamp>> {
        self.keys_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        self.pending().is_empty() && self.keys_used().is_empty()
    }

    /// Notes that a client key opened the door: no line of the log. Returns at once.
    pub(crate) fn key_used(&self, id: ClientKeyId, at: Timestamp) {
        let first = self.is_idle();
        self.keys_used().insert(id, at);
        if first {
            self.waiting.notify_one();
        }
    }

    /// Notes a hand-out; returns at once.
    pub(crate) fn read(&self, mut read: Read) {
        let mut pending = self.pending();
        let first = pending.is_empty() && self.keys_used().is_empty();
        if let Some(last) = pending.back().and_then(|batch| batch.last()) {
            read.share_name(last);
        }
        let full = match pending.back_mut() {
            Some(batch) if batch.len() < FULL => {
                batch.push(read);
                batch.len() == FULL
            }
            _ => {
                pending.push_back(vec![read]);
                false
            }
        };
        drop(pending);
        if first || full {
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
        self.tell(self.vault.append_events(events).await?);
        Ok(())
    }

    fn tell(&self, newest: EventId) {
        // Nobody may be listening.
        let _ = self.bus.send(newest);
    }

    /// A batch that filled up during a flush has nobody to notify.
    fn has_full(&self) -> bool {
        let pending = self.pending();
        pending.front().is_some_and(|batch| batch.len() >= FULL)
    }

    /// Writes all waiting reads and uses of keys; whether the reads went well. Done to its end even
    /// if the caller hangs up: what was taken out to be written is nowhere else.
    pub(crate) async fn flush(self: &Arc<Self>) -> bool {
        let journal = Arc::clone(self);
        let flushed = tokio::spawn(async move { journal.write_all().await });
        flushed.await.unwrap_or(false)
    }

    async fn write_all(&self) -> bool {
        let _one_writer = self.writing.lock().await;
        self.write_keys_used().await;
        let waiting = self.pending().len();
        for _ in 0..waiting {
            let Some(batch) = self.pending().pop_front().map(Arc::new) else {
                break;
            };
            if let Err(error) = self.write(&batch).await {
                tracing::warn!(%error, count = batch.len(), "hand-outs not written, kept for later");
                self.keep(batch.to_vec());
                return false;
            }
        }
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

    async fn write(&self, reads: &Arc<Vec<Read>>) -> Result<(), VaultError> {
        let used: HashMap<ConnectionId, Timestamp> = reads
            .iter()
            .filter_map(|read| match read {
                Read::Served { live, at, .. } => Some((live.id, *at)),
                Read::Refused { .. } => None,
            })
            .collect();
        let used = used.into_iter().collect();
        // Words take ten times the room of a read: each is put into words when it is written, there.
        let reads = Arc::clone(reads);
        let events = (0..reads.len()).map(move |at| Event::from(&reads[at]));
        self.tell(self.vault.append_reads(events, used).await?);
        Ok(())
    }

    /// Puts what could not be written before what came since.
    fn keep(&self, batch: Vec<Read>) {
        let mut pending = self.pending();
        pending.push_front(batch);
        let surplus = pending.len().saturating_sub(MOST);
        pending.drain(..surplus);
    }

    /// The task that flushes; sleeps while nothing waits. Ends when it is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if self.is_idle() {
                self.waiting.notified().await;
            }
            // A full batch or a second, whichever comes first.
            if !self.has_full() {
                let _ = tokio::time::timeout(BATCH, self.waiting.notified()).await;
            }
            if !self.flush().await {
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}
