//! `${NAME}` references to variables of the environment, in the fields of an authenticator.

use std::collections::BTreeMap;

use serde_json::Value;

use zeroize::Zeroizing;

use super::Problem;

/// Where `${NAME}` references stand.
#[derive(Clone, Default, PartialEq)]
pub(super) enum References {
    /// Nobody looked them up, as in an API request: they are refused wherever they stand.
    #[default]
    Unread,
    /// They were looked up; this is what is wrong in these fields.
    Wrong(BTreeMap<String, WrongReference>),
}

/// A reference that stands for nothing.
#[derive(Clone, PartialEq)]
pub(super) enum WrongReference {
    /// The variable of this name is not set.
    Unset(String),
    /// `${` without a name and `}`.
    Unfinished,
}

impl WrongReference {
    /// For the person.
    pub(super) fn problem(&self, field: &str) -> Problem {
        let (message, hint) = match self {
            Self::Unset(name) => (
                format!("`${{{name}}}` in `{field}` is not set"),
                format!("set the environment variable `{name}` and try again"),
            ),
            Self::Unfinished => (
                format!("`{field}` has `${{` without a name and `}}`"),
                "write a variable as `${NAME}`; put a value that holds `${` into a variable"
                    .to_owned(),
            ),
        };
        Problem {
            field: field.to_owned(),
            message,
            hint,
        }
    }
}

/// Whether `${` stands in a text, and is no reference.
fn has_unfinished(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, _, after)) = split_reference(rest) {
        if before.contains("${") {
            return true;
        }
        rest = after;
    }
    rest.contains("${")
}

/// Whether any text of a field [`has_unfinished`] references.
pub(super) fn is_unfinished(value: &Value) -> bool {
    match value {
        Value::String(text) => has_unfinished(text),
        Value::Array(items) => items.iter().any(is_unfinished),
        Value::Object(members) => members.values().any(is_unfinished),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(super) fn resolve_value(
    value: &mut Value,
    look_up: &mut impl FnMut(&str) -> Option<Zeroizing<String>>,
) {
    match value {
        Value::String(text) => *text = resolve_text(text, look_up),
        Value::Array(items) => {
            for item in items {
                resolve_value(item, look_up);
            }
        }
        Value::Object(members) => {
            for item in members.values_mut() {
                resolve_value(item, look_up);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn resolve_text(text: &str, look_up: &mut impl FnMut(&str) -> Option<Zeroizing<String>>) -> String {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = split_reference(rest) {
        parts.push(Zeroizing::new(before.to_owned()));
        parts.extend(look_up(name));
        rest = after;
    }
    // Reserved at once: growing would leave copies of a secret behind in freed memory.
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + rest.len();
    let mut resolved = String::with_capacity(size);
    for part in &parts {
        resolved.push_str(part);
    }
    resolved.push_str(rest);
    resolved
}

/// The first `${NAME}`: what stands before it, its name, what follows.
pub(super) fn split_reference(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("${")?;
        let inner = &text[start + 2..];
        let length = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        match length {
            Some(length) if length > 0 && inner[length..].starts_with('}') => {
                return Some((&text[..start], &inner[..length], &inner[length + 1..]));
            }
            _ => from = start + 2,
        }
    }
}
