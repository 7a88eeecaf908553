//! Sign-ins: one row per run of a login flow, kept as history.

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::scope::Scopes;
use valetkey_core::sign_in::{Remedy, SignInState};

use super::column::{At, Json, Text, word};
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 5,
        sql: "CREATE TABLE sign_ins (
              id TEXT PRIMARY KEY,
              authenticator TEXT NOT NULL,
              connection TEXT,
              step TEXT NOT NULL,
              asked_scopes TEXT NOT NULL,
              reason TEXT,
              problem TEXT,
              started_at TEXT NOT NULL,
              ended_at TEXT
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX sign_ins_by_start ON sign_ins (started_at)",
    },
    Migration {
        version: 10,
        sql: "ALTER TABLE sign_ins RENAME COLUMN step TO state",
    },
    Migration {
        version: 15,
        sql: "ALTER TABLE sign_ins ADD COLUMN renews TEXT;
          ALTER TABLE sign_ins ADD COLUMN remedy TEXT;
          ALTER TABLE sign_ins ADD COLUMN hint TEXT",
    },
];

/// One run of a login flow. Holds no state, code or verifier: those never leave memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRow {
    /// Its id.
    pub id: SignInId,
    /// Through this client.
    pub authenticator: AuthenticatorId,
    /// The connection that it was to renew.
    pub renews: Option<ConnectionId>,
    /// The connection it made or renewed, once it is known.
    pub connection: Option<ConnectionId>,
    /// Where it stands, or how it ended.
    pub state: SignInState,
    /// Scopes asked for.
    pub asked_scopes: Scopes,
    /// Why a tool asked, in its own words: untrusted.
    pub reason: Option<String>,
    /// What went wrong, for a person.
    pub problem: Option<String>,
    /// What mends that.
    pub remedy: Option<Remedy>,
    /// What to do, for a person.
    pub hint: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, authenticator, connection, state, asked_scopes, reason, problem, started_at, ended_at, renews, remedy, hint";

/// Inserts or replaces.
pub(crate) fn save(connection: &Connection, row: &SignInRow) -> Result<(), VaultError> {
    let sql = format!(
        "INSERT OR REPLACE INTO sign_ins ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        Text(row.id),
        Text(row.authenticator),
        row.connection.map(Text),
        row.state.as_str(),
        Json(&row.asked_scopes),
        row.reason,
        row.problem,
        At(row.started_at),
        row.ended_at.map(At),
        row.renews.map(Text),
        row.remedy.map(Remedy::as_str),
        row.hint,
    ])?;
    Ok(())
}

/// The newest first.
pub(crate) fn latest(connection: &Connection, limit: u32) -> Result<Vec<SignInRow>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM sign_ins ORDER BY started_at DESC LIMIT ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement
        .query_map([limit], read)?
        .collect::<Result<_, _>>()?)
}

/// Ends those that the last process left open; returns them.
pub(crate) fn end_open(
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<SignInRow>, VaultError> {
    let sql = format!(
        "UPDATE sign_ins SET state = 'failed', ended_at = ?1,
             problem = 'Valet Key stopped before it was finished'
         WHERE state IN ('started', 'authorized') RETURNING {COLUMNS}"
    );
    let mut statement = connection.prepare(&sql)?;
    Ok(statement
        .query_map([At(now)], read)?
        .collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SignInRow> {
    Ok(SignInRow {
        id: row.get::<_, Text<_>>(0)?.0,
        authenticator: row.get::<_, Text<_>>(1)?.0,
        connection: row.get::<_, Option<Text<_>>>(2)?.map(|Text(id)| id),
        state: word(row.get_ref(3)?, SignInState::parse)?,
        asked_scopes: row.get::<_, Json<_>>(4)?.0,
        reason: row.get(5)?,
        problem: row.get(6)?,
        started_at: row.get::<_, At>(7)?.0,
        ended_at: row.get::<_, Option<At>>(8)?.map(|At(at)| at),
        renews: row.get::<_, Option<Text<_>>>(9)?.map(|Text(id)| id),
        remedy: match row.get_ref(10)? {
            ValueRef::Null => None,
            value => Some(word(value, Remedy::parse)?),
        },
        hint: row.get(11)?,
    })
}
