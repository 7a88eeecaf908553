//! `valetkey add --config` with what the window exports: several authenticators in one file. All of
//! it is checked before anything is added; what is there already stays as it is, and is not checked.

use std::env;

use serde::Serialize;
use serde_json::{Map, Value};
use valetkey_api::ErrorCode;
use valetkey_api::authenticators::{AuthenticatorSaved, AuthenticatorView};
use valetkey_api::client::ClientError;
use valetkey_api::core::draft::DraftInput;
use valetkey_api::core::printable::printable;

use crate::agent;
use crate::args::{Add, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::authenticators as words;
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

/// What became of the entries, in the order of the file.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    authenticators: Vec<AuthenticatorSaved>,
    /// The names of those that were there already.
    there: Vec<String>,
}

/// One authenticator of the file.
struct Entry {
    /// With its profile.
    global: Global,
    /// As the file has it.
    called: String,
    input: DraftInput,
    is_active: bool,
}

/// Adds those that are not there.
pub(super) fn add(
    terminal: Terminal,
    global: &Global,
    args: &Add,
    entries: Vec<Value>,
) -> Result<(), Failure> {
    if !args.is_config_alone() {
        let what = "a file of several authenticators takes no other fields, and no secret";
        return Err(Failure::new(Exit::Usage, what)
            .hint("give the file alone, with `--profile` where they are to stand"));
    }
    if entries.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "there is no authenticator in this file",
        ));
    }
    let entries: Result<Vec<Entry>, Failure> = entries
        .into_iter()
        .map(|entry| Entry::read(global, entry))
        .collect();
    let mut outcome = Outcome::default();
    let missing = outcome.leave(terminal, global, entries?)?;
    check(&missing)?;
    for entry in missing {
        outcome.add(terminal, entry)?;
    }
    if terminal.json {
        terminal.json(&outcome)?;
    }
    Ok(())
}

/// Everything that is wrong with any of them.
fn check(entries: &[Entry]) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for Entry { called, input, .. } in entries {
        if let Err(wrong) = input.clone().check() {
            problems.extend(wrong.into_iter().map(|mut problem| {
                problem.message = format!("{called}: {}", problem.message);
                problem
            }));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Problems(problems))
    }
}

impl Entry {
    fn read(global: &Global, entry: Value) -> Result<Self, Failure> {
        let Value::Object(mut members) = entry else {
            return Err(Failure::new(
                Exit::Usage,
                "an authenticator in the file is no JSON object",
            ));
        };
        let global = of_profile(global, &mut members)?;
        let is_active = match members.remove("is_active") {
            None => true,
            Some(Value::Bool(is_active)) => is_active,
            Some(_) => {
                let what = "`is_active` of an authenticator in the file is true or false";
                return Err(Failure::new(Exit::Usage, what));
            }
        };
        let called = members.get("name").or(members.get("authenticator_type"));
        let called = called.and_then(Value::as_str).unwrap_or("?").to_owned();
        let input = DraftInput::from_members(members).resolve(&|name| env::var(name).ok());
        Ok(Self {
            global,
            called,
            input,
            is_active,
        })
    }

    fn is(&self, there: &AuthenticatorView) -> bool {
        let profile = self.global.profile.clone().unwrap_or_default();
        there.profile == profile && Some(&there.name) == self.input.name().as_ref()
    }
}

impl Outcome {
    /// Says which are there and returns the others. Those that are there need nothing: not even
    /// their variables.
    fn leave(
        &mut self,
        terminal: Terminal,
        global: &Global,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, Failure> {
        let everywhere = Global {
            profile: None,
            ..global.clone()
        };
        let known = agent::connect(&everywhere)?.authenticators()?;
        let known = known.authenticators;
        let (there, missing): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| known.iter().any(|it| entry.is(it)));
        for entry in there {
            self.is_there(terminal, entry.called);
        }
        Ok(missing)
    }

    fn is_there(&mut self, terminal: Terminal, name: String) {
        if !terminal.json {
            terminal.say(|_| format!("`{}` is there already\n", printable(&name)));
        }
        self.there.push(name);
    }

    /// Each is said as it happens: the next one may fail.
    fn add(&mut self, terminal: Terminal, entry: Entry) -> Result<(), Failure> {
        let mut agent = agent::connect(&entry.global)?;
        let mut saved = match agent.add_authenticator(&entry.input) {
            Ok(saved) => saved,
            Err(ClientError::Api(error)) if error.code == ErrorCode::Conflict => {
                self.is_there(terminal, entry.called);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if !entry.is_active {
            let mut disabled = DraftInput::default();
            disabled.set("is_active", false);
            let id = saved.authenticator.id.to_string();
            let changed = agent.update_authenticator(&id, &disabled, false)?;
            saved.authenticator = changed.authenticator;
        }
        if !terminal.json {
            terminal.say(|style| words::added(&saved, style));
        }
        self.authenticators.push(saved);
        Ok(())
    }
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
