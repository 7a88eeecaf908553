//! References to connections and authenticators, and the actor of a request.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use valetkey_core::actor;
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_core::name::{AuthenticatorName, BadName, ConnectionName, InProfile, ProfileName};

/// A connection by id, or by name within a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionKey {
    Id(ConnectionId),
    Name(ProfileName, ConnectionName),
}

impl ConnectionKey {
    /// Parses a UUID, or else a name in `profile`.
    pub fn parse(text: &str, profile: ProfileName) -> Result<Self, BadName> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Ok(Self::Name(profile, text.parse()?)),
        }
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(_, name) => write!(f, "{name}"),
        }
    }
}

/// An authenticator by id, or by name within a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthenticatorKey {
    Id(AuthenticatorId),
    Name(ProfileName, AuthenticatorName),
}

impl AuthenticatorKey {
    /// Parses a UUID, or else a name in `profile`.
    pub fn parse(text: &str, profile: ProfileName) -> Result<Self, BadName> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Ok(Self::Name(profile, text.parse()?)),
        }
    }
}

impl From<InProfile<AuthenticatorName>> for AuthenticatorKey {
    fn from(name: InProfile<AuthenticatorName>) -> Self {
        Self::Name(name.profile, name.name)
    }
}

impl AuthenticatorKey {
    /// As an argument of a command.
    pub(crate) fn argument(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(profile, name) => InProfile::new(profile.clone(), name.clone()).argument(),
        }
    }
}

impl fmt::Display for AuthenticatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(_, name) => write!(f, "{name}"),
        }
    }
}

/// Who made a request, for the audit log. A cheap handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(Arc<actor::Actor>);

impl Actor {
    /// The agent itself.
    pub fn agent() -> Self {
        actor::Actor::Agent.into()
    }
}

impl From<actor::Actor> for Actor {
    fn from(actor: actor::Actor) -> Self {
        Self(Arc::new(actor))
    }
}

impl From<&Actor> for actor::Actor {
    fn from(actor: &Actor) -> Self {
        (**actor).clone()
    }
}

impl Deref for Actor {
    type Target = actor::Actor;

    fn deref(&self) -> &actor::Actor {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
