//! Which lines at the front of the log are old enough to be deleted.
//!
//! The problem: who changes the time of a line must not have the agent delete it. So of the lines of the
//! chain only those that are right say when they were written. One that is not right is deleted with a
//! right one behind it, which is younger, and is found until then.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use valetkey_core::event::EventId;

use super::chain::{ChainKey, Position};
use super::verify::{Walk, read_lines};
use crate::database::column::Nanoseconds;
use crate::error::VaultError;

/// Which lines are old: those from before `before`. A line from after `now` was written while the clock
/// was wrong, and holds up nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Age {
    pub(crate) before: Timestamp,
    pub(crate) now: Timestamp,
}

/// Lines to delete.
pub(crate) struct Old {
    pub(crate) last: EventId,
    /// The last of them, if it belongs to the chain.
    pub(crate) in_chain: Option<Position>,
    /// The first and the last of those among them that were changed or removed.
    pub(crate) damaged: Option<(EventId, EventId)>,
}

/// The lines at the front that are old; None if there are none. `start` is the line before the first of the
/// chain, and what stands up to `uncovered_until` is not covered by it.
pub(crate) fn find(
    connection: &Connection,
    key: &ChainKey,
    start: Position,
    uncovered_until: EventId,
    age: Age,
) -> Result<Option<Old>, VaultError> {
    let mut old = None;
    if start.id <= uncovered_until {
        let (last, is_all) = uncovered(connection, uncovered_until, age)?;
        old = last.map(|last| Old {
            last,
            in_chain: None,
            damaged: None,
        });
        if !is_all {
            return Ok(old);
        }
    }
    let [before, now] = [age.before, age.now].map(|at| Nanoseconds(at).number());
    let mut walk = Walk::new(key, start);
    let mut damaged: Option<(EventId, EventId)> = None;
    read_lines(connection, start.id, EventId(i64::MAX), |id, row| {
        let expected = EventId(walk.last.id.0 + 1);
        let at: i64 = row.get(1)?;
        if !walk.line(id, row)? {
            let (first, _) = damaged.unwrap_or((expected, id));
            damaged = Some((first, id));
        } else if at < before {
            old = Some(Old {
                last: id,
                in_chain: Some(walk.last),
                damaged,
            });
        } else if at <= now {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(old)
}

/// The last of the old ones up to `end`, and whether no line up to there stays.
fn uncovered(
    connection: &Connection,
    end: EventId,
    age: Age,
) -> Result<(Option<EventId>, bool), VaultError> {
    let [before, now] = [age.before, age.now].map(Nanoseconds);
    // `+`: in the order of the ids, to the first line that stays.
    let sql =
        "SELECT id FROM events WHERE +at >= ?1 AND +at <= ?2 AND id <= ?3 ORDER BY id LIMIT 1";
    let first_kept = connection.query_row(sql, params![before, now, end.0], |row| row.get(0));
    let first_kept: Option<i64> = first_kept.optional()?;
    let sql = "SELECT id FROM events WHERE id < ?1 AND +at < ?2 ORDER BY id DESC LIMIT 1";
    let behind = first_kept.unwrap_or(end.0 + 1);
    let last = connection.query_row(sql, params![behind, before], |row| row.get(0).map(EventId));
    Ok((last.optional()?, first_kept.is_none()))
}
