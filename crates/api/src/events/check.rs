//! Checking the audit log: `POST events/verify`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::event::EventId;

/// Reply to `POST events/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventsVerified {
    /// Whether nothing was found to be wrong.
    pub intact: bool,
    /// How many lines were checked.
    pub lines: u64,
    /// The first of them.
    pub first: Option<EventId>,
    /// The last of them.
    pub last: Option<EventId>,
    /// Lines that cannot be checked: they were written before the log had its key.
    pub uncovered: u64,
    /// Lines up to this one were deleted because of their age.
    pub pruned_until: Option<EventId>,
    /// What is wrong; the first hundred.
    pub problems: Vec<LogProblem>,
    /// How many more problems there are.
    pub further_problems: u64,
    /// How often the agent ended without a stop: lines of the minute before could have been cut off
    /// without a trace.
    pub unclean_ends: u64,
    /// The last of those ends.
    pub last_unclean_end: Option<UncleanEnd>,
    /// How often lines were written while the keychain could not be asked: until they got their MAC, a
    /// change to them could not be noticed.
    pub chained_late: u64,
}

/// Something that Valet Key did not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogProblem {
    pub kind: LogProblemKind,
    /// The first line that it is about.
    pub first: EventId,
    /// The last line that it is about.
    pub last: EventId,
    /// What the line says, if it was written because of the problem.
    pub why: Option<String>,
}

/// What is wrong with lines of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogProblemKind {
    /// They were changed, swapped or inserted.
    Changed,
    /// They were removed.
    Removed,
    /// They stood at the end, and were cut off.
    Cut,
    /// The line was written when the agent found the log damaged, at a start or before it deleted old lines.
    FoundAtStart,
}

/// An end of the agent without a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UncleanEnd {
    /// The first line behind it.
    pub line: EventId,
    /// When that line was written.
    pub at: Timestamp,
}
