//! The audit log's pen. Changes are written before anybody is told; hand-outs are written behind
//! the reply, in batches (a crash may lose the last second of reads, never of changes).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, broadcast};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::grant::Grant;
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_core::name::ConnectionName;
use valetkey_vault::{Vault, VaultError};

use crate::book::LiveGrant;
use crate::key::Actor;

/// Reads are written at most this long after they happened.
const BATCH: Duration = Duration::from_secs(1);
/// A full buffer is written at once.
const FULL: usize = 4096;
/// A disk that takes nothing is tried again after this long.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// So many are put into words and written together: words take a hundred times the room.
const TOGETHER: usize = 256;
/// If the disk takes nothing, the oldest reads beyond this number are given up.
const MOST: usize = 65_536;
/// How far a follower may fall behind before it must read the log again.
const FOLLOWERS_BEHIND: usize = 1024;

/// Writes events and says that there are new ones.
pub(crate) struct Journal {
    vault: Vault,
    pending: Mutex<VecDeque<Read>>,
    /// Woken when reads begin to wait, and when many do.
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
            waiting: Notify::new(),
            bus: broadcast::Sender::new(FOLLOWERS_BEHIND),
        })
    }

    /// Follows the log: ids of new events, never their content.
    pub(crate) fn follow(&self) -> broadcast::Receiver<EventId> {
        self.bus.subscribe()
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Read>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a hand-out; returns at once.
    pub(crate) fn read(&self, read: Read) {
        let mut pending = self.pending();
        pending.push_back(read);
        let count = pending.len();
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

    /// Writes all waiting reads; whether that went well.
    pub(crate) async fn flush(&self) -> bool {
        let mut waiting = self.pending().len();
        while waiting > 0 {
            let batch = {
                let mut pending = self.pending();
                let count = pending.len().min(TOGETHER);
                pending.drain(..count).collect::<Vec<_>>()
            };
            waiting = waiting.saturating_sub(batch.len().max(1));
            if let Err(error) = self.write(&batch).await {
                tracing::warn!(%error, count = batch.len(), "hand-outs not written, kept for later");
                self.keep(batch);
                return false;
            }
        }
        self.pending().shrink_to(FULL);
        true
    }

    async fn write(&self, reads: &[Read]) -> Result<(), VaultError> {
        let used: HashMap<ConnectionId, Timestamp> = reads
            .iter()
            .filter_map(|read| match read {
                Read::Served { live, at, .. } => Some((live.id, *at)),
                Read::Refused { .. } => None,
            })
            .collect();
        if let Err(error) = self.vault.mark_used(used.into_iter().collect()).await {
            tracing::warn!(%error, "last uses not written");
        }
        self.append(reads.iter().map(Event::from).collect()).await
    }

    /// Puts what could not be written before what came since.
    fn keep(&self, reads: Vec<Read>) {
        let mut pending = self.pending();
        for read in reads.into_iter().rev() {
            pending.push_front(read);
        }
        let surplus = pending.len().saturating_sub(MOST);
        pending.drain(..surplus);
    }

    /// The task that flushes; sleeps while nothing waits. Ends when it is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if self.pending().is_empty() {
                self.waiting.notified().await;
            }
            // A full buffer or a second, whichever comes first.
            let _ = tokio::time::timeout(BATCH, self.waiting.notified()).await;
            if !self.flush().await {
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}
