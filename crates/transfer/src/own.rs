//! Our own export, or the config file of one authenticator.

use serde_json::{Map, Value};
use valetkey_core::draft::DraftInput;
use valetkey_core::name::ProfileName;

use crate::file;
use crate::found::{Found, FoundAuthenticator, Unreadable};

/// Most authenticators of one file.
const MAX_ENTRIES: usize = 1000;

pub(crate) fn read(mut members: Map<String, Value>) -> Result<Found, Unreadable> {
    let entries = match members.remove("authenticators") {
        Some(Value::Array(entries)) => entries,
        None if members.contains_key("authenticator_type") => vec![Value::Object(members)],
        Some(_) | None => return Err(file::unknown()),
    };
    if entries.is_empty() {
        return Err(Unreadable::new(
            "there is no authenticator in this file",
            "export them again",
        ));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Unreadable::new(
            format!("there are more than {MAX_ENTRIES} authenticators in this file"),
            "import them in parts",
        ));
    }
    let entries = entries.into_iter().map(entry);
    Ok(Found {
        authenticators: entries.collect::<Result<_, _>>()?,
        remarks: Vec::new(),
    })
}

fn entry(entry: Value) -> Result<FoundAuthenticator, Unreadable> {
    let Value::Object(mut members) = entry else {
        return Err(Unreadable::new(
            "an authenticator in the file is no JSON object",
            "export them again",
        ));
    };
    let profile: Option<ProfileName> = match members.remove("profile") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.parse().map_err(|error| {
            Unreadable::new(
                format!("a profile in the file has no good name: {error}"),
                "correct it in the file, or give `--profile`",
            )
        })?),
        Some(_) => {
            return Err(Unreadable::new(
                "`profile` of an authenticator in the file is no text",
                "write its name between quotes",
            ));
        }
    };
    let is_active = match members.remove("is_active") {
        None => true,
        Some(Value::Bool(is_active)) => is_active,
        Some(_) => {
            return Err(Unreadable::new(
                "`is_active` of an authenticator in the file is no true or false",
                "write `true` or `false` without quotes",
            ));
        }
    };
    let called = members.get("name").or(members.get("authenticator_type"));
    let origin = called.and_then(Value::as_str).unwrap_or("?").to_owned();
    Ok(FoundAuthenticator {
        profile,
        is_active,
        has_variables: true,
        ..FoundAuthenticator::new(origin, DraftInput::from_members(members))
    })
}
