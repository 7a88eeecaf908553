//! Opening the database of a home, whatever state it is in.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use valetkey_core::home::Home;

use super::{migration, schema, settings};
use crate::error::VaultError;
use crate::private;
use crate::vault_id::VaultId;

/// Another program may hold the file for a moment: a backup, a person with `sqlite3`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// In KiB, negative as SQLite wants it. An eighth of the default: rows are few, and the agent has
/// them in memory anyway.
const CACHE_SIZE: i32 = -256;

/// What was found at the start.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) vault_id: VaultId,
    /// The database is new, or replaces a lost one: the keychain may know logins that it does not.
    pub(crate) must_list_items: bool,
    /// A file that was no database was moved here.
    pub(crate) moved_aside: Option<PathBuf>,
}

/// Opens, and creates what is missing.
pub(super) fn open(home: &Home) -> Result<(Connection, Opened), VaultError> {
    for folder in [&home.data, &home.state, &home.runtime] {
        private::folder(folder)?;
    }
    let path = home.database();
    // First: SQLite gives its journal files the mode of the database.
    private::file(&path)?;
    let (mut connection, moved_aside) = match connect(&path) {
        Ok(connection) => (connection, None),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            let aside = move_aside(&path)?;
            tracing::error!(moved_to = %aside.display(), "the database file was no database");
            private::file(&path)?;
            (connect(&path)?, Some(aside))
        }
        Err(error) => return Err(error.into()),
    };
    migration::migrate(&mut connection, &path, &schema::migrations())?;
    let recorded = settings::vault_id(&connection)?;
    let vault_id = VaultId::of(home, recorded)?;
    if vault_id.recorded() != recorded {
        settings::set_vault_id(&connection, vault_id.recorded())?;
    }
    let must_list_items = !settings::items_listed(&connection)?;
    let opened = Opened {
        vault_id,
        must_list_items,
        moved_aside,
    };
    Ok((connection, opened))
}

/// A second connection to a database that [`open`] has opened.
pub(super) fn read_only(path: &Path) -> Result<Connection, VaultError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn move_aside(path: &Path) -> Result<PathBuf, VaultError> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = beside(path, &format!(".corrupt-{now}"));
    fs::rename(path, &aside).map_err(|error| VaultError::io("move aside", path, &error))?;
    for journal in ["-wal", "-shm"] {
        let from = beside(path, journal);
        if from.exists() {
            let to = beside(&aside, journal);
            fs::rename(&from, &to).map_err(|error| VaultError::io("move aside", &from, &error))?;
        }
    }
    Ok(aside)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
