//! Taking the chain up again: what the table holds against what the keychain remembers.

use rusqlite::{Connection, OptionalExtension as _, params};
use valetkey_core::event::EventId;

use super::chain::{Chain, ChainKey, LineMac, Position};
use super::{Durability, last_id, transact, with_columns};
use crate::error::VaultError;

/// Lines that get their MAC at a stretch.
const STEP: usize = 500;

/// Something other than Valet Key was at the log while it did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The table is new, the keychain knows an older one.
    DatabaseReplaced,
    /// The newest lines are gone: cut, or an older copy of the database was put back.
    LinesMissing,
    /// The newest line that the keychain knows was changed.
    LineChanged,
}

/// A chain that goes on.
pub(crate) struct Resumed {
    pub(crate) chain: Chain,
    /// Lines without a MAC, written while there was no key, that have one now: the first and the last.
    pub(crate) late: Option<(EventId, EventId)>,
    pub(crate) damage: Option<Damage>,
}

/// Finds the end of the chain, and gives the lines behind it their MACs. `start` is the line before
/// the first of the chain, `head` the last one that the keychain knows.
pub(crate) fn resume(
    connection: &mut Connection,
    key: ChainKey,
    start: Position,
    head: Position,
) -> Result<Resumed, VaultError> {
    transact(connection, Durability::Durable, |transaction| {
        let damage = damage(transaction, start, head)?;
        let mut last = last_with_mac(transaction, start)?;
        let mut late: Option<(EventId, EventId)> = None;
        loop {
            let step = step(transaction, &key, last)?;
            let (Some(first), Some(newest)) = (step.first(), step.last()) else {
                break;
            };
            let mut statement =
                transaction.prepare_cached("UPDATE events SET mac = ?2 WHERE id = ?1")?;
            for line in &step {
                statement.execute(params![line.id.0, line.mac])?;
            }
            late = Some((late.map_or(first.id, |(first, _)| first), newest.id));
            last = *newest;
        }
        // No id is used twice, even if the table forgot how far they went.
        last.id = last.id.max(head.id);
        let chain = Chain {
            key,
            head: last,
            is_in_doubt: false,
        };
        Ok(Resumed {
            chain,
            late,
            damage,
        })
    })
}

fn damage(
    connection: &Connection,
    start: Position,
    head: Position,
) -> Result<Option<Damage>, VaultError> {
    let last = last_id(connection)?;
    if last < head.id {
        let is_new = last == EventId(0);
        return Ok(Some(if is_new {
            Damage::DatabaseReplaced
        } else {
            Damage::LinesMissing
        }));
    }
    if head.id == start.id {
        return Ok(None);
    }
    let found: Option<Option<LineMac>> = connection
        .query_row("SELECT mac FROM events WHERE id = ?1", [head.id.0], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(match found {
        None => Some(Damage::LinesMissing),
        Some(mac) if mac == Some(head.mac) => None,
        Some(_) => Some(Damage::LineChanged),
    })
}

/// The last line behind `start` that has a MAC, else `start` itself.
pub(super) fn last_with_mac(
    connection: &Connection,
    start: Position,
) -> Result<Position, VaultError> {
    let sql = "SELECT id, mac FROM events WHERE id > ?1 AND mac IS NOT NULL
               ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([start.id.0], |row| {
        Ok(Position {
            id: EventId(row.get(0)?),
            mac: row.get(1)?,
        })
    });
    Ok(found.optional()?.unwrap_or(start))
}

/// The MACs of the next lines behind `last`.
fn step(
    connection: &Connection,
    key: &ChainKey,
    mut last: Position,
) -> Result<Vec<Position>, VaultError> {
    let sql = format!(
        "SELECT id, at, kind, connection, authenticator, sign_in, actor, detail FROM events
         WHERE id > ?1 ORDER BY id LIMIT {STEP}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([last.id.0])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let id = EventId(row.get(0)?);
        let mac = with_columns(row, |columns| key.mac(last.mac, id, columns))?;
        last = Position { id, mac };
        lines.push(last);
    }
    Ok(lines)
}
