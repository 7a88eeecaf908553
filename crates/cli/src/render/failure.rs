//! `error:` what, indented why, `hint:` what to do.

use valetkey_api::core::printable::printable;
use valetkey_api::error_text::Label;

use crate::failure::Failure;
use crate::style::{Style, Tone};

/// A failure, as the last thing that a command says.
pub(crate) fn failure(failure: &Failure, style: Style) -> String {
    failure.text().render(|label| {
        let tone = match label {
            Label::Error => Tone::Error,
            Label::Hint => Tone::Hint,
        };
        style.paint(tone, label.as_str())
    })
}

/// One `hint:` line.
pub(crate) fn hint(words: &str, style: Style) -> String {
    let label = style.paint(Tone::Hint, Label::Hint.as_str());
    format!("{label} {}\n", printable(words))
}

/// One `warning:` with what to do about it.
pub(crate) fn warning(what: &str, todo: &str, style: Style) -> String {
    let warning = style.paint(Tone::Warning, "warning:");
    format!("{warning} {}\n  {}\n", printable(what), printable(todo))
}

#[cfg(test)]
mod tests;
