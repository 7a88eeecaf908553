//! The audit log: appended, never changed. Ids grow by one and are never used again.

mod query;

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use valetkey_core::event::{Event, EventId};
use valetkey_core::id::ConnectionId;

use super::column::{Bytes, Json, Nanoseconds};
use super::connections;
use super::migration::Migration;
use crate::error::VaultError;

pub use self::query::EventFilter;
pub(crate) use self::query::select;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 7,
        sql: "CREATE TABLE events (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              at TEXT NOT NULL,
              kind TEXT NOT NULL,
              connection TEXT,
              authenticator TEXT,
              sign_in TEXT,
              actor TEXT,
              detail TEXT
          ) STRICT;
          CREATE INDEX events_by_connection ON events (connection) WHERE connection IS NOT NULL",
    },
    Migration {
        // Numbers and bytes in place of text pay for an index for each filter and one for pruning.
        version: 9,
        sql: "CREATE TABLE compact_events (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              at INTEGER NOT NULL,
              kind TEXT NOT NULL,
              connection BLOB,
              authenticator BLOB,
              sign_in BLOB,
              actor TEXT,
              detail TEXT
          ) STRICT;
          INSERT INTO compact_events SELECT id,
              unixepoch(substr(at, 1, 19)) * 1000000000 + CAST(substr(at, 21, 9) AS INTEGER),
              kind, unhex(connection, '-'), unhex(authenticator, '-'), unhex(sign_in, '-'),
              actor, detail FROM events;
          DROP TABLE events;
          ALTER TABLE compact_events RENAME TO events;
          CREATE INDEX events_by_time ON events (at);
          CREATE INDEX events_by_kind ON events (kind);
          CREATE INDEX events_by_connection ON events (connection) WHERE connection IS NOT NULL",
    },
];

/// Lines are written so many at a stretch, in about 0.1 ms.
const ROWS_AT_A_STRETCH: usize = 16;

/// Events deleted in one transaction. It takes a millisecond or two, for which others wait.
pub(crate) const PRUNE_STEP: usize = 500;

/// What a power cut may undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: it is on disk, and so is all that was written before.
    Durable,
    /// What was written since the last durable write: there is too much of it to wait for the disk each
    /// time.
    Deferred,
}

/// Appends events and saves when connections were last used, in one transaction; returns the last id.
/// `is_awaited` says whether other work waits for the database.
pub(crate) fn append(
    connection: &mut Connection,
    events: impl Iterator<Item = Event>,
    uses: &[(ConnectionId, Timestamp)],
    durability: Durability,
    is_awaited: impl Fn() -> bool,
) -> Result<EventId, VaultError> {
    // Nobody waits for a deferred write, and callers on the same processor wait while it runs. A sleep,
    // and not `yield_now`, after which Linux 6.18 lets the thread fall behind.
    let pauses = durability == Durability::Deferred;
    let events = events.enumerate().map(|(number, event)| {
        if pauses && number % ROWS_AT_A_STRETCH == ROWS_AT_A_STRETCH - 1 && !is_awaited() {
            std::thread::sleep(Duration::from_micros(1));
        }
        event
    });
    transact(connection, durability, |transaction| {
        connections::mark_used(transaction, uses)?;
        insert(transaction, events)?;
        last_id(transaction)
    })
}

/// Deletes at most [`PRUNE_STEP`] events older than `before`; how many.
pub(crate) fn prune(connection: &mut Connection, before: Timestamp) -> Result<usize, VaultError> {
    transact(connection, Durability::Deferred, |transaction| {
        let sql = format!(
            "DELETE FROM events WHERE id IN
                 (SELECT id FROM events WHERE at < ?1 ORDER BY at LIMIT {PRUNE_STEP})"
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        Ok(statement.execute([Nanoseconds(before)])?)
    })
}

fn transact<T>(
    connection: &mut Connection,
    durability: Durability,
    work: impl FnOnce(&Connection) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    if durability == Durability::Deferred {
        connection.pragma_update(None, "synchronous", "normal")?;
    }
    let result = (|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    })();
    if durability == Durability::Deferred {
        connection.pragma_update(None, "synchronous", "full")?;
    }
    result
}

fn insert(connection: &Connection, events: impl Iterator<Item = Event>) -> Result<(), VaultError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (at, kind, connection, authenticator, sign_in, actor, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for event in events {
        statement.execute(params![
            Nanoseconds(event.at),
            event.kind.as_str(),
            event.connection.map(|id| Bytes(id.uuid())),
            event.authenticator.map(|id| Bytes(id.uuid())),
            event.sign_in.map(|id| Bytes(id.uuid())),
            event.actor.as_ref().map(ToString::to_string),
            Some(&event.detail)
                .filter(|detail| !detail.is_null())
                .map(Json),
        ])?;
    }
    Ok(())
}

/// The id of the newest event; 0 before the first.
pub(crate) fn last_id(connection: &Connection) -> Result<EventId, VaultError> {
    let sql = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    Ok(connection.query_row(sql, [], |row| row.get(0).map(EventId))?)
}
