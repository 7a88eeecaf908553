//! The person's own catalogue files: read and checked, never fatal.

use super::is_ours;
use crate::draft::nearest;
use crate::provider::Provider;
use crate::token_error::one_line;

/// A file of the folder `providers`, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Its name in that folder (`acme.toml`).
    pub name: String,
    /// What it holds, or why it could not be read.
    pub text: Result<String, String>,
}

/// What the person's own files brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnProviders {
    /// The entries that can be used.
    pub providers: Vec<Provider>,
    /// The files that cannot.
    pub wrong: Vec<WrongFile>,
}

/// Why a file of the person's own is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct WrongFile {
    /// Its name in the folder.
    pub file: String,
    /// What is wrong, with the field or the line.
    pub message: String,
}

impl OwnProviders {
    /// Reads these files. A file with a mistake is left out and named, the others are used.
    pub fn read(files: impl IntoIterator<Item = OwnFile>) -> Self {
        let mut own = Self::default();
        for file in files {
            match read(&file) {
                Ok(provider) => own.providers.push(provider),
                Err(messages) => {
                    own.wrong.extend(messages.iter().map(|message| WrongFile {
                        file: one_line(&file.name),
                        message: one_line(message),
                    }));
                }
            }
        }
        own
    }
}

fn read(file: &OwnFile) -> Result<Provider, Vec<String>> {
    let text = file.text.as_ref().map_err(|reason| vec![reason.clone()])?;
    let mut provider: Provider =
        toml::from_str(text).map_err(|error| vec![schema_error(text, &error)])?;
    provider.is_own = true;
    let mut messages: Vec<String> = provider.check().iter().map(ToString::to_string).collect();
    let id = &provider.id;
    if file.name.strip_suffix(".toml") != Some(id) {
        messages.push(format!(
            "`id`: the file of `{id}` must be called `{id}.toml`"
        ));
    }
    if is_ours(id) {
        messages.push(format!(
            "`id`: `{id}` is in the catalogue already and is not replaced; choose another id"
        ));
    }
    if messages.is_empty() {
        Ok(provider)
    } else {
        Err(messages)
    }
}

/// On one line, with the number of the line that it is about.
fn schema_error(text: &str, error: &toml::de::Error) -> String {
    let message = error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let message = match message.split_once(", expected one of ") {
        Some((what, known)) => format!("{what}{}", meant(what, known)),
        None => message,
    };
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message,
    }
}

/// The name that comes nearest to a mistyped one; all names would fill a screen.
fn meant(what: &str, known: &str) -> String {
    let wrong = what.split('`').nth(1).unwrap_or_default();
    let known = known.split('`').skip(1).step_by(2);
    nearest(wrong, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
