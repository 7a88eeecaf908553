//! The audit log: `GET events`.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use valetkey_core::event::{EventId, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::name::ProfileName;

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
    /// At most so many; absent: 100, at most 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Who asked, in words.
    pub actor: Option<String>,
    /// Further facts, by name.
    pub detail: Value,
}
