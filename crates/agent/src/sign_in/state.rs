//! Where a sign-in stands, and how it may end.

use serde_json::json;
use valetkey_core::event::EventKind;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::ConnectionName;
use valetkey_core::scope::Scopes;
use valetkey_vault::SignInStep;

/// Where a run stands.
#[derive(Debug, Clone)]
pub enum SignInState {
    /// Waits for the person.
    Started,
    /// The code is being exchanged.
    Authorized,
    /// A connection is stored.
    Completed(Completed),
    /// The person said no.
    Denied,
    /// It failed, for this reason.
    Failed(Failed),
    /// Five minutes went by.
    TimedOut,
    /// The person cancelled it here.
    Cancelled,
}

/// A run's good end.
#[derive(Debug, Clone)]
pub struct Completed {
    /// The connection.
    pub id: ConnectionId,
    /// Its name.
    pub connection: ConnectionName,
    /// The account.
    pub account: Option<String>,
    /// Granted scopes.
    pub granted: Scopes,
    /// Asked for, but not granted.
    pub missing: Scopes,
    /// An existing connection was renewed.
    pub renewed: bool,
}

/// A run's bad end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What would mend it.
    pub remedy: Remedy,
    /// What happened, and why.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What mends a run that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The person signs in once more.
    StartAgain,
    /// The client is mended at the provider's console.
    FixClient,
    /// Time.
    TryLater,
    /// The keychain is unlocked or started.
    MendKeychain,
    /// It is our bug.
    Report,
}

impl SignInState {
    /// Whether the run is over.
    pub const fn is_over(&self) -> bool {
        match self {
            Self::Started | Self::Authorized => false,
            Self::Completed(_)
            | Self::Denied
            | Self::Failed(_)
            | Self::TimedOut
            | Self::Cancelled => true,
        }
    }

    pub(super) const fn step(&self) -> SignInStep {
        match self {
            Self::Started => SignInStep::Started,
            Self::Authorized => SignInStep::Authorized,
            Self::Completed(_) => SignInStep::Completed,
            Self::Denied => SignInStep::Denied,
            Self::Failed(_) => SignInStep::Failed,
            Self::TimedOut => SignInStep::TimedOut,
            Self::Cancelled => SignInStep::Cancelled,
        }
    }

    pub(super) const fn event_kind(&self) -> EventKind {
        match self {
            Self::Started => EventKind::SignInStarted,
            Self::Authorized => EventKind::SignInAuthorized,
            Self::Completed(_) => EventKind::SignInCompleted,
            Self::Denied => EventKind::SignInDenied,
            Self::Failed(_) => EventKind::SignInFailed,
            Self::TimedOut => EventKind::SignInTimedOut,
            Self::Cancelled => EventKind::SignInCancelled,
        }
    }

    pub(super) fn detail(&self) -> serde_json::Value {
        match self {
            Self::Completed(done) => json!({
                "connection": done.connection, "granted": done.granted, "missing": done.missing,
                "renewed": done.renewed,
            }),
            Self::Failed(failed) => json!({ "why": failed.message }),
            Self::Started | Self::Authorized | Self::Denied | Self::TimedOut | Self::Cancelled => {
                serde_json::Value::Null
            }
        }
    }
}
