//! One line of the audit log. Never holds a secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actor::Actor;
use crate::id::{AuthenticatorId, ConnectionId, SignInId};

/// Where an event stands in the log; grows by one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct EventId(pub i64);

/// What happened, to whom, because of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// The connection, if it is about one.
    pub connection: Option<ConnectionId>,
    /// The authenticator, if it is about one.
    pub authenticator: Option<AuthenticatorId>,
    /// The sign-in, if it is a step of one.
    pub sign_in: Option<SignInId>,
    /// Who asked.
    pub actor: Option<Actor>,
    /// Further facts, by name. Never a secret, a code or a full query.
    pub detail: Value,
}

// Words are `tt`: a `literal` reaches derives wrapped, and the API's description misses it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:tt,)*) => {
        /// The kinds of events. The words are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word back.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// The agent started.
    AgentStarted = "agent.started",
    /// The agent stopped in good order.
    AgentStopped = "agent.stopped",
    /// An authenticator was added.
    AuthenticatorAdded = "authenticator.added",
    /// An authenticator was changed, enabled or disabled.
    AuthenticatorUpdated = "authenticator.updated",
    /// The client secret of an authenticator was exported.
    AuthenticatorExported = "authenticator.exported",
    /// An authenticator was removed.
    AuthenticatorRemoved = "authenticator.removed",
    /// A sign-in began.
    SignInStarted = "sign_in.started",
    /// The provider sent the person back with a code.
    SignInAuthorized = "sign_in.authorized",
    /// Its grant is stored.
    SignInCompleted = "sign_in.completed",
    /// The person said no at the provider.
    SignInDenied = "sign_in.denied",
    /// It failed.
    SignInFailed = "sign_in.failed",
    /// Nobody finished it in time.
    SignInTimedOut = "sign_in.timed_out",
    /// The person cancelled it here.
    SignInCancelled = "sign_in.cancelled",
    /// A connection was signed in for the first time.
    ConnectionAdded = "connection.added",
    /// A new sign-in renewed a connection.
    ConnectionRenewed = "connection.renewed",
    /// A refresh brought a new token.
    ConnectionRefreshed = "connection.refreshed",
    /// A refresh failed for now.
    ConnectionPostponed = "connection.postponed",
    /// Its provider has not issued a token for a day, although it should have.
    ConnectionUnavailable = "connection.unavailable",
    /// The token ended and could not be renewed yet.
    ConnectionExpired = "connection.expired",
    /// Only the person can mend it now.
    ConnectionNeedsReconnect = "connection.needs_reconnect",
    /// The client registration must be mended.
    ConnectionMisconfigured = "connection.misconfigured",
    /// A host refused a request for want of scopes that the connection was not known to lack.
    ConnectionLacksScopes = "connection.lacks_scopes",
    /// The row was rebuilt from its keychain item.
    ConnectionAdopted = "connection.adopted",
    /// A connection was renamed or its policy changed.
    ConnectionUpdated = "connection.updated",
    /// A connection is being removed.
    ConnectionRemoving = "connection.removing",
    /// A connection was removed; says whether the provider revoked it.
    ConnectionRemoved = "connection.removed",
    /// A grant could not be stored and is held in memory.
    GrantUnsaved = "grant.unsaved",
    /// A held grant is stored now.
    GrantSaved = "grant.saved",
    /// A program got a token.
    TokenServed = "token.served",
    /// A program did not get a token.
    TokenRefused = "token.refused",
    /// A token was exchanged for that of another connection.
    TokenExchanged = "token.exchanged",
    /// Hand-outs and refusals were left out of the log, which could not be written fast enough.
    TokensUnrecorded = "token.unrecorded",
    /// The log was found changed or cut, or its key or the whole database gone, when the agent started.
    LogDamaged = "log.damaged",
    /// Lines that were written while the keychain could not be asked joined the chain of the log.
    LogChained = "log.chained",
    /// A program's request went to a host through the proxy, or was refused there.
    ProxyRequest = "proxy.request",
    /// A host sent the token back through the proxy, which masked it.
    ProxyScrubbed = "proxy.scrubbed",
    /// A program reported that its token was refused.
    TokenInvalidated = "token.invalidated",
    /// A program asks for a connection, and no rule decides.
    AccessAsked = "access.asked",
    /// The person allowed a program the use of a connection.
    AccessAllowed = "access.allowed",
    /// The person denied it.
    AccessDenied = "access.denied",
    /// A rule that was written without the desktop app was confirmed in it.
    RuleConfirmed = "rule.confirmed",
    /// A rule was removed.
    RuleRemoved = "rule.removed",
    /// A client key was created.
    KeyCreated = "key.created",
    /// A client key that was made without the desktop app was confirmed in it.
    KeyConfirmed = "key.confirmed",
    /// Many wrong client keys were tried.
    KeysGuessed = "key.guessed",
    /// A client key was revoked.
    KeyRevoked = "key.revoked",
    /// Handing out was paused.
    Paused = "agent.paused",
    /// A setting was changed.
    SettingsChanged = "settings.changed",
    /// Handing out was resumed.
    Resumed = "agent.resumed",
}

impl Event {
    /// An event of `kind` at `at`; the rest is added by the `with`-methods.
    pub fn new(kind: EventKind, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            connection: None,
            authenticator: None,
            sign_in: None,
            actor: None,
            detail: Value::Null,
        }
    }

    /// About this connection.
    #[must_use]
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// About this authenticator.
    #[must_use]
    pub fn authenticator(mut self, id: AuthenticatorId) -> Self {
        self.authenticator = Some(id);
        self
    }

    /// A step of this sign-in.
    #[must_use]
    pub fn sign_in(mut self, id: SignInId) -> Self {
        self.sign_in = Some(id);
        self
    }

    /// Asked for by.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// With further facts.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}
