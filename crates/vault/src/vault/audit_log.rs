//! The audit log: its chain, whose key and last known ends the keychain holds.
//!
//! The problem: who can write the database could change the record of what happened. So each line
//! carries a MAC over the line before it and itself (`database::events::chain`), under a key that is in
//! the keychain only; and the keychain remembers where the chain begins and ends ([`Anchor`]), so that
//! neither end can be cut off. A keychain write is slow, so the end that it knows is up to a minute old
//! while something happens; a cut within the last minute before a crash cannot be told from the crash.
//!
//! Order of writes: lines are on disk before the anchor names them; the anchor names the new start
//! before lines in front of it are deleted. A kill between the two is finished at the next start.
//!
//! Without the keychain lines are written without MACs. They join the chain when it can be asked, and
//! a line of its own says so.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::ConnectionId;
use zeroize::Zeroizing;

use super::Vault;
use crate::database::events::chain::{Chain, ChainKey, LineMac, Position};
use crate::database::events::old::Age;
use crate::database::events::resume::{Damage, resume};
use crate::database::events::verify::{Expected, LogCheck, check};
use crate::database::events::{self, Durability, Effects, EventFilter};
use crate::database::unlogged::UnloggedId;
use crate::error::VaultError;
use crate::failpoint;
use crate::secret_store::{ItemName, SecretStore};

/// What the keychain holds.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Anchor {
    key: ChainKey,
    /// Lines up to this one were written before there was this key.
    uncovered_until: EventId,
    /// The line before the first of the chain.
    start: Position,
    /// The newest line that was anchored.
    head: Position,
}

/// The chain, for the writer.
pub(super) type SharedChain = Arc<Mutex<Option<Chain>>>;

impl Vault {
    /// Appends to the audit log, and saves when connections were last used (which never moves back), in
    /// one transaction, in which those of `logged` are no longer unlogged; returns the id of the last
    /// event. The iterator runs on the database thread.
    pub async fn append_events(
        &self,
        events: impl IntoIterator<Item = Event, IntoIter: Send> + Send + 'static,
        uses: Vec<(ConnectionId, Timestamp)>,
        logged: Vec<UnloggedId>,
        durability: Durability,
    ) -> Result<EventId, VaultError> {
        let database = self.database.clone();
        let is_awaited = move || database.is_awaited();
        let chain = SharedChain::clone(&self.shared.chain);
        let work = move |db: &mut rusqlite::Connection| {
            let mut chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
            let events = events.into_iter();
            let with = Effects {
                uses: &uses,
                logged: &logged,
            };
            events::append(db, chain.as_mut(), events, with, durability, is_awaited)
        };
        self.database.run(work).await
    }

    /// Reads the audit log, the oldest of the selection first. Blocks no other operation.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<(EventId, Event)>, VaultError> {
        self.database
            .read(move |db| events::select(db, &filter))
            .await
    }

    /// Takes up the chain, if that was not done yet: reads the key or makes it, has lines without a MAC
    /// join, and says in the log what else was found. Returns the line that was appended. Fails without
    /// the keychain, which is never prompted for; to be repeated then.
    pub async fn open_log_chain(&self, now: Timestamp) -> Result<Option<EventId>, VaultError> {
        let mut anchor = self.shared.anchor.lock().await;
        self.open_chain(&mut anchor, now).await
    }

    async fn open_chain(
        &self,
        anchor: &mut Option<Anchor>,
        now: Timestamp,
    ) -> Result<Option<EventId>, VaultError> {
        if anchor.is_some() {
            return Ok(None);
        }
        let read = |store: &mut dyn SecretStore| {
            store.check()?;
            store.read(&ItemName::AuditLog)
        };
        let item = self.keychain.call("read", read).await?;
        let known: Option<Anchor> = item.and_then(|item| serde_json::from_slice(&item).ok());
        let is_key_lost = known.is_none() && self.database.run(|db| events::has_chain(db)).await?;
        let opened = match known {
            Some(known) => known,
            None => self.new_anchor().await?,
        };
        failpoint!("vault.log_key");
        let (late, damage) = {
            let Anchor {
                key, start, head, ..
            } = opened.clone();
            let shared = SharedChain::clone(&self.shared.chain);
            let work = move |db: &mut rusqlite::Connection| {
                let resumed = resume(db, key, start, head)?;
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                *shared = Some(resumed.chain);
                Ok((resumed.late, resumed.damage))
            };
            self.database.run(work).await?
        };
        failpoint!("vault.log_resumed");
        // What a kill left of a deletion.
        if opened.start.id > opened.uncovered_until {
            self.delete_lines(opened.start.id).await?;
        }
        let mut found = Vec::new();
        // The key of a store in memory ends with each process.
        if is_key_lost && !self.shared.is_store_temporary {
            found.push((EventKind::LogDamaged, json!({ "why": "key_missing" })));
        }
        if let Some(damage) = damage {
            let why = match damage {
                Damage::DatabaseReplaced => "database_replaced",
                Damage::LinesMissing => "lines_missing",
                Damage::LineChanged => "line_changed",
            };
            let detail = json!({ "why": why, "known_until": opened.head.id });
            found.push((EventKind::LogDamaged, detail));
        }
        if let Some((first, last)) = late {
            let detail = json!({ "first": first, "last": last });
            found.push((EventKind::LogChained, detail));
        }
        let events: Vec<Event> = found
            .into_iter()
            .map(|(kind, detail)| Event::new(kind, now).detail(detail))
            .collect();
        let told = if events.is_empty() {
            None
        } else {
            let told = self.append_events(events, Vec::new(), Vec::new(), Durability::Durable);
            Some(told.await?)
        };
        *anchor = Some(opened);
        Ok(told)
    }

    /// Makes a key, for the lines from now on.
    async fn new_anchor(&self) -> Result<Anchor, VaultError> {
        let last = self.database.run(|db| events::last_id(db)).await?;
        let start = Position {
            id: last,
            mac: LineMac::ZERO,
        };
        let key = ChainKey::random()
            .map_err(|error| VaultError::Bug(format!("no random bytes: {error}")))?;
        let anchor = Anchor {
            key,
            uncovered_until: last,
            start,
            head: start,
        };
        self.write_anchor(&anchor).await?;
        Ok(anchor)
    }

    async fn write_anchor(&self, anchor: &Anchor) -> Result<(), VaultError> {
        let item = serde_json::to_vec(anchor).expect("plain structs serialise");
        let item = Zeroizing::new(item);
        Ok(self.write_item(ItemName::AuditLog, item).await?)
    }

    /// The last line that was written, and the last that stands in the table.
    async fn chain_end(&self) -> Result<(Position, EventId), VaultError> {
        let chain = SharedChain::clone(&self.shared.chain);
        let work = move |db: &mut rusqlite::Connection| {
            let newest = events::last_line(db)?;
            let chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
            let chain = chain.as_ref().ok_or_else(VaultError::stopped)?;
            Ok((chain.head, newest))
        };
        self.database.run(work).await
    }

    /// Has the keychain remember the end of the chain; writes nothing if it does already. Returns the
    /// line that was appended if the chain had to be taken up first.
    pub async fn anchor_log(&self, now: Timestamp) -> Result<Option<EventId>, VaultError> {
        let mut anchor = self.shared.anchor.lock().await;
        let told = self.open_chain(&mut anchor, now).await?;
        let known = anchor.as_mut().expect("opened above");
        let (head, _) = self.chain_end().await?;
        if head != known.head {
            let next = Anchor {
                head,
                ..known.clone()
            };
            self.move_anchor(known, next).await?;
        }
        Ok(told)
    }

    /// Lines are on disk before the keychain names them: a power cut must not look like a cut.
    async fn move_anchor(&self, known: &mut Anchor, next: Anchor) -> Result<(), VaultError> {
        self.database.run(events::sync).await?;
        failpoint!("vault.log_synced");
        self.write_anchor(&next).await?;
        failpoint!("vault.log_anchored");
        *known = next;
        Ok(())
    }

    /// Deletes events older than `before`, in short transactions between which others take their
    /// turn; how many. May be stopped at any point and called again. Needs the keychain, which learns
    /// first where the log begins from now on. Changed lines that go with older ones are said in the log.
    pub async fn prune_events(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<usize, VaultError> {
        let mut anchor = self.shared.anchor.lock().await;
        self.open_chain(&mut anchor, now).await?;
        let known = anchor.as_mut().expect("opened above");
        let Anchor {
            key,
            uncovered_until,
            start,
            ..
        } = known.clone();
        let age = Age { before, now };
        let find = move |db: &rusqlite::Connection| {
            events::old::find(db, &key, start, uncovered_until, age)
        };
        let Some(old) = self.database.read(find).await? else {
            return Ok(0);
        };
        if let Some(start) = old.in_chain {
            if let Some((first, last)) = old.damaged {
                let why = "changed_before_pruning";
                let detail = json!({ "why": why, "first": first, "last": last });
                let told = [Event::new(EventKind::LogDamaged, now).detail(detail)];
                self.append_events(told, Vec::new(), Vec::new(), Durability::Durable)
                    .await?;
            }
            let (head, _) = self.chain_end().await?;
            let next = Anchor {
                start,
                head,
                ..known.clone()
            };
            self.move_anchor(known, next).await?;
        }
        self.delete_lines(old.last).await
    }

    async fn delete_lines(&self, last: EventId) -> Result<usize, VaultError> {
        let mut deleted = 0;
        loop {
            let step = self.database.run(move |db| events::prune(db, last)).await?;
            failpoint!("vault.log_lines_deleted");
            deleted += step;
            if step < events::PRUNE_STEP {
                return Ok(deleted);
            }
        }
    }

    /// Checks every line against the chain. Blocks no other operation but the deletion of old lines.
    pub async fn check_log(&self, now: Timestamp) -> Result<LogCheck, VaultError> {
        let mut anchor = self.shared.anchor.lock().await;
        self.open_chain(&mut anchor, now).await?;
        let known = anchor.as_ref().expect("opened above");
        let (head, newest) = self.chain_end().await?;
        let expected = Expected {
            key: known.key.clone(),
            start: known.start,
            uncovered_until: known.uncovered_until,
            head,
            newest,
        };
        self.database.read(move |db| check(db, &expected)).await
    }
}
