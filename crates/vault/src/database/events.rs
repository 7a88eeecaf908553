//! The audit log: appended, never changed. Ids grow by one and are never used again. Each line carries
//! a MAC that depends on all lines before it (`chain`).

pub(crate) mod chain;
pub(crate) mod old;
mod query;
pub(crate) mod resume;
pub(crate) mod verify;

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, TransactionBehavior, params};
use valetkey_core::event::{Event, EventId};
use valetkey_core::id::ConnectionId;

use self::chain::{Chain, Columns, LineMac, Position};
use super::column::Nanoseconds;
use super::connections;
use super::migration::Migration;
use super::unlogged::{self, UnloggedId};
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
    Migration {
        // The chain. Lines go from its front, in the order of their ids: nothing is looked up by time.
        version: 14,
        sql: "ALTER TABLE events ADD COLUMN mac BLOB;
          DROP INDEX events_by_time",
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

/// What is written with lines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effects<'a> {
    /// When connections were last used.
    pub(crate) uses: &'a [(ConnectionId, Timestamp)],
    /// Events that are in the log now.
    pub(crate) logged: &'a [UnloggedId],
}

/// Appends events and what goes with them, in one transaction; returns the last id.
/// Without a chain the lines get no MAC. `is_awaited` says whether other work waits for the database.
pub(crate) fn append(
    connection: &mut Connection,
    chain: Option<&mut Chain>,
    events: impl Iterator<Item = Event>,
    with: Effects<'_>,
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
    let written = transact(connection, durability, |transaction| {
        connections::mark_used(transaction, with.uses)?;
        unlogged::remove(transaction, with.logged)?;
        insert(transaction, chain.as_deref(), events)
    });
    if let Some(chain) = chain {
        chain.is_in_doubt = written.is_err();
        if let Ok(head) = &written {
            chain.head = *head;
        }
    }
    Ok(written?.id)
}

/// Deletes at most [`PRUNE_STEP`] lines up to `last`; how many.
pub(crate) fn prune(connection: &mut Connection, last: EventId) -> Result<usize, VaultError> {
    transact(connection, Durability::Deferred, |transaction| {
        let sql = format!(
            "DELETE FROM events WHERE id IN
                 (SELECT id FROM events WHERE id <= ?1 ORDER BY id LIMIT {PRUNE_STEP})"
        );
        Ok(transaction.prepare_cached(&sql)?.execute([last.0])?)
    })
}

/// All that was written before is on disk afterwards.
pub(crate) fn sync(connection: &mut Connection) -> Result<(), VaultError> {
    // Any durable write does it; this one changes nothing.
    transact(connection, Durability::Durable, |transaction| {
        let sql = "UPDATE sqlite_sequence SET seq = seq WHERE name = 'events'";
        transaction.execute(sql, [])?;
        Ok(())
    })
}

/// The id of the newest event; 0 before the first.
pub(crate) fn last_id(connection: &Connection) -> Result<EventId, VaultError> {
    let sql = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    Ok(connection.query_row(sql, [], |row| row.get(0).map(EventId))?)
}

/// The newest line that stands in the table; 0 if there is none.
pub(crate) fn last_line(connection: &Connection) -> Result<EventId, VaultError> {
    let sql = "SELECT ifnull(max(id), 0) FROM events";
    Ok(connection.query_row(sql, [], |row| row.get(0).map(EventId))?)
}

/// Whether any line has a MAC.
pub(crate) fn has_chain(connection: &Connection) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM events WHERE mac IS NOT NULL)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
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

/// Returns the last line.
fn insert(
    connection: &Connection,
    chain: Option<&Chain>,
    events: impl Iterator<Item = Event>,
) -> Result<Position, VaultError> {
    let mut last = Position {
        id: last_id(connection)?,
        mac: LineMac::ZERO,
    };
    if let Some(chain) = chain {
        let head = if chain.is_in_doubt {
            resume::last_with_mac(connection, chain.head)?
        } else {
            chain.head
        };
        last = Position {
            id: last.id.max(head.id),
            mac: head.mac,
        };
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (id, at, kind, connection, authenticator, sign_in, actor, detail, mac)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for event in events {
        let id = EventId(last.id.0 + 1);
        let at = Nanoseconds(event.at).number();
        let kind = event.kind.as_str();
        let about = [
            event.connection.map(ConnectionId::uuid),
            event
                .authenticator
                .map(valetkey_core::id::AuthenticatorId::uuid),
            event.sign_in.map(valetkey_core::id::SignInId::uuid),
        ];
        let [connection, authenticator, sign_in] = about
            .each_ref()
            .map(|id| id.as_ref().map(|id| id.as_bytes().as_slice()));
        let actor = event.actor.as_ref().map(ToString::to_string);
        let detail = (!event.detail.is_null()).then(|| event.detail.to_string());
        let columns = Columns {
            at,
            kind: kind.as_bytes(),
            others: [
                connection,
                authenticator,
                sign_in,
                actor.as_deref().map(str::as_bytes),
                detail.as_deref().map(str::as_bytes),
            ],
        };
        let mac = chain.map(|chain| chain.key.mac(last.mac, id, &columns));
        statement.execute(params![
            id.0,
            at,
            kind,
            connection,
            authenticator,
            sign_in,
            actor,
            detail,
            mac
        ])?;
        last = Position {
            id,
            mac: mac.unwrap_or(LineMac::ZERO),
        };
    }
    Ok(last)
}

/// The columns of a row `SELECT id, at, kind, connection, authenticator, sign_in, actor, detail`,
/// whatever they hold.
fn with_columns<T>(row: &Row<'_>, work: impl FnOnce(&Columns<'_>) -> T) -> Result<T, VaultError> {
    let bytes = |index| -> rusqlite::Result<Option<&[u8]>> {
        Ok(match row.get_ref(index)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
        })
    };
    let columns = Columns {
        at: row.get(1)?,
        kind: bytes(2)?.unwrap_or_default(),
        others: [bytes(3)?, bytes(4)?, bytes(5)?, bytes(6)?, bytes(7)?],
    };
    Ok(work(&columns))
}
