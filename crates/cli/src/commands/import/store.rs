//! Stores what was found, one after the other. Each is said as it happens: the next one may fail.

use serde::Serialize;
use serde_json::{Map, Value};
use valetkey_api::ErrorCode;
use valetkey_api::authenticators::{AuthenticatorSaved, ExportRequest};
use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::draft::DraftInput;
use valetkey_api::core::id::AuthenticatorId;
use valetkey_api::core::printable::printable;

use super::plan::{self, Entry};
use crate::agent;
use crate::args::{Add, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::authenticators as words;
use crate::terminal::Terminal;
use valetkey_transfer::Found;

/// Either of them is kept as the client secret.
const SECRETS: [&str; 2] = ["client_secret", "private_key"];

/// What became of them, in the order of the source.
#[derive(Debug, Default, Serialize)]
pub(super) struct Outcome {
    authenticators: Vec<AuthenticatorSaved>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<AuthenticatorSaved>,
    /// The names of those that were there already.
    there: Vec<String>,
}

/// `valetkey add --config` with an export: adds those that are not there. All of it is checked before anything
/// is added; what is there already stays as it is, and is not checked.
pub(in crate::commands) fn add_all(
    terminal: Terminal,
    global: &Global,
    args: &Add,
    found: Found,
) -> Result<(), Failure> {
    if !args.is_config_alone() {
        let what = "a file of several authenticators takes no other fields, and no secret";
        return Err(Failure::new(Exit::Usage, what)
            .hint("give the file alone, with `--profile` where they are to stand"));
    }
    let everywhere = Global {
        profile: None,
        ..global.clone()
    };
    let entries: Vec<Entry> = found
        .authenticators
        .into_iter()
        .map(|found| Entry::of(found, global))
        .collect();
    let known = agent::connect(&everywhere)?.authenticators()?;
    let is_there = |entry: &Entry| known.authenticators.iter().any(|it| entry.is(it));
    let (there, missing): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_there);
    let mut outcome = Outcome::default();
    for entry in there {
        outcome.is_there(terminal, entry.origin);
    }
    plan::check(missing.iter())?;
    for entry in missing {
        outcome.add(terminal, entry)?;
    }
    if terminal.json {
        terminal.json(&outcome)?;
    }
    Ok(())
}

impl Outcome {
    pub(super) fn is_empty(&self) -> bool {
        self.authenticators.is_empty() && self.replaced.is_empty() && self.there.is_empty()
    }

    pub(super) fn is_there(&mut self, terminal: Terminal, name: String) {
        if !terminal.json {
            terminal.say(|_| format!("`{}` is there already\n", printable(&name)));
        }
        self.there.push(name);
    }

    pub(super) fn add(
        &mut self,
        terminal: Terminal,
        entry: Entry,
    ) -> Result<Option<AuthenticatorId>, Failure> {
        let mut agent = agent::connect(&entry.global)?;
        let mut saved = match agent.add_authenticator(&entry.input) {
            Ok(saved) => saved,
            Err(ClientError::Api(error)) if error.code == ErrorCode::Conflict => {
                self.is_there(terminal, entry.origin);
                return Ok(None);
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
        let id = saved.authenticator.id;
        self.authenticators.push(saved);
        Ok(Some(id))
    }

    /// Makes the one that is there as the imported one. Where its logins would then be sent elsewhere, the agent
    /// refuses.
    pub(super) fn replace(
        &mut self,
        terminal: Terminal,
        entry: &Entry,
        id: AuthenticatorId,
    ) -> Result<(), Failure> {
        let mut agent = agent::connect(&entry.global)?;
        let patch = patch(&mut agent, entry, id)?;
        let saved = agent.update_authenticator(&id.to_string(), &patch, false)?;
        if !terminal.json {
            terminal.say(|_| words::updated(&saved.authenticator));
        }
        self.replaced.push(saved);
        Ok(())
    }
}

/// What makes the authenticator `id` the one of `entry`.
fn patch(
    agent: &mut Client,
    entry: &Entry,
    id: AuthenticatorId,
) -> Result<DraftInput, ClientError> {
    let exported = agent.export(&ExportRequest {
        authenticators: Some(vec![id.to_string()]),
        secrets: false,
    })?;
    let old = exported.authenticators.first().map(members);
    let old = old.unwrap_or_default();
    let mut new = members(&entry.input);
    new.insert("is_active".to_owned(), entry.is_active.into());
    // The secret belongs to the client, not to its name.
    let is_same_client = old.get("client_id") == new.get("client_id");
    let gives_secret = SECRETS.iter().any(|field| new.contains_key(*field));
    let mut patch = merge_patch(&old, &new);
    patch.remove("profile");
    if is_same_client && !gives_secret {
        for field in SECRETS {
            patch.remove(field);
        }
    }
    Ok(DraftInput::from_members(patch))
}

fn members(input: &DraftInput) -> Map<String, Value> {
    serde_json::from_str(&input.to_json()).expect("fields are a JSON object")
}

/// The patch (RFC 7396) that makes `new` of `old`.
fn merge_patch(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in new {
        let value = match (old.get(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge_patch(old, new).into(),
            (_, value) => value.clone(),
        };
        patch.insert(name.clone(), value);
    }
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_takes_away_what_the_imported_one_does_not_have() {
        let old = json!({"a": 1, "b": {"x": 1, "y": 2}, "c": 3});
        let new = json!({"a": 1, "b": {"y": 3}, "d": 4});
        let object = |value: &Value| value.as_object().unwrap().clone();
        let patch = merge_patch(&object(&old), &object(&new));
        assert_eq!(
            Value::from(patch),
            json!({"a": 1, "b": {"x": null, "y": 3}, "c": null, "d": 4})
        );
    }
}
