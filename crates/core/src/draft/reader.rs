//! Reads members one by one and remembers everything that is wrong with them.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use super::members::Members;
use super::nearest::nearest;
use super::references::{References, split_reference};
use super::{Problem, Warning};

/// Fields of an authenticator; the catalogue adds its placeholders.
pub(super) const FIELDS: &[&str] = &[
    "name",
    "authenticator_type",
    "client_id",
    "client_secret",
    "private_key",
    "grant_type",
    "scopes",
    "redirect_uri",
    "authorize_url",
    "token_url",
    "device_authorization_url",
    "pushed_authorization_url",
    "revocation_url",
    "userinfo_url",
    "issuer",
    "resource",
    "client_auth",
    "assertion_audience",
    "subject",
    "audience",
    "requested_token_type",
    "dpop",
    "authorize_params",
    "placeholders",
    "api_hosts",
    "narrow_tokens",
    "mcp_server",
    "assume_pkce",
    "api_keys_only",
    "api_key_header",
];

/// What other tools call our fields.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("provider", "authenticator_type"),
    ("type", "authenticator_type"),
    ("app_secret", "client_secret"),
    ("secret", "client_secret"),
    ("jwk", "private_key"),
    ("client_assertion_audience", "assertion_audience"),
    ("subject_connection", "subject"),
    ("scope", "scopes"),
    ("redirect_url", "redirect_uri"),
    ("callback_url", "redirect_uri"),
    ("auth_url", "authorize_url"),
    ("auth_uri", "authorize_url"),
    ("authorization_url", "authorize_url"),
    ("authorization_endpoint", "authorize_url"),
    ("token_uri", "token_url"),
    ("token_endpoint", "token_url"),
    ("device_authorization_endpoint", "device_authorization_url"),
    (
        "pushed_authorization_request_endpoint",
        "pushed_authorization_url",
    ),
    ("revoke_url", "revocation_url"),
    ("revocation_endpoint", "revocation_url"),
    ("userinfo_endpoint", "userinfo_url"),
    ("issuer_url", "issuer"),
    ("resource_uri", "resource"),
    ("api_host", "api_hosts"),
    ("hosts", "api_hosts"),
    ("key_header", "api_key_header"),
    ("auth_method", "client_auth"),
    ("token_endpoint_auth_method", "client_auth"),
];

pub(super) struct Reader {
    members: Members,
    references: References,
    broken: Vec<String>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Reader {
    pub(super) fn new(members: Members, references: References) -> Self {
        Self {
            members,
            references,
            broken: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn problem(
        &mut self,
        field: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.broken.push(field.to_owned());
        self.problems.push(Problem {
            field: field.to_owned(),
            message: message.into(),
            hint: hint.into(),
        });
    }

    pub(super) fn warn(
        &mut self,
        field: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
        offer: Option<String>,
    ) {
        self.warnings.push(Warning {
            field: field.to_owned(),
            message: message.into(),
            hint: hint.into(),
            offer,
        });
    }

    /// Says that a field is missing, unless something about it was said already.
    pub(super) fn missing(&mut self, field: &str, hint: impl Into<String>) {
        if !self.broken.iter().any(|broken| broken == field) {
            self.problem(field, format!("`{field}` is missing"), hint);
        }
    }

    /// A text without spaces around it; None if it is absent, empty, or wrong (which is noted).
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        let value = self.take(field)?;
        self.as_text(field, value)
    }

    /// A number is taken as text: client ids are often numbers.
    pub(super) fn text_or_number(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::Number(number) => Some(number.to_string()),
            other => self.as_text(field, other),
        }
    }

    /// An object is taken as its JSON text: a key in JSON is written so.
    pub(super) fn text_or_object(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            object @ Value::Object(_) => Some(object.to_string()),
            other => self.as_text(field, other),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        match self.take(field)? {
            Value::Array(items) => Some(
                items
                    .into_iter()
                    .filter_map(|item| self.as_text(field, item))
                    .collect(),
            ),
            Value::String(text) => {
                let list: Vec<String> = text
                    .split([' ', ','])
                    .filter(|part| !part.is_empty())
                    .map(|part| format!("\"{part}\""))
                    .collect();
                let hint = format!("write `\"{field}\": [{}]`", list.join(", "));
                self.problem(field, format!("`{field}` is one text, not a list"), hint);
                None
            }
            _ => {
                let hint = format!("write `\"{field}\": [\"...\", \"...\"]`");
                self.problem(field, format!("`{field}` is not a list"), hint);
                None
            }
        }
    }

    /// An object of texts.
    pub(super) fn pairs(&mut self, field: &str) -> BTreeMap<String, String> {
        match self.take(field) {
            None => BTreeMap::new(),
            Some(Value::Object(members)) => members
                .into_iter()
                .filter_map(|(name, value)| Some((name, self.as_text(field, value)?)))
                .collect(),
            Some(_) => {
                let hint = format!("write `\"{field}\": {{\"name\": \"value\"}}`");
                self.problem(field, format!("`{field}` is not an object"), hint);
                BTreeMap::new()
            }
        }
    }

    /// Names every member that nobody asked for.
    /// `true` or `false`, as JSON or as text.
    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                let message = format!("`{field}` is neither true nor false");
                self.problem(field, message, "write `true` or `false`");
                None
            }
        }
    }

    pub(super) fn refuse_the_rest(&mut self, placeholders: &[&str]) {
        let members = std::mem::take(&mut self.members);
        for (field, value) in members.iter() {
            if value.is_null() {
                continue;
            }
            let other = OTHER_NAMES.iter().find(|(other, _)| *other == field);
            let known = FIELDS.iter().chain(placeholders).copied();
            let meant = other
                .map(|(_, ours)| *ours)
                .or_else(|| nearest(field, known));
            let hint = meant.map_or_else(
                || {
                    format!(
                        "remove it; the fields are {}",
                        list(FIELDS.iter().chain(placeholders))
                    )
                },
                |meant| format!("did you mean `{meant}`?"),
            );
            let shown: String = field.chars().take(64).collect();
            self.problem(field, format!("`{shown}` is not a field"), hint);
        }
    }

    /// Takes a field out, unless it hangs on a variable.
    fn take(&mut self, field: &str) -> Option<Value> {
        let value = self
            .members
            .remove(field)
            .filter(|value| !value.is_null())?;
        if let References::Wrong(wrong) = &self.references
            && let Some(reference) = wrong.get(field)
        {
            let problem = reference.problem(field);
            self.problem(field, problem.message, problem.hint);
            return None;
        }
        Some(value)
    }

    fn as_text(&mut self, field: &str, value: Value) -> Option<String> {
        let Value::String(text) = value else {
            self.problem(
                field,
                format!("`{field}` is not text"),
                "write it between quotes",
            );
            return None;
        };
        if self.references == References::Unread
            && let Some((_, name, _)) = split_reference(&text)
        {
            let message = format!("`${{{name}}}` in `{field}` is not resolved here");
            let hint = "send its value; only `valetkey add --config` reads variables";
            self.problem(field, message, hint);
            return None;
        }
        let text = Zeroizing::new(text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }
}

/// `a`, `b`, `c`, each in back-ticks.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
