//! Where a sign-in stands, and how it may end.

use serde_json::json;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
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
    /// The key that this took the place of, which is still valid at the provider.
    pub replaced_key: Option<ReplacedKey>,
    /// Why the provider did not say whose the key is, if it could have.
    pub unverified: Option<String>,
}

/// A key that no connection uses any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedKey {
    /// What the provider calls it.
    pub name: String,
    /// Where the person deletes it.
    pub page: Option<String>,
}

impl ReplacedKey {
    pub(super) fn of(authenticator: &Authenticator) -> Self {
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        Self {
            name: provider.api_keys.name.clone(),
            page: authenticator.api_keys_page(provider),
        }
    }
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
            "replaced_key": done.replaced_key.is_some(), "unverified": done.unverified,
        }),
        SignInState::Failed(failed) => json!({ "why": failed.message }),
        SignInState::Started
        | SignInState::Authorized
        | SignInState::Denied(_)
        | SignInState::TimedOut
        | SignInState::Cancelled => serde_json::Value::Null,
    }
}
