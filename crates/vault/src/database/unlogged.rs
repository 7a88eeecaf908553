//! Events of changes whose lines are still to be written to the log.
//!
//! A line's place is where it was queued, behind all that happened before the change was in force, so it
//! cannot be written with the change. What stands here is: in one transaction with the change, until the
//! line is in the log. After a kill between the two it is what the next start writes.

use rusqlite::{Connection, params};
use valetkey_core::event::Event;

use super::column::Json;
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 18,
    sql: "CREATE TABLE unlogged_events (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              event TEXT NOT NULL
          ) STRICT",
}];

/// Names an event whose line is still to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnloggedId(i64);

/// Makes a change and keeps its event, or neither.
pub(crate) fn change(
    connection: &mut Connection,
    event: &Event,
    change: impl FnOnce(&Connection) -> Result<(), VaultError>,
) -> Result<UnloggedId, VaultError> {
    let transaction = connection.transaction()?;
    change(&transaction)?;
    let sql = "INSERT INTO unlogged_events (event) VALUES (?1)";
    transaction.execute(sql, params![Json(event)])?;
    let id = UnloggedId(transaction.last_insert_rowid());
    transaction.commit()?;
    Ok(id)
}

/// The oldest first. One that this version cannot read is left out.
pub(crate) fn all(connection: &Connection) -> Result<Vec<(UnloggedId, Event)>, VaultError> {
    let sql = "SELECT id, event FROM unlogged_events ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        match row.get::<_, Json<Event>>(1) {
            Ok(Json(event)) => events.push((UnloggedId(row.get(0)?), event)),
            Err(error) => tracing::warn!(%error, "an event cannot be read"),
        }
    }
    Ok(events)
}

/// Their lines are in the log.
pub(crate) fn remove(connection: &Connection, logged: &[UnloggedId]) -> Result<(), VaultError> {
    for UnloggedId(id) in logged {
        connection.execute("DELETE FROM unlogged_events WHERE id = ?1", [id])?;
    }
    Ok(())
}
