//! What a body says beside tokens: error names, words, a wish to wait. Providers agree on none of it.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::retry_after;
use crate::printable::is_unprintable;
use crate::token_response::number;

/// A reason is cut to this many characters.
const LONGEST_REASON: usize = 200;
/// A run of this many characters without a space, digits among them, may be a token.
const TOKEN_LIKE: usize = 24;

/// The error part of a body.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    /// Error names, the most specific first.
    pub(super) codes: Vec<String>,
    /// The name that stands for the error; one of `codes`.
    main: Option<String>,
    /// Description for developers.
    pub(super) words: Option<String>,
    /// A wish to wait that stands in the body (Discord).
    pub(super) retry_after: Option<SignedDuration>,
    /// `ok: false` (Slack): no grant, whatever else the body holds.
    pub(super) refuses: bool,
    /// The provider itself calls it transient (Facebook).
    pub(super) transient: bool,
}

impl ErrorFields {
    pub(super) fn of_redirect(code: &str, description: Option<&str>) -> Self {
        Self {
            codes: vec![code.to_owned()],
            main: Some(code.to_owned()),
            words: description.map(str::to_owned),
            ..Self::default()
        }
    }

    pub(super) fn of_members(members: &Map<String, Value>) -> Self {
        let nested = members.get("error").and_then(Value::as_object);
        let first = members
            .get("errors")
            .and_then(Value::as_array)
            .and_then(|list| list.first());
        let listed = first.and_then(Value::as_object);
        let main = code(members.get("error"))
            .or_else(|| code(nested?.get("code")))
            .or_else(|| code(nested?.get("type")))
            .or_else(|| code(members.get("code")))
            .or_else(|| code(listed?.get("code")))
            .or_else(|| name(members.get("status")))
            .or_else(|| name(members.get("message")))
            .or_else(|| code(members.get("ECODE")))
            .or_else(|| name(members.get("id")));

        let numbers = members.get("error_codes").and_then(Value::as_array);
        let mut codes: Vec<String> = numbers
            .into_iter()
            .flatten()
            .filter_map(|number| code(Some(number)))
            .take(16)
            .collect();
        let specific = ["suberror", "error_subtype", "code"];
        codes.extend(specific.iter().filter_map(|key| code(members.get(*key))));
        codes.extend(name(members.get("reason")));
        let in_object = ["error_subcode", "code", "status", "type"];
        codes.extend(in_object.iter().filter_map(|key| code(nested?.get(*key))));
        codes.extend(main.clone());
        codes.extend(leading_number(members.get("reason")));

        let described = [
            "error_description",
            "message",
            "reason",
            "detail",
            "description",
            "err",
        ];
        let words = described
            .iter()
            .find_map(|key| sentence(members.get(*key)))
            .or_else(|| sentence(nested?.get("message")))
            .or_else(|| sentence(listed?.get("message")))
            .or_else(|| sentence(first));
        Self {
            codes,
            words: words.filter(|words| main.as_ref() != Some(words)),
            main,
            retry_after: members
                .get("retry_after")
                .and_then(number)
                .and_then(retry_after::from_seconds),
            refuses: members.get("ok") == Some(&Value::Bool(false)),
            transient: nested.and_then(|error| error.get("is_transient"))
                == Some(&Value::Bool(true)),
        }
    }

    /// `invalid_grant: Token has been expired or revoked.`, or the HTTP status if nothing was fields.
    pub(super) fn reason(&self, status: Option<u16>, secrets: &[&str]) -> String {
        let specific = self
            .codes
            .first()
            .filter(|code| self.main.as_ref() != Some(*code));
        let name = match (&self.main, specific) {
            (Some(main), Some(specific)) => Some(format!("{main} ({specific})")),
            (Some(main), None) => Some(main.clone()),
            (None, _) => status.map(|status| format!("HTTP {status}")),
        };
        let whole = match (name, &self.words) {
            (Some(name), Some(words)) => format!("{name}: {words}"),
            (Some(name), None) => name,
            (None, words) => words.clone().unwrap_or_default(),
        };
        clean(&whole, secrets)
    }
}

/// Text of a provider, fit for a message: one line, bounded, without control characters, without
/// any of `secrets` and without anything that looks like a token.
pub fn clean(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[redacted]");
    }
    let line = one_line(&text);
    let words: Vec<&str> = line
        .split(' ')
        .map(|word| {
            if looks_like_token(word) {
                "[...]"
            } else {
                word
            }
        })
        .collect();
    let joined = words.join(" ");
    if joined.chars().count() <= LONGEST_REASON {
        return joined;
    }
    let mut cut: String = joined.chars().take(LONGEST_REASON - 3).collect();
    cut.push_str("...");
    cut
}

/// Foreign text on one line, without control characters and without those that turn text around or
/// hide a part of it.
pub fn one_line(text: &str) -> String {
    let shown = |c: char| {
        if is_unprintable(c) { ' ' } else { c }
    };
    let text: String = text.chars().map(shown).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn looks_like_token(word: &str) -> bool {
    word.len() >= TOKEN_LIKE && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// An error name: short text or a number.
fn code(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() && text.len() <= 64 => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An error name where a sentence or an HTTP status could stand as well.
fn name(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let is_name = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    is_name.then(|| text.to_owned())
}

/// The number that a sentence begins with (`4741: the token was replaced`).
fn leading_number(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (4..=8).contains(&end).then(|| text[..end].to_owned())
}

fn sentence(value: Option<&Value>) -> Option<String> {
    value?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
