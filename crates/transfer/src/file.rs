//! Finds out what a file is, by its content.

use serde_json::{Map, Value};

use crate::found::{Found, Unreadable};
use crate::{encrypted, env_file, google, oidc_agent, own};

/// What a file is, as far as can be said without a passphrase.
#[derive(Debug, PartialEq)]
pub enum Content {
    /// Its authenticators.
    Found(Found),
    /// [`encrypted::decrypt`] opens it.
    Encrypted,
}

/// Reads a file that somebody gave.
pub fn read(bytes: &[u8]) -> Result<Content, Unreadable> {
    if encrypted::is_encrypted(bytes) {
        return Ok(Content::Encrypted);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Unreadable::new(
            "this is no text",
            "give the file that was exported, not an archive of it",
        )
    })?;
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with(['{', '[']) {
        return env_file::read(text).map(Content::Found);
    }
    let value = json(text)?;
    of_json(value).map(Content::Found)
}

/// Reads an export of several authenticators; None if the text is something else.
pub fn export(text: &str) -> Option<Result<Found, Unreadable>> {
    let members = object(json(text.trim_start_matches('\u{feff}')).ok()?).ok()?;
    let is_export = members.get("authenticators").is_some_and(Value::is_array);
    is_export.then(|| own::read(members))
}

/// Reads the content of an encrypted file. Its secrets are the secrets themselves.
pub fn read_decrypted(text: &str) -> Result<Found, Unreadable> {
    let mut found = own::read(object(json(text)?)?)?;
    for authenticator in &mut found.authenticators {
        authenticator.has_variables = false;
    }
    Ok(found)
}

fn of_json(value: Value) -> Result<Found, Unreadable> {
    if value.is_array() {
        return oidc_agent::issuers(value);
    }
    let members = object(value)?;
    if members.contains_key("installed") || members.contains_key("web") {
        return google::read(&members);
    }
    if oidc_agent::is_account(&members) {
        return Ok(oidc_agent::account(&members));
    }
    own::read(members)
}

pub(crate) fn json(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        // The reader refuses what is nested too deep.
        Unreadable::new(
            format!("this is no JSON that can be used (line {line}, column {column})"),
            "export or download the file again",
        )
    })
}

pub(crate) fn object(value: Value) -> Result<Map<String, Value>, Unreadable> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(unknown()),
    }
}

pub(crate) fn unknown() -> Unreadable {
    Unreadable::new(
        "this file describes no OAuth client that is known here",
        "`valetkey import --help` lists what can be imported; `valetkey add --config` reads one authenticator",
    )
}
