//! Runs migrations: each once, in a transaction of its own.
//!
//! `user_version` counts them. Before the first one on a database that holds data, a copy is made.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::error::VaultError;
use crate::private;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// The schema version that it leads to.
    pub(super) version: u32,
    pub(super) sql: &'static str,
}

/// The schema version of the open database.
pub(crate) fn schema_version(connection: &Connection) -> Result<u32, VaultError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings the database at `path` to the newest of `migrations`.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<(), VaultError> {
    let found = schema_version(connection)?;
    let known = migrations.last().map_or(0, |last| last.version);
    if found > known {
        return Err(VaultError::NewerSchema { found, known });
    }
    if found > 0 && found < known {
        back_up(connection, path, found)?;
    }
    for migration in migrations
        .iter()
        .filter(|migration| migration.version > found)
    {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration.sql)?;
        transaction.pragma_update(None, "user_version", migration.version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn back_up(connection: &Connection, path: &Path, version: u32) -> Result<(), VaultError> {
    let copy = path.with_extension(format!("db.before-{}", version + 1));
    // An older copy of the same version would be merged page by page: start from nothing.
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(VaultError::io("replace", &copy, &error));
        }
        Ok(()) | Err(_) => {}
    }
    private::file(&copy)?;
    let mut target = Connection::open(&copy)?;
    Backup::new(connection, &mut target)?.run_to_completion(1000, Duration::ZERO, None)?;
    Ok(())
}
