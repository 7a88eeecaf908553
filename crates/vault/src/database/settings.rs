//! Settings by name, and what the vault remembers about itself.

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE settings (
              key TEXT PRIMARY KEY,
              value TEXT NOT NULL
          ) STRICT, WITHOUT ROWID",
}];

const VAULT_ID: &str = "vault.id";
const SECRET_STORE: &str = "vault.secret_store";
const ITEMS_LISTED: &str = "vault.items_listed";

pub(crate) fn get(connection: &Connection, key: &str) -> Result<Option<String>, VaultError> {
    let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// None removes it.
pub(crate) fn set(
    connection: &Connection,
    key: &str,
    value: Option<&str>,
) -> Result<(), VaultError> {
    match value {
        Some(value) => connection.execute(
            "INSERT INTO settings (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = ?2",
            params![key, value],
        )?,
        None => connection.execute("DELETE FROM settings WHERE key = ?1", [key])?,
    };
    Ok(())
}

pub(super) fn vault_id(connection: &Connection) -> Result<Option<Uuid>, VaultError> {
    Ok(get(connection, VAULT_ID)?.and_then(|text| Uuid::parse_str(&text).ok()))
}

pub(super) fn set_vault_id(connection: &Connection, id: Option<Uuid>) -> Result<(), VaultError> {
    set(connection, VAULT_ID, id.map(|id| id.to_string()).as_deref())
}

/// A home that has secrets keeps to the store that has them, an empty one may choose anew: in
/// another store every login would look lost.
pub(crate) fn keep_to_store(
    connection: &Connection,
    asked: &'static str,
) -> Result<(), VaultError> {
    let kept_in = get(connection, SECRET_STORE)?.filter(|kept_in| kept_in != asked);
    if let Some(kept_in) = kept_in
        && has_secrets(connection)?
    {
        return Err(VaultError::OtherStore { kept_in, asked });
    }
    set(connection, SECRET_STORE, Some(asked))
}

fn has_secrets(connection: &Connection) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM connections)
                   OR EXISTS (SELECT 1 FROM authenticators WHERE has_secret)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Whether the items were looked through since this database was made.
pub(super) fn items_listed(connection: &Connection) -> Result<bool, VaultError> {
    Ok(get(connection, ITEMS_LISTED)?.is_some())
}

pub(crate) fn set_items_listed(connection: &Connection) -> Result<(), VaultError> {
    set(connection, ITEMS_LISTED, Some("yes"))
}
