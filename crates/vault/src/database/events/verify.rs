//! Checking every line of the log against the chain.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::Connection;
use valetkey_core::event::{EventId, EventKind};

use super::chain::{ChainKey, LineMac, Position};
use super::with_columns;
use crate::error::VaultError;

/// Lines that are read at a stretch.
const PAGE: u32 = 1000;
/// Problems that are told one by one; more are only counted.
const MAX_PROBLEMS: usize = 100;

/// What the check of the log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogCheck {
    /// Lines of the chain that were looked at.
    pub lines: u64,
    /// The first of them, and the last.
    pub first: Option<EventId>,
    pub last: Option<EventId>,
    /// Lines from before there was a chain, which nothing protects.
    pub uncovered: u64,
    /// Lines up to this one were deleted because of their age.
    pub pruned_until: Option<EventId>,
    /// What is wrong.
    pub problems: Vec<LogProblem>,
    /// Problems that are not among them.
    pub further_problems: u64,
    /// Ends without a stop: a cut within the minute before would not be noticed.
    pub unclean_ends: u64,
    /// The last of those ends: the first line behind it, and when it was written.
    pub last_unclean_end: Option<(EventId, Timestamp)>,
    /// How often lines joined the chain later, because the keychain could not be asked when they were
    /// written.
    pub late: u64,
}

/// Something that Valet Key did not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProblem {
    pub kind: LogProblemKind,
    /// The first line that it is about, and the last.
    pub first: EventId,
    pub last: EventId,
    /// What the line itself says about it.
    pub why: Option<String>,
}

/// What is wrong with lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogProblemKind {
    /// They were changed, swapped or inserted.
    Changed,
    /// They were removed; the line behind them cannot be checked without them.
    Removed,
    /// The end of the log was cut off.
    Cut,
    /// The line says what was wrong when the agent started, or when it deleted old lines.
    FoundAtStart,
}

/// What the chain should be.
pub(crate) struct Expected {
    pub(crate) key: ChainKey,
    /// The line before the first.
    pub(crate) start: Position,
    /// Lines up to this one stand outside of the chain.
    pub(crate) uncovered_until: EventId,
    /// The last line, as the writer knows it.
    pub(crate) head: Position,
    /// The last line in the table at that moment.
    pub(crate) newest: EventId,
}

/// Reads the whole log.
pub(crate) fn check(connection: &Connection, expected: &Expected) -> Result<LogCheck, VaultError> {
    let Expected { start, head, .. } = *expected;
    let uncovered_until = expected.uncovered_until;
    let mut walk = Walk::new(&expected.key, start);
    let mut after = EventId(i64::MIN);
    // A start behind the uncovered lines means that they were deleted.
    if start.id > uncovered_until {
        walk.found.pruned_until = Some(start.id);
    } else if uncovered_until.0 > 0 {
        let sql = "SELECT count(*) FROM events WHERE id <= ?1";
        let count: i64 = connection.query_row(sql, [start.id.0], |row| row.get(0))?;
        walk.found.uncovered = count.unsigned_abs();
        after = start.id;
    }
    let end = head.id.max(expected.newest);
    read_lines(connection, after, end, |id, row| {
        walk.line(id, row)?;
        Ok(ControlFlow::Continue(()))
    })?;
    if walk.last.id < head.id {
        let first = EventId(walk.last.id.0 + 1);
        walk.problem(LogProblemKind::Cut, first, head.id);
    }
    Ok(walk.found)
}

/// Reads the lines behind `after`, up to `end` or until `each` breaks.
pub(super) fn read_lines(
    connection: &Connection,
    mut after: EventId,
    end: EventId,
    mut each: impl FnMut(EventId, &rusqlite::Row<'_>) -> Result<ControlFlow<()>, VaultError>,
) -> Result<(), VaultError> {
    let sql = format!(
        "SELECT id, at, kind, connection, authenticator, sign_in, actor, detail, mac FROM events
         WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT {PAGE}"
    );
    let mut statement = connection.prepare(&sql)?;
    loop {
        let mut rows = statement.query([after.0, end.0])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            after = EventId(row.get(0)?);
            if each(after, row)?.is_break() {
                return Ok(());
            }
            count += 1;
        }
        if count < PAGE {
            return Ok(());
        }
    }
}

/// What matters of a line.
struct Line {
    id: EventId,
    is_right: bool,
    at: i64,
    kind: Option<EventKind>,
    why: Option<String>,
}

/// `why` in the detail of a line.
fn why(detail: &[u8]) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_slice(detail).ok()?;
    Some(detail.get("why")?.as_str()?.to_owned())
}

pub(super) struct Walk<'a> {
    key: &'a ChainKey,
    found: LogCheck,
    /// The line before, as the table has it.
    pub(super) last: Position,
    /// The MAC of the last line that was right.
    intact: LineMac,
    /// What the line before was about.
    before: Option<EventKind>,
}

impl<'a> Walk<'a> {
    /// `start` is the line before the first.
    pub(super) fn new(key: &'a ChainKey, start: Position) -> Self {
        Self {
            key,
            found: LogCheck::default(),
            last: start,
            intact: start.mac,
            before: None,
        }
    }

    /// Looks at the next line; whether it is right.
    pub(super) fn line(
        &mut self,
        id: EventId,
        row: &rusqlite::Row<'_>,
    ) -> Result<bool, VaultError> {
        let mac = row.get::<_, Option<LineMac>>(8).ok().flatten();
        let expected = EventId(self.last.id.0 + 1);
        let line = with_columns(row, |columns| {
            let is_mac =
                |previous| mac.is_some_and(|mac| self.key.is_mac(mac, previous, id, columns));
            let is_right = is_mac(self.last.mac) || is_mac(self.intact);
            let kind = std::str::from_utf8(columns.kind).ok();
            let kind = kind.and_then(EventKind::parse);
            let tells = kind == Some(EventKind::LogDamaged);
            Line {
                id,
                is_right,
                at: columns.at,
                kind,
                why: columns.others[4].filter(|_| tells).and_then(why),
            }
        })?;
        let Line { is_right, kind, .. } = line;
        if id < expected {
            // In front of the start, where everything was deleted.
            self.problem(LogProblemKind::Changed, id, id);
            return Ok(false);
        }
        self.found.lines += 1;
        self.found.first.get_or_insert(id);
        self.found.last = Some(id);
        if id > expected {
            self.problem(LogProblemKind::Removed, expected, EventId(id.0 - 1));
        } else if !is_right {
            self.problem(LogProblemKind::Changed, id, id);
        }
        if is_right {
            self.intact = mac.unwrap_or(self.intact);
            self.told(line);
        }
        // Both may stand between an end and the next start.
        if !matches!(kind, Some(EventKind::LogDamaged | EventKind::LogChained)) {
            self.before = kind;
        }
        self.last = Position {
            id,
            mac: mac.unwrap_or(self.last.mac),
        };
        Ok(is_right)
    }

    /// What the log itself says about what cannot be known.
    fn told(&mut self, line: Line) {
        let id = line.id;
        match line.kind {
            Some(EventKind::LogDamaged) => {
                self.problem(LogProblemKind::FoundAtStart, id, id);
                if let Some(problem) = self.found.problems.last_mut() {
                    problem.why = line.why;
                }
            }
            Some(EventKind::LogChained) => self.found.late += 1,
            Some(EventKind::AgentStarted)
                if self
                    .before
                    .is_some_and(|kind| kind != EventKind::AgentStopped) =>
            {
                self.found.unclean_ends += 1;
                let at = Timestamp::from_nanosecond(line.at.into()).unwrap_or_default();
                self.found.last_unclean_end = Some((id, at));
            }
            Some(_) | None => {}
        }
    }

    /// Neighbours with the same problem are one.
    fn problem(&mut self, kind: LogProblemKind, first: EventId, last: EventId) {
        let problems = &mut self.found.problems;
        if let Some(before) = problems.last_mut()
            && before.kind == kind
            && kind == LogProblemKind::Changed
            && before.last.0 + 1 == first.0
        {
            before.last = last;
        } else if problems.len() < MAX_PROBLEMS {
            problems.push(LogProblem {
                kind,
                first,
                last,
                why: None,
            });
        } else {
            self.found.further_problems += 1;
        }
    }
}
