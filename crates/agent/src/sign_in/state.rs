//! Where a sign-in stands, and how it may end.

use serde_json::json;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::ConnectionName;
use valetkey_core::scope::Scopes;
use valetkey_core::sign_in::Remedy;

/// Where a sign-in stands.
pub type SignInState = valetkey_core::sign_in::SignInState<Completed, Failed>;

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
    /// The connection that was to be renewed, where another account signed in.
    pub instead_of: Option<ConnectionName>,
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

/// What the audit log keeps of a state.
pub(super) fn detail(state: &SignInState) -> serde_json::Value {
    match state {
        SignInState::Completed(done) => json!({
            "connection": done.connection, "granted": done.granted, "missing": done.missing,
            "renewed": done.renewed, "instead_of": done.instead_of,
        }),
        SignInState::Failed(failed) => json!({ "why": failed.message }),
        SignInState::Started
        | SignInState::Authorized
        | SignInState::Denied(_)
        | SignInState::TimedOut
        | SignInState::Cancelled => serde_json::Value::Null,
    }
}
