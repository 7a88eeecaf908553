//! How an error is laid out on a terminal: what happened, indented why, and after an empty line what to
//! do. The command and the agents print it; the window has its own layout.

use std::fmt;

use valetkey_core::draft::Problem;
use valetkey_core::printable::printable;

use crate::error::{ApiError, InUseKind};

/// The parts of an error that a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorText {
    message: String,
    reasons: Vec<String>,
    hints: Vec<String>,
}

/// The words that begin a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Error,
    Hint,
}

impl Label {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error:",
            Self::Hint => "hint:",
        }
    }
}

impl ErrorText {
    /// What happened.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            reasons: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// With why, if that is known.
    #[must_use]
    pub fn reason(mut self, reason: Option<impl Into<String>>) -> Self {
        self.reasons.extend(reason.map(Into::into));
        self
    }

    /// With what to do, if that is known.
    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hints.extend(hint.map(Into::into));
        self
    }

    /// With what is wrong with each field.
    #[must_use]
    pub fn problems(mut self, problems: &[Problem]) -> Self {
        for problem in problems {
            self.reasons.push(problem.message.clone());
            self.reasons.push(format!("  {}", problem.hint));
        }
        self
    }

    /// The lines, with the labels as `label` sets them apart (in colour, say).
    pub fn render<L: fmt::Display>(&self, label: impl Fn(Label) -> L) -> String {
        let mut text = format!("{} {}\n", label(Label::Error), printable(&self.message));
        for line in self.reasons.iter().flat_map(|reason| reason.lines()) {
            text.extend(["  ", &printable(line), "\n"]);
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            let line = format!("{} {}\n", label(Label::Hint), printable(hint));
            text.push_str(&line);
        }
        text
    }
}

impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Label::as_str))
    }
}

impl From<&ApiError> for ErrorText {
    fn from(error: &ApiError) -> Self {
        let mut text = Self::new(&error.message)
            .reason(error.reason.as_deref())
            .problems(&error.problems);
        for used in &error.in_use {
            let kind = match used.kind {
                InUseKind::Connection => "connection",
                InUseKind::Client => "used by",
            };
            let name = format!("`{}`", used.name);
            if !error.message.contains(&name) {
                text = text.reason(Some(format!("{kind} {name}")));
            }
        }
        if !error.missing_scopes.is_empty() {
            let scopes = error.missing_scopes.join(", ");
            text = text.reason(Some(format!("missing scopes: {scopes}")));
        }
        let or_open = error.connect_url.as_ref();
        let console = error.console_url.as_ref();
        let later = error.retry_after;
        text.hint(error.hint.as_deref())
            .hint(or_open.map(|url| format!("or open {url}")))
            .hint(console.map(|url| format!("the client is registered at {url}")))
            .hint(later.map(|seconds| format!("try again in {seconds} s")))
    }
}

#[cfg(test)]
mod tests;
