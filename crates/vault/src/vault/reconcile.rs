//! After a start: finish what a crash interrupted, and adopt items whose rows are gone.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Status, Transition, apply};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_core::name::AccountLabel;
use valetkey_core::stored_grant::StoredGrant;

use super::Vault;
use super::grants::agree;
use crate::database::authenticators::{self, Stage};
use crate::database::sign_ins::{self, SignInRow};
use crate::database::unlogged::UnloggedId;
use crate::database::{connections, settings};
use crate::error::VaultError;
use crate::failpoint;
use crate::secret_store::{ItemName, SecretStore};

/// What the reconciliation found and did.
#[derive(Debug, Default)]
pub struct ReconcileReport {
    /// Rows that now agree with their items.
    pub mended: Vec<Connection>,
    /// First sign-ins whose grant never reached the keychain; their rows are gone.
    pub dropped: Vec<ConnectionId>,
    /// Removals to be finished: revoke, then [`Vault::finish_removal`].
    pub removing: Vec<Connection>,
    /// Authenticators whose addition or removal was interrupted; they are gone.
    pub removed_authenticators: Vec<AuthenticatorId>,
    /// Rows rebuilt from items without a row.
    pub adopted: Vec<Connection>,
    /// Sign-ins that the last process left open, now failed.
    pub interrupted_sign_ins: Vec<SignInRow>,
    /// Events of what was completed here; their lines are still to be written.
    pub unlogged: Vec<(UnloggedId, Event)>,
    /// The secret store could not be asked; nothing is lost. Reconcile again when it is well.
    pub deferred: Option<VaultError>,
}

impl ReconcileReport {
    /// Whether every row is as it was. A deferred report may still have mended some of them.
    pub fn changed_nothing(&self) -> bool {
        self.mended.is_empty()
            && self.dropped.is_empty()
            && self.removed_authenticators.is_empty()
            && self.adopted.is_empty()
            && self.unlogged.is_empty()
    }
}

/// What crashes and failures have left to be finished; see [`Vault::unfinished`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Connections in `removing`: revoke, then [`Vault::finish_removal`], as often as it takes. One
    /// that is being removed just now is among them.
    pub removals: Vec<ConnectionId>,
    /// Rows that the start found half-way and that are still to be compared with their items. Who
    /// writes rows under a lock of its own holds it for these while they are reconciled.
    pub interrupted: Vec<ConnectionId>,
    /// Whether [`Vault::reconcile`] has something to do: interrupted rows, client secrets in doubt,
    /// items that are still to be listed.
    pub reconcile: bool,
}

impl Unfinished {
    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.removals.is_empty() && !self.reconcile
    }
}

impl Vault {
    /// Checks the rows in `connecting`, `refreshing` and `removing` with their items; all other
    /// rows are checked at first use. What is deferred is made up for by the next call: it looks
    /// at what the *start* found and never at work that has begun since.
    ///
    /// Items without rows are looked for only in a database that is new or replaces a lost one: a
    /// listing costs a millisecond an item, and in a database that was always there every item has
    /// its row, which is written first and deleted last.
    ///
    /// May be called at any time and as often as one likes: calls take turns, each row is looked at
    /// under the lock of the operations that write it, and what is well stays as it is.
    pub async fn reconcile(&self, now: Timestamp) -> Result<ReconcileReport, VaultError> {
        let _one_at_a_time = self.shared.reconciling.lock().await;
        let mut report = ReconcileReport::default();
        if self.interrupted().is_none() {
            report.interrupted_sign_ins = self
                .database
                .run(move |db| sign_ins::end_open(db, now))
                .await?;
            let unfinished = self.database.run(|db| connections::unfinished(db)).await?;
            let (removing, begun) = unfinished
                .into_iter()
                .partition(|row: &Connection| row.state.status == Status::Removing);
            report.removing = removing;
            self.set_interrupted(begun);
        }
        match self.reconcile_items(&mut report, now).await {
            Ok(()) => {}
            Err(error @ VaultError::Store(_)) => report.deferred = Some(error),
            Err(error) => return Err(error),
        }
        Ok(report)
    }

    /// What is left to be finished, so that a scheduler can retry it. Waits for a keychain operation
    /// that is under way: its row is half-way only in appearance. Touches no keychain itself.
    pub async fn unfinished(&self) -> Result<Unfinished, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let rows = self.database.run(|db| connections::unfinished(db)).await?;
        let is_removing = |row: &Connection| row.state.status == Status::Removing;
        let removals = rows.into_iter().filter(is_removing).map(|row| row.id);
        let interrupted = self.interrupted();
        // Before the first reconciliation nobody knows.
        let has_interrupted = interrupted.as_ref().is_none_or(|rows| !rows.is_empty());
        let interrupted = interrupted.unwrap_or_default();
        Ok(Unfinished {
            removals: removals.collect(),
            interrupted: interrupted.iter().map(|row| row.id).collect(),
            reconcile: has_interrupted
                || self.shared.must_list_items.load(Ordering::Relaxed)
                || !self.unfinished_authenticators().await?.is_empty(),
        })
    }

    async fn reconcile_items(
        &self,
        report: &mut ReconcileReport,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        for row in self.interrupted().unwrap_or_default() {
            self.reconcile_row(&row, report, now).await?;
            self.forget_interrupted(row.id);
        }
        self.reconcile_authenticators(report, now).await?;
        if self.shared.must_list_items.load(Ordering::Relaxed) {
            self.adopt_items(report, now).await?;
            self.database
                .run(|db| settings::set_items_listed(db))
                .await?;
            self.shared.must_list_items.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn reconcile_row(
        &self,
        row: &Connection,
        report: &mut ReconcileReport,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let id = row.id;
        if self
            .connection(id)
            .await?
            .is_none_or(|saved| saved.state != row.state)
        {
            return Ok(());
        }
        let item = self.read_grant(id).await?;
        let mended = match (&item, row.state.status) {
            (None, Status::Connecting) => {
                self.database
                    .run(move |db| connections::delete_connecting(db, id))
                    .await?;
                report.dropped.push(id);
                return Ok(());
            }
            (Some(item), Status::Refreshing) if item.grant.generation <= row.state.generation => {
                interrupted(row, item, now)
            }
            _ => agree(row, item.as_ref(), now),
        };
        if let Some(mended) = mended {
            if row.state.status == Status::Connecting {
                let event = Event::new(EventKind::ConnectionAdded, now).connection(id);
                let unlogged = self.update_connection(&mended, &event).await?;
                report.unlogged.push((unlogged, event));
            } else {
                self.save_connection(&mended).await?;
            }
            failpoint!("vault.row_mended");
            report.mended.push(mended);
        }
        Ok(())
    }

    /// Rows that the start found half-way and that are still to be checked; None before the start.
    fn interrupted(&self) -> Option<Vec<Connection>> {
        self.shared
            .interrupted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_interrupted(&self, rows: Vec<Connection>) {
        *self
            .shared
            .interrupted
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(rows);
    }

    /// New work begins on this row: what the start found of it counts no more.
    pub fn forget_interrupted(&self, id: ConnectionId) {
        let mut interrupted = self
            .shared
            .interrupted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = &mut *interrupted {
            rows.retain(|row| row.id != id);
        }
    }

    async fn adopt_items(
        &self,
        report: &mut ReconcileReport,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let items = self.keychain.call("list", SecretStore::list).await?;
        let known: BTreeSet<_> = self.connections().await?.iter().map(|row| row.id).collect();
        for item in items {
            if let ItemName::Grant(id) = item
                && !known.contains(&id)
                && let Some(row) = self.adopt_item(id, now).await?
            {
                failpoint!("vault.item_adopted");
                report.adopted.push(row);
            }
        }
        Ok(())
    }

    async fn adopt_item(
        &self,
        id: ConnectionId,
        now: Timestamp,
    ) -> Result<Option<Connection>, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        // Only now, under the lock: a removal may have ended since the listing.
        let Some(stored) = self.read_grant(id).await? else {
            return Ok(None);
        };
        let work = move |db: &mut rusqlite::Connection| {
            let transaction = db.transaction()?;
            let row = adopt(&transaction, &stored, now)?;
            transaction.commit()?;
            Ok(row)
        };
        self.database.run(work).await
    }
}

/// The row of a refresh that was cut off before its answer was stored: the item is what it was.
fn interrupted(row: &Connection, item: &StoredGrant, now: Timestamp) -> Option<Connection> {
    let transition = Transition::Postponed {
        from: row.state.generation,
        is_valid: item.grant.is_valid(now),
    };
    let state = apply(row.state, transition).ok()?;
    Some(Connection {
        state,
        ..row.clone()
    })
}

fn adopt(
    db: &rusqlite::Connection,
    stored: &StoredGrant,
    now: Timestamp,
) -> Result<Option<Connection>, VaultError> {
    if connections::get(db, stored.connection)?.is_some() {
        return Ok(None);
    }
    adopt_authenticator(db, &stored.authenticator)?;
    let mut row = Connection::adopted(stored, now);
    for label in labels(&row) {
        row.account.label = label;
        match connections::insert(db, &row) {
            Ok(()) => return Ok(Some(row)),
            Err(VaultError::NameTaken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(VaultError::Bug(format!(
        "no free name for the connection {}",
        row.id
    )))
}

/// The client of an adopted grant. Of several copies, the one changed last is right.
fn adopt_authenticator(db: &rusqlite::Connection, copy: &Authenticator) -> Result<(), VaultError> {
    match authenticators::get(db, copy.id)? {
        Some((known, stage)) if known.updated_at < copy.updated_at => {
            match authenticators::update(db, copy, stage) {
                // Its newer name was given to another one since: the older name stays.
                Err(VaultError::NameTaken(_)) => Ok(()),
                result => result,
            }
        }
        Some(_) => Ok(()),
        None => {
            let mut row = copy.clone();
            let mut number = 1;
            loop {
                match authenticators::insert(db, &row, Stage::Ready) {
                    Err(VaultError::NameTaken(_)) => {
                        number += 1;
                        row.name = numbered(copy.name.as_str(), number);
                    }
                    result => return result,
                }
            }
        }
    }
}

/// The labels that an adopted connection may get: its own, its account's, numbered ones.
fn labels(row: &Connection) -> impl Iterator<Item = Option<AccountLabel>> + use<> {
    let own = row.account.label.clone();
    let account = row
        .account
        .display_name
        .as_deref()
        .and_then(AccountLabel::from_account);
    let base = own
        .as_ref()
        .or(account.as_ref())
        .map_or("account", AccountLabel::as_str)
        .to_owned();
    let numbered_ones = (2..10_000).map(move |number| Some(numbered(&base, number)));
    [own]
        .into_iter()
        .chain(account.map(Some))
        .chain(numbered_ones)
}

/// `name-2`, shortened where it would become too long.
fn numbered<N: std::str::FromStr<Err: std::fmt::Debug>>(name: &str, number: u32) -> N {
    let suffix = format!("-{number}");
    let mut end = name.len().min(valetkey_core::name::MAX_NAME - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &name[..end])
        .parse()
        .expect("a name with a number is a name")
}
