//! Registered OAuth clients, without their secrets.
//!
//! A client secret is in the keychain, so changes to it take several steps; `stage` says which of
//! them is under way, and so what the next start has to finish.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use valetkey_core::authenticator::Authenticator;
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::ProfileName;

use super::column::{At, Json, Text, word};
use super::migration::Migration;
use super::profiles;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE authenticators (
              id TEXT PRIMARY KEY,
              profile TEXT NOT NULL REFERENCES profiles (name),
              name TEXT NOT NULL,
              display_name TEXT NOT NULL,
              provider TEXT NOT NULL,
              client_id TEXT NOT NULL,
              has_secret INTEGER NOT NULL,
              scopes TEXT NOT NULL,
              redirect_uri TEXT NOT NULL,
              overrides TEXT NOT NULL,
              is_active INTEGER NOT NULL,
              created_at TEXT NOT NULL,
              updated_at TEXT NOT NULL,
              stage TEXT NOT NULL,
              UNIQUE (profile, name)
          ) STRICT, WITHOUT ROWID",
}];

/// What is under way between an authenticator's row and its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing.
    Ready,
    /// Its first secret is being stored; it is not there yet.
    Adding,
    /// A public client gets a secret.
    SettingSecret,
    /// Its secret is being deleted.
    DroppingSecret,
    /// It is being removed with its secret.
    Removing,
}

impl Stage {
    const ALL: [Self; 5] = [
        Self::Ready,
        Self::Adding,
        Self::SettingSecret,
        Self::DroppingSecret,
        Self::Removing,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Adding => "adding",
            Self::SettingSecret => "setting_secret",
            Self::DroppingSecret => "dropping_secret",
            Self::Removing => "removing",
        }
    }
}

const COLUMNS: &str = "id, profile, name, display_name, provider, client_id, has_secret, scopes, \
                       redirect_uri, overrides, is_active, created_at, updated_at, stage";

/// Those that exist for the outside: neither half-added nor half-removed.
pub(crate) fn all(
    connection: &Connection,
    profile: Option<&ProfileName>,
) -> Result<Vec<Authenticator>, VaultError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM authenticators
         WHERE stage NOT IN ('adding', 'removing') AND (?1 IS NULL OR profile = ?1)
         ORDER BY profile, name"
    ))?;
    let rows = statement.query_map([profile.map(ProfileName::as_str)], read)?;
    Ok(rows
        .map(|row| row.map(|(row, _)| row))
        .collect::<Result<_, _>>()?)
}

pub(crate) fn get(
    connection: &Connection,
    id: AuthenticatorId,
) -> Result<Option<(Authenticator, Stage)>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM authenticators WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([Text(id)], read).optional()?)
}

/// Those that a crash left between two steps.
pub(crate) fn unfinished(
    connection: &Connection,
) -> Result<Vec<(Authenticator, Stage)>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM authenticators WHERE stage != 'ready'");
    let mut statement = connection.prepare(&sql)?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

pub(crate) fn insert(
    connection: &Connection,
    row: &Authenticator,
    stage: Stage,
) -> Result<(), VaultError> {
    profiles::ensure(connection, &row.profile)?;
    let sql = format!(
        "INSERT INTO authenticators ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    write(connection, &sql, row, stage).map(|_| ())
}

pub(crate) fn update(
    connection: &Connection,
    row: &Authenticator,
    stage: Stage,
) -> Result<(), VaultError> {
    profiles::ensure(connection, &row.profile)?;
    let sql = "UPDATE authenticators SET profile = ?2, name = ?3, display_name = ?4,
                   provider = ?5, client_id = ?6, has_secret = ?7, scopes = ?8, redirect_uri = ?9,
                   overrides = ?10, is_active = ?11, created_at = ?12, updated_at = ?13, stage = ?14
               WHERE id = ?1";
    match write(connection, sql, row, stage)? {
        0 => Err(VaultError::NotFound(format!(
            "the authenticator `{}`",
            row.name
        ))),
        _ => Ok(()),
    }
}

pub(crate) fn delete(connection: &Connection, id: AuthenticatorId) -> Result<(), VaultError> {
    connection.execute("DELETE FROM authenticators WHERE id = ?1", [Text(id)])?;
    Ok(())
}

fn write(
    connection: &Connection,
    sql: &str,
    row: &Authenticator,
    stage: Stage,
) -> Result<usize, VaultError> {
    let values = params![
        Text(row.id),
        row.profile.as_str(),
        row.name.as_str(),
        row.display_name,
        row.provider,
        row.client_id,
        row.has_secret,
        Json(&row.scopes),
        Json(&row.redirect_uri),
        Json(&row.overrides),
        row.is_active,
        At(row.created_at),
        At(row.updated_at),
        stage.as_str(),
    ];
    connection
        .prepare_cached(sql)?
        .execute(values)
        .map_err(|error| {
            if is_taken(&error) {
                VaultError::NameTaken(format!("`{}` (profile `{}`)", row.name, row.profile))
            } else {
                error.into()
            }
        })
}

/// Whether a unique index refused the row.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Authenticator, Stage)> {
    let authenticator = Authenticator {
        id: row.get::<_, Text<_>>(0)?.0,
        profile: row.get::<_, Text<_>>(1)?.0,
        name: row.get::<_, Text<_>>(2)?.0,
        display_name: row.get(3)?,
        provider: row.get(4)?,
        client_id: row.get(5)?,
        has_secret: row.get(6)?,
        scopes: row.get::<_, Json<_>>(7)?.0,
        redirect_uri: row.get::<_, Json<_>>(8)?.0,
        overrides: row.get::<_, Json<_>>(9)?.0,
        is_active: row.get(10)?,
        created_at: row.get::<_, At>(11)?.0,
        updated_at: row.get::<_, At>(12)?.0,
    };
    let parse = |text: &str| Stage::ALL.into_iter().find(|stage| stage.as_str() == text);
    let stage = word(row.get_ref(13)?, parse)?;
    Ok((authenticator, stage))
}
