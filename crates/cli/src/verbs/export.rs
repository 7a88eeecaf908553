//! `valetkey add --config` with what the window exports: several authenticators in one file. All of
//! it is checked before anything is added; what is there already stays as it is.

use std::env;

use serde::Serialize;
use serde_json::{Map, Value};
use valetkey_api::ErrorCode;
use valetkey_api::authenticators::AuthenticatorSaved;
use valetkey_api::client::ClientError;
use valetkey_api::core::draft::DraftInput;

use crate::agent;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::authenticators as words;
use crate::style::safe;
use crate::terminal::Terminal;

/// The authenticators of an export; None if the text is something else.
pub(super) fn entries(text: &str) -> Option<Vec<Value>> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(mut members)) => match members.remove("authenticators") {
            Some(Value::Array(entries)) => Some(entries),
            Some(_) | None => None,
        },
        Ok(_) | Err(_) => None,
    }
}

/// What was added, in the order of the file.
#[derive(Debug, Serialize)]
struct Added {
    authenticators: Vec<AuthenticatorSaved>,
}

/// Adds those that are not there.
pub(super) fn add(terminal: Terminal, global: &Global, entries: Vec<Value>) -> Result<(), Failure> {
    let mut inputs = Vec::new();
    let mut problems = Vec::new();
    for entry in entries {
        let Value::Object(mut members) = entry else {
            return Err(Failure::new(
                Exit::Usage,
                "an authenticator in the file is no JSON object",
            ));
        };
        let global = of_profile(global, &mut members)?;
        let name = members.get("name").and_then(Value::as_str).unwrap_or("?");
        let name = name.to_owned();
        let input = DraftInput::from_members(members).resolve(&|name| env::var(name).ok());
        if let Err(wrong) = input.clone().check() {
            problems.extend(wrong.into_iter().map(|mut problem| {
                problem.message = format!("{name}: {}", problem.message);
                problem
            }));
        }
        inputs.push((global, name, input));
    }
    if !problems.is_empty() {
        return Err(Failure::Problems(problems));
    }
    let mut added = Vec::new();
    for (global, name, input) in inputs {
        match agent::connect(&global)?.add_authenticator(&input) {
            Ok(saved) => added.push(saved),
            Err(ClientError::Api(error)) if error.code == ErrorCode::Conflict => {
                terminal.say(|_| format!("`{}` is there already\n", safe(&name)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let added = Added {
        authenticators: added,
    };
    terminal.done(&added, |added, style| {
        let added = added.authenticators.iter();
        added.map(|saved| words::added(saved, style)).collect()
    })
}

/// The entry's own profile, unless the command names one.
fn of_profile(global: &Global, members: &mut Map<String, Value>) -> Result<Global, Failure> {
    let named = members.remove("profile");
    let named = named.as_ref().and_then(Value::as_str);
    let profile = named.map(str::parse).transpose().map_err(|error| {
        Failure::new(Exit::Usage, "a profile in the file has no good name").why(error)
    })?;
    Ok(Global {
        profile: global.profile.clone().or(profile),
        ..global.clone()
    })
}
