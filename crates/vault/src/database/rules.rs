//! Remembered answers: which program may use which connection. They end with their connection.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use valetkey_core::access::Rule;
use valetkey_core::id::RuleId;

use super::column::{At, Json, Text};
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 16,
    sql: "CREATE TABLE rules (
              id TEXT PRIMARY KEY,
              client TEXT NOT NULL,
              project TEXT,
              connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
              usage TEXT NOT NULL,
              verdict TEXT NOT NULL,
              scopes TEXT NOT NULL,
              narrowed INTEGER NOT NULL,
              created_at TEXT NOT NULL,
              ends_at TEXT,
              used_at TEXT,
              confirmed INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX rules_by_connection ON rules (connection)",
}];

const COLUMNS: &str = "id, client, project, connection, usage, verdict, scopes, narrowed, created_at, \
                       ends_at, used_at, confirmed";

/// All rules that this version can read; one that it can't decides nothing.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Rule>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM rules ORDER BY created_at, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(rule) => rules.push(rule),
            Err(error) => tracing::warn!(%error, "a rule cannot be read"),
        }
    }
    Ok(rules)
}

/// Stores a rule, in the place of those of `replaced`.
pub(crate) fn insert(
    connection: &Connection,
    rule: &Rule,
    replaced: &[RuleId],
) -> Result<(), VaultError> {
    for id in replaced {
        connection.execute("DELETE FROM rules WHERE id = ?1", [Text(id)])?;
    }
    let sql = format!(
        "INSERT INTO rules ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let values = params![
        Text(rule.id),
        Json(&rule.client),
        rule.project.as_ref().map(Json),
        Text(rule.connection),
        Json(rule.usage),
        Json(rule.verdict),
        Json(&rule.scopes),
        rule.narrowed,
        At(rule.created_at),
        rule.ends_at.map(At),
        rule.used_at.map(At),
        rule.confirmed,
    ];
    connection.execute(&sql, values)?;
    Ok(())
}

pub(crate) fn delete(connection: &Connection, id: RuleId) -> Result<(), VaultError> {
    connection.execute("DELETE FROM rules WHERE id = ?1", [Text(id)])?;
    Ok(())
}

pub(crate) fn confirm(connection: &Connection, id: RuleId) -> Result<(), VaultError> {
    connection.execute("UPDATE rules SET confirmed = 1 WHERE id = ?1", [Text(id)])?;
    Ok(())
}

pub(crate) fn mark_used(
    connection: &Connection,
    id: RuleId,
    at: Timestamp,
) -> Result<(), VaultError> {
    let sql = "UPDATE rules SET used_at = ?2 WHERE id = ?1";
    connection.execute(sql, params![Text(id), At(at)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Rule> {
    Ok(Rule {
        id: row.get::<_, Text<_>>(0)?.0,
        client: row.get::<_, Json<_>>(1)?.0,
        project: row
            .get::<_, Option<Json<_>>>(2)?
            .map(|Json(project)| project),
        connection: row.get::<_, Text<_>>(3)?.0,
        usage: row.get::<_, Json<_>>(4)?.0,
        verdict: row.get::<_, Json<_>>(5)?.0,
        scopes: row.get::<_, Json<_>>(6)?.0,
        narrowed: row.get(7)?,
        created_at: row.get::<_, At>(8)?.0,
        ends_at: row.get::<_, Option<At>>(9)?.map(|At(at)| at),
        used_at: row.get::<_, Option<At>>(10)?.map(|At(at)| at),
        confirmed: row.get(11)?,
    })
}
