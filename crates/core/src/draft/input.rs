//! The fields of an authenticator as they came: not checked, not complete, perhaps with secrets.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::check::{self, Proof};
use super::members::Members;
use super::references::{References, WrongReference, is_unfinished, resolve_value};
use super::{Change, Draft, Problem, SecretChange, Warning};
use crate::authenticator::Authenticator;
use crate::name::AuthenticatorName;
use crate::provider::ClientAuth;
use crate::secret_json;

/// Fields of an authenticator by their JSON names.
#[derive(Clone, Default, PartialEq)]
pub struct DraftInput {
    members: Members,
    references: References,
}

impl DraftInput {
    /// Reads a config file.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        let problem = |message: String| {
            vec![Problem {
                field: String::new(),
                message,
                hint: "write one JSON object, such as `{\"name\": \"Google\", \"authenticator_type\": \
                       \"google\", \"client_id\": \"...\"}`"
                    .to_owned(),
            }]
        };
        match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(Value::Object(members)) => Ok(Self::from_members(members)),
            Ok(_) => Err(problem("this is no JSON object".to_owned())),
            Err(error) => Err(problem(format!(
                "this is no JSON (line {}, column {})",
                error.line(),
                error.column()
            ))),
        }
    }

    /// Takes the members of a request body.
    pub fn from_members(members: Map<String, Value>) -> Self {
        Self {
            members: members.into(),
            references: References::Unread,
        }
    }

    /// Sets a field, as a flag does; it wins over the file.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.members.set(field.to_owned(), value.into());
        if let References::Wrong(wrong) = &mut self.references {
            wrong.remove(field);
        }
    }

    /// These fields, where `given` says nothing else.
    #[must_use]
    pub fn overridden(mut self, mut given: Self) -> Self {
        self.members.merge(std::mem::take(&mut given.members));
        self
    }

    /// The text of a field; None if it has none.
    pub fn text(&self, field: &str) -> Option<&str> {
        let text = self.members.get(field)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Whether the field is `true`.
    pub fn is_true(&self, field: &str) -> bool {
        self.members.get(field) == Some(&Value::Bool(true))
    }

    /// Takes a field away, and returns its text.
    pub fn take_text(&mut self, field: &str) -> Option<String> {
        let text = self.text(field).map(str::to_owned);
        self.members.remove(field);
        text
    }

    /// Whether the field is there.
    pub fn has(&self, field: &str) -> bool {
        self.members.contains_key(field)
    }

    /// Replaces each `${NAME}` in any text by the variable's value, which is never looked into again. What
    /// is not set or not finished is named by [`Self::check`].
    #[must_use]
    pub fn resolve(mut self, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut wrong = BTreeMap::new();
        for (field, value) in self.members.iter_mut() {
            if is_unfinished(value) {
                wrong.insert(field.clone(), WrongReference::Unfinished);
            }
            let mut look_up = |name: &str| {
                let value = variable(name)
                    .filter(|value| !value.is_empty())
                    .map(Zeroizing::new);
                if value.is_none() {
                    // What is not finished has no name that could be set instead.
                    wrong
                        .entry(field.clone())
                        .or_insert_with(|| WrongReference::Unset(name.to_owned()));
                }
                value
            };
            resolve_value(value, &mut look_up);
        }
        self.references = References::Wrong(wrong);
        self
    }

    /// The fields whose references stand for nothing. [`Self::check`] says it too; a change, which is
    /// checked elsewhere, must not be sent.
    pub fn unresolved(&self) -> Vec<Problem> {
        match &self.references {
            References::Unread => Vec::new(),
            References::Wrong(wrong) => wrong
                .iter()
                .map(|(field, reference)| reference.problem(field))
                .collect(),
        }
    }

    /// What commands would call it; None if that cannot be said.
    pub fn name(&self) -> Option<AuthenticatorName> {
        let fields = ["name", "authenticator_type"].into_iter();
        let members =
            fields.filter_map(|field| Some((field.to_owned(), self.members.get(field)?.clone())));
        check::short_name(
            members.collect::<Map<_, _>>().into(),
            self.references.clone(),
        )
    }

    /// Checks everything at once.
    pub fn check(self) -> Result<(Draft, Vec<Warning>), Vec<Problem>> {
        check::check(self.members, self.references, Proof::Nothing)
    }

    /// The members of `old`, without those that what is given here makes void.
    fn members_to_change(&self, old: &Authenticator, has_key: bool) -> Members {
        let mut members = members_of(old);
        if let Some(app_id) = self.members.get("app_id").filter(|id| !id.is_null()) {
            members.insert("client_id".to_owned(), app_id.clone());
        }
        let gives = |field: &str| self.members.get(field).is_some_and(|it| !it.is_null());
        // A client completes an authenticator that had none.
        if (gives("client_id") || gives("app_id")) && !self.has("api_keys_only") {
            members.remove("api_keys_only");
        }
        // The other kind of credential is used in another way.
        if gives("private_key") || (gives("client_secret") && has_key) {
            members.remove("client_auth");
        }
        members
    }

    /// Checks this as a change of `old`: fields that are there replace, `null` takes away, the rest
    /// stays. The provider cannot be changed. The routes of an entry of the person's own stay as they were
    /// confirmed, unless `accept_endpoints` is true.
    pub fn check_change(
        mut self,
        old: &Authenticator,
        now: Timestamp,
    ) -> Result<Change, Vec<Problem>> {
        let accepts = match self.members.remove("accept_endpoints") {
            None => false,
            Some(Value::Bool(accepts)) => accepts,
            Some(_) => {
                return Err(vec![Problem {
                    field: "accept_endpoints".to_owned(),
                    message: "`accept_endpoints` is true or false".to_owned(),
                    hint: "send `true` to use the endpoints of the provider's file".to_owned(),
                }]);
            }
        };
        let takes_secret = ["client_secret", "private_key"]
            .iter()
            .any(|field| self.members.get(*field) == Some(&Value::Null));
        let other_type = self
            .members
            .get("authenticator_type")
            .is_some_and(|id| *id != old.provider.as_str());
        if other_type {
            return Err(vec![Problem {
                field: "authenticator_type".to_owned(),
                message: format!("`{}` is at `{}` and stays there", old.name, old.provider),
                hint: "add a second authenticator, or remove this one first".to_owned(),
            }]);
        }
        let renamed = self.has("name");
        let has_key = old.overrides.client_auth == Some(ClientAuth::PrivateKeyJwt);
        let mut merged = self.members_to_change(old, has_key);
        merged.merge(self.members);
        let kept = match (old.has_secret && !takes_secret, has_key) {
            (true, true) => Proof::Key,
            (true, false) => Proof::Secret,
            (false, _) => Proof::Nothing,
        };
        let (draft, mut warnings) = check::check(merged, self.references, kept)?;
        if old.has_client() && draft.client_id.is_empty() {
            return Err(vec![Problem {
                field: "api_keys_only".to_owned(),
                message: format!("`{}` has a client, which its logins need", old.name),
                hint: "it takes API keys as well; to give up the client, remove it and add another one"
                    .to_owned(),
            }]);
        }
        if old.has_client() && draft.client_id != old.client_id {
            warnings.push(Warning {
                field: "client_id".to_owned(),
                message: "logins that came through the old client id cannot be refreshed with the new one"
                    .to_owned(),
                hint: format!("connect `{}` again", old.name),
                offer: None,
            });
        }
        let secret = match draft.client_secret {
            Some(secret) => Some(SecretChange::Set(secret)),
            None if takes_secret && old.has_secret => Some(SecretChange::Remove),
            None => None,
        };
        let has_secret = match &secret {
            Some(SecretChange::Set(_)) => true,
            Some(SecretChange::Remove) => false,
            None => old.has_secret,
        };
        let mut overrides = draft.overrides;
        if !accepts {
            overrides
                .confirmed_routes
                .clone_from(&old.overrides.confirmed_routes);
        }
        // A registration belongs to its client id and issuer.
        if draft.client_id == old.client_id && overrides.issuer == old.overrides.issuer {
            overrides
                .registration
                .clone_from(&old.overrides.registration);
        }
        let (name, display_name) = if renamed {
            (draft.name, draft.display_name)
        } else {
            (old.name.clone(), old.display_name.clone())
        };
        let authenticator = Authenticator {
            name,
            display_name,
            client_id: draft.client_id,
            has_secret,
            scopes: draft.scopes,
            redirect_uri: draft.redirect_uri,
            overrides,
            updated_at: now,
            ..old.clone()
        };
        Ok(Change {
            authenticator,
            secret,
            warnings,
        })
    }

    /// The fields as JSON, for the request that hands them to the agent. Holds the secret.
    pub fn to_json(&self) -> Zeroizing<String> {
        let json = std::mem::take(&mut *secret_json::to_vec(self));
        Zeroizing::new(String::from_utf8(json).expect("JSON is UTF-8"))
    }
}

impl Serialize for DraftInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (*self.members).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DraftInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from_members)
    }
}

impl fmt::Debug for DraftInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}

/// The members that would give this authenticator, without its secret.
pub(super) fn members_of(old: &Authenticator) -> Members {
    let mut members = match serde_json::to_value(&old.overrides) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    // No field: what was confirmed cannot be written by hand.
    members.remove("confirmed_routes");
    members.remove("registration");
    members.insert("name".to_owned(), old.name.as_str().into());
    members.insert("authenticator_type".to_owned(), old.provider.clone().into());
    if old.has_client() {
        members.insert("client_id".to_owned(), old.client_id.clone().into());
    } else {
        members.insert("api_keys_only".to_owned(), true.into());
    }
    members.insert("scopes".to_owned(), Vec::from(old.scopes.clone()).into());
    members.insert(
        "redirect_uri".to_owned(),
        old.redirect_uri.to_string().into(),
    );
    members.into()
}
