//! `error:` what, indented why, `hint:` what to do.

use std::fmt::Write as _;

use valetkey_api::ApiError;
use valetkey_api::core::draft::Problem;
use valetkey_api::error::InUseKind;

use crate::failure::Failure;
use crate::style::{Style, Tone, safe};

/// A failure, as the last thing that a command says.
pub(crate) fn failure(failure: &Failure, style: Style) -> String {
    match failure {
        Failure::Api(error) => api(error, style),
        Failure::Problems(list) => {
            let mut text = headline("the authenticator cannot be used as it is", style);
            problems(&mut text, list);
            text
        }
        Failure::Own(own) => {
            let mut text = headline(&own.what, style);
            if let Some(why) = &own.why {
                line(&mut text, why);
            }
            hints(&mut text, own.hint.iter().cloned(), style);
            text
        }
    }
}

fn api(error: &ApiError, style: Style) -> String {
    let mut text = headline(&error.message, style);
    if let Some(reason) = &error.reason {
        line(&mut text, reason);
    }
    problems(&mut text, &error.problems);
    for used in &error.in_use {
        let kind = match used.kind {
            InUseKind::Connection => "connection",
            InUseKind::Client => "used by",
        };
        line(&mut text, &format!("{kind} `{}`", used.name));
    }
    if !error.missing_scopes.is_empty() {
        line(
            &mut text,
            &format!("missing scopes: {}", error.missing_scopes.join(", ")),
        );
    }
    let or_open = error.connect_url.iter().map(|url| format!("or open {url}"));
    let console = error
        .console_url
        .iter()
        .map(|url| format!("the registration stands at {url}"));
    let later = error
        .retry_after
        .iter()
        .map(|seconds| format!("try again in {seconds} s"));
    let all = error
        .hint
        .iter()
        .cloned()
        .chain(or_open)
        .chain(console)
        .chain(later);
    hints(&mut text, all, style);
    text
}

fn headline(what: &str, style: Style) -> String {
    format!("{} {}\n", style.paint(Tone::Error, "error:"), safe(what))
}

fn line(text: &mut String, words: &str) {
    for words in words.lines() {
        writeln!(text, "  {}", safe(words)).expect("a String takes everything");
    }
}

fn problems(text: &mut String, problems: &[Problem]) {
    for problem in problems {
        line(text, &problem.message);
        line(text, &format!("  {}", problem.hint));
    }
}

fn hints(text: &mut String, hints: impl Iterator<Item = String>, style: Style) {
    let hints: Vec<String> = hints.collect();
    if !hints.is_empty() {
        text.push('\n');
    }
    for words in hints {
        text.push_str(&hint(&words, style));
    }
}

/// One `hint:` line.
pub(crate) fn hint(words: &str, style: Style) -> String {
    format!("{} {}\n", style.paint(Tone::Hint, "hint:"), safe(words))
}

/// One `warning:` with what to do about it.
pub(crate) fn warning(what: &str, todo: &str, style: Style) -> String {
    let warning = style.paint(Tone::Warning, "warning:");
    format!("{warning} {}\n  {}\n", safe(what), safe(todo))
}

#[cfg(test)]
mod tests;
