//! Refresh tokens that were given: which of them are still to be imported, and which were, by their
//! fingerprints. A token that is rotated by its use must not be sent a second time.

use rusqlite::{Connection, OptionalExtension as _, params};
use valetkey_core::id::{ConnectionId, Generation, SignInId};
use valetkey_core::secret::Fingerprint;

use super::column::Text;
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 21,
    sql: "CREATE TABLE token_imports (
              id TEXT PRIMARY KEY,
              fingerprint TEXT NOT NULL UNIQUE,
              is_pending INTEGER NOT NULL,
              connection TEXT,
              generation INTEGER
          ) STRICT, WITHOUT ROWID",
}];

/// What is known of a token that was given before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlierImport {
    /// Its import is not over.
    Pending,
    /// This connection came of it.
    Imported(ConnectionId),
}

/// Adds a pending import, unless the token was given before and is still held.
pub(crate) fn insert(
    db: &mut Connection,
    id: SignInId,
    token: &Fingerprint,
) -> Result<Option<EarlierImport>, VaultError> {
    let transaction = db.transaction()?;
    // A token whose connection is gone or refused may be given again.
    let sql = "DELETE FROM token_imports WHERE is_pending = 0 AND fingerprint = ?1
                   AND NOT EXISTS (SELECT 1 FROM connections WHERE connections.id = token_imports.connection
                                   AND status NOT IN ('removing', 'needs_reconnect'))";
    transaction.execute(sql, [token.as_str()])?;
    let sql = "SELECT is_pending, connection FROM token_imports WHERE fingerprint = ?1";
    let earlier = transaction
        .query_row(sql, [token.as_str()], |row| {
            let connection = row.get::<_, Option<Text<ConnectionId>>>(1)?;
            Ok((row.get(0)?, connection))
        })
        .optional()?;
    match earlier {
        Some((false, Some(Text(connection)))) => {
            return Ok(Some(EarlierImport::Imported(connection)));
        }
        Some((true, _) | (false, None)) => return Ok(Some(EarlierImport::Pending)),
        None => {}
    }
    let sql = "INSERT INTO token_imports (id, fingerprint, is_pending) VALUES (?1, ?2, 1)";
    transaction.execute(sql, params![Text(id), token.as_str()])?;
    transaction.commit()?;
    Ok(None)
}

/// The imports that are not over.
pub(crate) fn pending(db: &Connection) -> Result<Vec<SignInId>, VaultError> {
    let sql = "SELECT id FROM token_imports WHERE is_pending = 1 ORDER BY id";
    let mut statement = db.prepare(sql)?;
    let ids = statement.query_map([], |row| Ok(row.get::<_, Text<_>>(0)?.0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Its grant is about to be stored as this generation of this connection.
pub(crate) fn mark(
    db: &Connection,
    id: SignInId,
    connection: ConnectionId,
    generation: Generation,
) -> Result<(), VaultError> {
    let sql = "UPDATE token_imports SET connection = ?2, generation = ?3 WHERE id = ?1";
    let generation = i64::try_from(generation.0).unwrap_or(i64::MAX);
    db.execute(sql, params![Text(id), Text(connection), generation])?;
    Ok(())
}

/// Where its grant was about to be stored.
pub(crate) fn marked(
    db: &Connection,
    id: SignInId,
) -> Result<Option<(ConnectionId, Generation)>, VaultError> {
    let sql = "SELECT connection, generation FROM token_imports WHERE id = ?1";
    let found = db
        .query_row(sql, [Text(id)], |row| {
            let connection = row.get::<_, Option<Text<ConnectionId>>>(0)?;
            let generation = row.get::<_, Option<i64>>(1)?;
            Ok(connection.map(|Text(id)| id).zip(generation))
        })
        .optional()?;
    let found = found.flatten();
    Ok(found.map(|(id, generation)| (id, Generation(u64::try_from(generation).unwrap_or(0)))))
}

/// It is over: with a connection, or with nothing.
pub(crate) fn end(
    db: &Connection,
    id: SignInId,
    connection: Option<ConnectionId>,
) -> Result<(), VaultError> {
    match connection {
        Some(connection) => db.execute(
            "UPDATE token_imports SET is_pending = 0, connection = ?2 WHERE id = ?1",
            params![Text(id), Text(connection)],
        )?,
        None => db.execute("DELETE FROM token_imports WHERE id = ?1", [Text(id)])?,
    };
    Ok(())
}
