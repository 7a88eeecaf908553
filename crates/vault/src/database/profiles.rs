//! Profiles: separate sets of authenticators.

use rusqlite::Connection;
use valetkey_core::name::ProfileName;

use super::column::Text;
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE profiles (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
          INSERT INTO profiles VALUES ('default')",
}];

pub(crate) fn all(connection: &Connection) -> Result<Vec<ProfileName>, VaultError> {
    let mut statement = connection.prepare_cached("SELECT name FROM profiles ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0).map(|Text(name)| name))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// A profile begins with its first authenticator.
pub(super) fn ensure(connection: &Connection, name: &ProfileName) -> Result<(), VaultError> {
    let sql = "INSERT INTO profiles VALUES (?1) ON CONFLICT DO NOTHING";
    connection.execute(sql, [name.as_str()])?;
    Ok(())
}
