//! `valetkey events verify`

use std::fmt::Write as _;

use valetkey_api::core::event::EventId;
use valetkey_api::events::{EventsVerified, LogProblem, LogProblemKind};

use crate::style::{Style, Tone};

/// What was found, and what cannot be known.
pub(crate) fn verified(found: &EventsVerified, style: Style) -> String {
    let mut text = String::new();
    let mut say = |line: &str| writeln!(text, "{line}").expect("a string grows");
    let checked = match (found.first, found.last) {
        (Some(first), Some(last)) => {
            format!(
                "{} checked: {}",
                count(found.lines, "line"),
                range(first, last)
            )
        }
        _ => "no lines to check".to_owned(),
    };
    say(&checked);
    for problem in &found.problems {
        say(&style.paint(Tone::Error, told(problem)).to_string());
    }
    if found.further_problems > 0 {
        let more = count(found.further_problems, "more problem");
        say(&style.paint(Tone::Error, more).to_string());
    }
    if found.intact {
        let good = "no line was changed, removed or cut off";
        say(&style.paint(Tone::Good, good).to_string());
    }
    if let Some(EventId(last)) = found.pruned_until {
        say(&format!(
            "lines up to {last} were deleted because of their age"
        ));
    }
    if found.uncovered > 0 {
        say(&format!(
            "{} from before the log had its key cannot be checked",
            count(found.uncovered, "line")
        ));
    }
    if let Some(end) = &found.last_unclean_end {
        let times = count(found.unclean_ends, "time");
        say(&format!(
            "the agent ended {times} without a stop, the last time before line {} ({}): lines of the minute \
             before could have been cut off without a trace",
            end.line.0,
            end.at.strftime("%FT%TZ"),
        ));
    }
    if found.chained_late > 0 {
        say(&format!(
            "{} lines were written while the keychain could not be asked (`log.chained`): until then a change \
             to them could not be noticed",
            count(found.chained_late, "time")
        ));
    }
    text
}

fn told(problem: &LogProblem) -> String {
    let lines = range(problem.first, problem.last);
    let is_one = problem.first == problem.last;
    let were = if is_one { "was" } else { "were" };
    match problem.kind {
        LogProblemKind::Changed => format!("{lines} {were} changed, swapped or inserted"),
        LogProblemKind::Removed => format!(
            "{lines} {were} removed; line {} cannot be checked without",
            problem.last.0 + 1
        ),
        LogProblemKind::Cut => format!("{lines} {were} cut off at the end"),
        LogProblemKind::FoundAtStart => {
            let what = match problem.why.as_deref() {
                Some("database_replaced") => {
                    "the database was new although there was an older log: it was lost or replaced"
                }
                Some("lines_missing") => {
                    "the newest lines were gone: cut off, or an older copy of the database was put back"
                }
                Some("line_changed") => "the newest line was another one",
                Some("key_missing") => {
                    "the log's key was gone from the keychain: older lines cannot be checked any more"
                }
                Some("changed_before_pruning") => {
                    return format!(
                        "{lines} says that older lines were changed before they were deleted because of their age"
                    );
                }
                Some(other) => other,
                None => "the log was damaged",
            };
            format!("{lines} was written at a start that found: {what}")
        }
    }
}

fn range(first: EventId, last: EventId) -> String {
    if first == last {
        format!("line {}", first.0)
    } else {
        format!("lines {} to {}", first.0, last.0)
    }
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests;
