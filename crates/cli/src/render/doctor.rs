//! `valetkey doctor`

use std::fmt::Write as _;

use serde::Serialize;
use valetkey_api::agent::{Check, CheckOutcome, Version};
use valetkey_api::core::printable::printable;

use super::failure::hint;
use crate::style::{Style, Tone};

/// What was found, by the agent and here.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) checks: Vec<Check>,
    pub(crate) versions: Vec<Version>,
}

/// A line for each check, what to do below it, and the versions.
pub(crate) fn findings(findings: &Findings, style: Style) -> String {
    let width = findings
        .checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for check in &findings.checks {
        let (word, tone) = match check.outcome {
            CheckOutcome::Ok => ("ok     ", Tone::Good),
            CheckOutcome::Warning => ("warning", Tone::Warning),
            CheckOutcome::Failed => ("failed ", Tone::Error),
            CheckOutcome::Skipped => ("skipped", Tone::Faint),
        };
        let name = check.name.replace('_', " ");
        let word = style.paint(tone, word);
        writeln!(text, "{word}  {name:width$}  {}", printable(&check.message))
            .expect("a String takes everything");
        if let Some(todo) = &check.hint {
            write!(text, "         {}", hint(todo, style)).expect("a String takes everything");
        }
    }
    let versions = findings.versions.iter();
    let versions: Vec<String> = versions
        .map(|v| format!("{} {}", v.name, v.version))
        .collect();
    let versions = printable(&versions.join(" · ")).into_owned();
    write!(text, "\n{}\n", style.paint(Tone::Faint, versions)).expect("a String takes everything");
    text
}

#[cfg(test)]
mod tests;
