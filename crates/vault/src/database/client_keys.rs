//! Keys of local programs for the loopback listener, only as hashes.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::secret::Fingerprint;

use super::authenticators::is_taken;
use super::column::{At, Json, Text};
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 6,
        sql: "CREATE TABLE client_keys (
              id TEXT PRIMARY KEY,
              name TEXT NOT NULL UNIQUE,
              hash TEXT NOT NULL,
              connections TEXT,
              manage INTEGER NOT NULL,
              created_at TEXT NOT NULL,
              expires_at TEXT,
              used_at TEXT
          ) STRICT, WITHOUT ROWID",
    },
    Migration {
        // Who made the keys that are there is not known: they stay in force.
        version: 17,
        sql: "ALTER TABLE client_keys ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 1",
    },
];

/// A client key: what it opens and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeyRow {
    /// Its id.
    pub id: ClientKeyId,
    /// What the person calls it.
    pub name: String,
    /// SHA-256 of the key; the key itself is shown once and kept nowhere.
    pub hash: Fingerprint,
    /// The connections it opens; None for all of them.
    pub connections: Option<Vec<ConnectionId>>,
    /// Whether it may also manage authenticators and connections.
    pub manage: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// False for a key that was made while no desktop app ran: while one runs, it counts only once the
    /// person has confirmed it.
    pub confirmed: bool,
}

impl ClientKeyRow {
    /// Whether it has not ended.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it is in force. Unconfirmed keys are not while a desktop app runs.
    pub fn is_active(&self, now: Timestamp, desktop: bool) -> bool {
        (self.confirmed || !desktop) && self.is_live(now)
    }
}

const COLUMNS: &str =
    "id, name, hash, connections, manage, created_at, expires_at, used_at, confirmed";

pub(crate) fn all(connection: &Connection) -> Result<Vec<ClientKeyRow>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM client_keys ORDER BY created_at, id");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

pub(crate) fn insert(connection: &Connection, row: &ClientKeyRow) -> Result<(), VaultError> {
    let sql =
        format!("INSERT INTO client_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    let values = params![
        Text(row.id),
        row.name,
        row.hash.as_str(),
        row.connections.as_ref().map(Json),
        row.manage,
        At(row.created_at),
        row.expires_at.map(At),
        row.used_at.map(At),
        row.confirmed,
    ];
    match connection.execute(&sql, values) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(VaultError::NameTaken(format!("`{}`", row.name))),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn delete(connection: &Connection, id: ClientKeyId) -> Result<(), VaultError> {
    match connection.execute("DELETE FROM client_keys WHERE id = ?1", [Text(id)])? {
        0 => Err(VaultError::NotFound(format!("the client key {id}"))),
        _ => Ok(()),
    }
}

pub(crate) fn confirm(connection: &Connection, id: ClientKeyId) -> Result<(), VaultError> {
    match connection.execute(
        "UPDATE client_keys SET confirmed = 1 WHERE id = ?1",
        [Text(id)],
    )? {
        0 => Err(VaultError::NotFound(format!("the client key {id}"))),
        _ => Ok(()),
    }
}

pub(crate) fn mark_used(
    connection: &mut Connection,
    uses: &[(ClientKeyId, Timestamp)],
) -> Result<(), VaultError> {
    let transaction = connection.transaction()?;
    for (id, at) in uses {
        let sql = "UPDATE client_keys SET used_at = ?2 WHERE id = ?1";
        transaction.execute(sql, params![Text(id), At(*at)])?;
    }
    Ok(transaction.commit()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ClientKeyRow> {
    Ok(ClientKeyRow {
        id: row.get::<_, Text<_>>(0)?.0,
        name: row.get(1)?,
        hash: Fingerprint::from_hex(row.get::<_, String>(2)?),
        connections: row
            .get::<_, Option<Json<_>>>(3)?
            .map(|Json(connections)| connections),
        manage: row.get(4)?,
        created_at: row.get::<_, At>(5)?.0,
        expires_at: row.get::<_, Option<At>>(6)?.map(|At(at)| at),
        used_at: row.get::<_, Option<At>>(7)?.map(|At(at)| at),
        confirmed: row.get(8)?,
    })
}
