//! The audit log: `GET events`, `POST events/verify`.

mod check;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use valetkey_core::actor::Actor;
use valetkey_core::event::{EventId, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::name::ProfileName;

use crate::connections::Revocation;

pub use check::{EventsVerified, LogProblem, LogProblemKind, UncleanEnd};

/// Query of `GET events`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct EventQuery {
    /// Only later ones, oldest first; absent: the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<EventId>,
    /// Only earlier ones, for paging back: the newest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<EventId>,
    /// At most so many, 1 to 1,000; absent: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// Only about this connection: id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Where the connection's name stands; absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Only of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// Only of this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only asked for by somebody whose text contains this: a program's path or number, a key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Present (even without a value) or true: a stream of server-sent events instead of a list.
    #[serde(deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
}

/// `?follow`, `?follow=` and `?follow=true` are true.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(D::Error::custom("`follow` is `true` or `false`")),
    }
}

/// Reply to `GET events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventList {
    /// Oldest first.
    pub events: Vec<EventView>,
    /// The newest event of the whole log: what to pass as `after` to see only what comes later.
    pub last_id: EventId,
}

/// One line of the audit log. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventView {
    /// Where it stands in the log.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// The connection's id, if it is about one.
    pub connection_id: Option<ConnectionId>,
    /// Its name now, or the last one that is known.
    pub connection: Option<String>,
    /// The authenticator's id, if it is about one.
    pub authenticator_id: Option<AuthenticatorId>,
    /// Its name now, or the last one that is known.
    pub authenticator: Option<String>,
    /// The sign-in, if it is a step of one.
    pub session_id: Option<SignInId>,
    /// Who asked.
    pub actor: Option<Actor>,
    #[serde(deserialize_with = "null_is_empty")]
    pub detail: EventDetail,
}

/// Further facts about an event; its kind decides which there are. Never a secret.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct EventDetail {
    /// Why it failed or was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Why a program asks for a sign-in, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Version of the agent that started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the new token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Scopes that a sign-in brought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<String>,
    /// Scopes that were asked for and not granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Whether a sign-in renewed a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed: Option<bool>,
    /// Whether an authenticator is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Whether an authenticator got a new client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_secret: Option<bool>,
    /// Whether a token that was reported as refused was the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<bool>,
    /// Name of a client key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How many requests for tokens the log left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// A program that asked for access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What that program runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What became of the tokens at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Facts without a field of their own.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl EventDetail {
    /// Reads what the audit log stores; facts that do not fit their field stay in `other`.
    pub fn read(stored: &Value) -> Self {
        let Value::Object(facts) = stored else {
            return Self::default();
        };
        let mut facts = facts.clone();
        facts.retain(|_, fact| !fact.is_null());
        Self::deserialize(Value::Object(facts.clone())).unwrap_or_else(|_| Self {
            other: facts.into_iter().collect(),
            ..Self::default()
        })
    }
}

/// Agents before this field had a type sent null.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventDetail, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
