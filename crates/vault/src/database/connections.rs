//! Connections: all that a list needs, without their grants.
//!
//! No statement here revives: a row in `removing` changes no more, a deleted one is not inserted
//! again by an update, and an older generation never overwrites a newer one.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, params};
use valetkey_core::account::{Account, Subject};
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{ConnectionState, Status};
use valetkey_core::grant::GrantKind;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::proxy_settings::ProxySettings;

use super::authenticators::is_taken;
use super::column::{At, Json, Text, word};
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 4,
        sql: "CREATE TABLE connections (
              id TEXT PRIMARY KEY,
              authenticator TEXT NOT NULL REFERENCES authenticators (id),
              label TEXT,
              display_name TEXT,
              issuer TEXT,
              sub TEXT,
              status TEXT NOT NULL,
              generation INTEGER NOT NULL,
              asked_scopes TEXT NOT NULL,
              scopes TEXT NOT NULL,
              issued_at TEXT,
              expires_at TEXT,
              refresh_expires_at TEXT,
              refreshable INTEGER NOT NULL,
              created_at TEXT NOT NULL,
              used_at TEXT,
              keep_warm TEXT NOT NULL,
              setback TEXT
          ) STRICT, WITHOUT ROWID;
          -- One account per name; a name is free again as soon as its removal has begun.
          CREATE UNIQUE INDEX connection_names ON connections (authenticator, ifnull(label, ''))
              WHERE status != 'removing'",
    },
    Migration {
        version: 8,
        sql: "ALTER TABLE connections RENAME COLUMN setback TO refresh_error",
    },
    Migration {
        version: 11,
        sql: "UPDATE connections
              SET refresh_error = json_set(refresh_error, '$.since', json_extract(refresh_error, '$.at'))
              WHERE refresh_error IS NOT NULL",
    },
    Migration {
        version: 12,
        sql: "ALTER TABLE connections ADD COLUMN issued_boot_time TEXT",
    },
    Migration {
        version: 13,
        sql: "ALTER TABLE connections ADD COLUMN proxy TEXT",
    },
    Migration {
        version: 19,
        sql: "ALTER TABLE connections ADD COLUMN needed TEXT",
    },
    Migration {
        version: 20,
        sql: "ALTER TABLE connections ADD COLUMN kind TEXT NOT NULL DEFAULT 'oauth'",
    },
];

const COLUMNS: &str = "id, authenticator, label, display_name, issuer, sub, status, generation, \
                       asked_scopes, scopes, issued_at, expires_at, refresh_expires_at, \
                       refreshable, created_at, used_at, keep_warm, refresh_error, issued_boot_time, \
                       proxy, needed, kind";

pub(crate) fn all(db: &Db) -> Result<Vec<Connection>, VaultError> {
    select(db, "ORDER BY created_at, id")
}

/// Those that only a crash leaves in such a state.
pub(crate) fn unfinished(db: &Db) -> Result<Vec<Connection>, VaultError> {
    select(
        db,
        "WHERE status IN ('connecting', 'refreshing', 'removing') ORDER BY id",
    )
}

fn select(db: &Db, clause: &str) -> Result<Vec<Connection>, VaultError> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM connections {clause}"))?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

pub(crate) fn get(db: &Db, id: ConnectionId) -> Result<Option<Connection>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM connections WHERE id = ?1");
    Ok(db
        .prepare_cached(&sql)?
        .query_row([Text(id)], read)
        .optional()?)
}

pub(crate) fn count_of(db: &Db, authenticator: AuthenticatorId) -> Result<u32, VaultError> {
    let sql = "SELECT count(*) FROM connections WHERE authenticator = ?1";
    Ok(db.query_row(sql, [Text(authenticator)], |row| row.get(0))?)
}

/// Inserts a row; one in `connecting` may be inserted again (a sign-in that is stored once more).
pub(crate) fn insert(db: &Db, row: &Connection) -> Result<(), VaultError> {
    let sql = format!(
        "INSERT INTO connections ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ?21, ?22)
         ON CONFLICT (id) DO UPDATE SET {ASSIGNMENTS} WHERE status = 'connecting'"
    );
    expect_one(write(db, &sql, row)?, row)
}

const ASSIGNMENTS: &str = "authenticator = ?2, label = ?3, display_name = ?4, issuer = ?5, \
    sub = ?6, status = ?7, generation = ?8, asked_scopes = ?9, scopes = ?10, issued_at = ?11, \
    expires_at = ?12, refresh_expires_at = ?13, refreshable = ?14, created_at = ?15, \
    used_at = ?16, keep_warm = ?17, refresh_error = ?18, issued_boot_time = ?19, \
    proxy = ?20, needed = ?21, kind = ?22";

/// Saves a row that exists.
pub(crate) fn update(db: &Db, row: &Connection) -> Result<(), VaultError> {
    let sql = format!(
        "UPDATE connections SET {ASSIGNMENTS}
         WHERE id = ?1 AND generation <= ?8 AND (status != 'removing' OR ?7 = 'removing')"
    );
    expect_one(write(db, &sql, row)?, row)
}

fn expect_one(changed: usize, row: &Connection) -> Result<(), VaultError> {
    match changed {
        0 => Err(VaultError::NotFound(format!(
            "the connection {} in this state",
            row.id
        ))),
        _ => Ok(()),
    }
}

/// Deletes a row in `removing`.
pub(crate) fn delete_removing(db: &Db, id: ConnectionId) -> Result<(), VaultError> {
    let sql = "DELETE FROM connections WHERE id = ?1 AND status = 'removing'";
    db.execute(sql, [Text(id)])?;
    Ok(())
}

/// Deletes a row in `connecting` that never got its item.
pub(crate) fn delete_connecting(db: &Db, id: ConnectionId) -> Result<(), VaultError> {
    let sql = "DELETE FROM connections WHERE id = ?1 AND status = 'connecting'";
    db.execute(sql, [Text(id)])?;
    Ok(())
}

/// Call within a transaction.
pub(super) fn mark_used(db: &Db, uses: &[(ConnectionId, Timestamp)]) -> Result<(), VaultError> {
    let sql = "UPDATE connections SET used_at = ?2
               WHERE id = ?1 AND (used_at IS NULL OR used_at < ?2)";
    let mut statement = db.prepare_cached(sql)?;
    for (id, at) in uses {
        statement.execute(params![Text(id), At(*at)])?;
    }
    Ok(())
}

fn write(db: &Db, sql: &str, row: &Connection) -> Result<usize, VaultError> {
    let account = &row.account;
    let values = params![
        Text(row.id),
        Text(row.authenticator),
        account.label.as_ref().map(Text),
        account.display_name,
        account.subject.as_ref().map(|subject| &subject.issuer),
        account.subject.as_ref().map(|subject| &subject.sub),
        row.state.status.as_str(),
        row.state.generation.0.cast_signed(),
        Json(&row.asked_scopes),
        Json(&row.scopes),
        row.issued_at.map(At),
        row.expires_at.map(At),
        row.refresh_expires_at.map(At),
        row.refreshable,
        At(row.created_at),
        row.used_at.map(At),
        Json(&row.keep_warm),
        row.refresh_error.as_ref().map(Json),
        row.issued_boot_time.map(Json),
        Some(&row.proxy)
            .filter(|proxy| **proxy != ProxySettings::default())
            .map(Json),
        row.needed.as_ref().map(Json),
        row.kind.as_str(),
    ];
    db.prepare_cached(sql)?.execute(values).map_err(|error| {
        let label = account.label.as_ref();
        if is_taken(&error) {
            let name = label.map_or("of the first account".to_owned(), |label| {
                format!("`{label}`")
            });
            VaultError::NameTaken(name)
        } else if is_orphan(&error) {
            VaultError::NotFound(format!("the authenticator {}", row.authenticator))
        } else {
            error.into()
        }
    })
}

fn is_orphan(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Connection> {
    let text = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<Text<_>>>(index)?.map(|t| t.0));
    let time = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<At>>(index)?.map(|at| at.0));
    let subject = match (row.get(4)?, row.get(5)?) {
        (Some(issuer), Some(sub)) => Some(Subject { issuer, sub }),
        (None, _) | (_, None) => None,
    };
    Ok(Connection {
        id: row.get::<_, Text<_>>(0)?.0,
        authenticator: row.get::<_, Text<_>>(1)?.0,
        account: Account {
            label: text(2)?,
            display_name: row.get(3)?,
            subject,
        },
        state: ConnectionState {
            status: word(row.get_ref(6)?, Status::parse)?,
            generation: Generation(row.get::<_, i64>(7)?.cast_unsigned()),
        },
        asked_scopes: row.get::<_, Json<_>>(8)?.0,
        scopes: row.get::<_, Json<_>>(9)?.0,
        issued_at: time(10)?,
        expires_at: time(11)?,
        refresh_expires_at: time(12)?,
        refreshable: row.get(13)?,
        created_at: row.get::<_, At>(14)?.0,
        used_at: time(15)?,
        keep_warm: row.get::<_, Json<_>>(16)?.0,
        refresh_error: row
            .get::<_, Option<Json<_>>>(17)?
            .map(|Json(refresh_error)| refresh_error),
        issued_boot_time: row
            .get::<_, Option<Json<_>>>(18)?
            .map(|Json(boot_time)| boot_time),
        proxy: row
            .get::<_, Option<Json<_>>>(19)?
            .map(|Json(proxy)| proxy)
            .unwrap_or_default(),
        needed: row
            .get::<_, Option<Json<_>>>(20)?
            .map(|Json(needed)| needed),
        kind: word(row.get_ref(21)?, GrantKind::parse)?,
    })
}
