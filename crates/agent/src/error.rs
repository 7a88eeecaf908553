//! What an agent call can fail with, named by what the caller can do about it.
//!
//! Each variant is one stable code of the API; the server only translates.

mod hints;
mod of_vault;

use std::fmt::Display;

use jiff::SignedDuration;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::discovery::is_unknown_client;
use valetkey_core::draft::Problem;
use valetkey_core::name::{AuthenticatorName, ConnectionName, InProfile, ProfileName};
use valetkey_core::provider::Provider;
use valetkey_core::scope::Scopes;

use crate::access::NotAllowed;
use crate::key::AuthenticatorKey;

/// Why an agent call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// The request itself is wrong.
    #[error("{message}")]
    InvalidRequest {
        /// What is wrong with it.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// An authenticator as given cannot be stored; everything that is wrong, at once.
    #[error("the authenticator is not complete")]
    BadDraft(Vec<Problem>),
    /// Nothing has this name or id.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// `connection`, `authenticator`, `sign-in`, `key`.
        kind: &'static str,
        /// As asked for.
        name: String,
        /// Names that do exist and look alike, or what to do.
        hint: Option<String>,
    },
    /// Only a person can mend it: sign in (again), or give another key.
    #[error("`{connection}` needs {}", needs(*.by_key, *.again))]
    AuthRequired {
        /// The connection, or the authenticator that has none yet.
        connection: InProfile<ConnectionName>,
        /// False if it never was signed in.
        again: bool,
        /// Why, technically.
        reason: Option<String>,
        /// Its secret is a key that the person gives.
        by_key: bool,
    },
    /// No OAuth client is registered, so that nobody can sign in.
    #[error("no OAuth client is registered for `{authenticator}`: nobody can sign in")]
    NoClient {
        /// The authenticator to complete.
        authenticator: InProfile<AuthenticatorName>,
        /// Where a client is registered.
        console_url: Option<String>,
    },
    /// The authenticator is disabled: no sign-ins, no tokens, nothing is lost.
    #[error("`{0}` is disabled")]
    Disabled(InProfile<AuthenticatorName>),
    /// The token of this connection is never handed out.
    #[error("the token of `{0}` is never handed out: it is used through the proxy")]
    ProxyOnly(InProfile<ConnectionName>),
    /// The token of this connection is bound to a key that stays here (RFC 9449).
    #[error(
        "the token of `{0}` is bound to a key that Valet Key keeps (DPoP): it is used through the proxy"
    )]
    Bound(InProfile<ConnectionName>),
    /// There is no refresh token, so only a sign-in brings another token.
    #[error("`{0}` has no refresh token")]
    NotRefreshable(InProfile<ConnectionName>),
    /// The connection lacks scopes that were asked for.
    #[error("`{connection}` was not granted `{missing}`")]
    InsufficientScope {
        /// The connection.
        connection: InProfile<ConnectionName>,
        /// What is missing.
        missing: Scopes,
        /// It is a key, which no sign-in gives more scopes.
        by_key: bool,
    },
    /// A token with fewer scopes cannot be had.
    #[error("`{connection}` gives no token with fewer scopes than it has")]
    NotNarrowable {
        /// The connection.
        connection: InProfile<ConnectionName>,
        /// What the provider said, if it was asked.
        reason: Option<String>,
    },
    /// A program may not use a connection.
    #[error("{0}")]
    NotAllowed(Box<NotAllowed>),
    /// The person did not confirm a change that widens what programs can do.
    #[error("{}", if *.denied { format!("declined in the window of Valet Key: {what}") } else { format!("not confirmed within a minute in the window of Valet Key: {what}") })]
    NotConfirmed {
        /// The question.
        what: String,
        /// Whether the person said no.
        denied: bool,
    },
    /// Something is in the way: a name that is taken, a connection that is in use.
    #[error("{message}")]
    Conflict {
        /// What is in the way, and why.
        message: String,
        /// What would break.
        in_use: Vec<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// The provider refuses the client, not the person.
    #[error("{provider} refuses the client of `{authenticator}` ({reason})")]
    ClientMisconfigured {
        /// Display name of the provider.
        provider: String,
        /// The authenticator to mend.
        authenticator: InProfile<AuthenticatorName>,
        /// What the provider said.
        reason: String,
        /// Where to mend it.
        console_url: Option<String>,
        /// We registered the client, and its server does not know it any more.
        is_forgotten: bool,
    },
    /// The keychain is locked or does not answer; nothing is lost.
    #[error("{0}")]
    KeychainLocked(String),
    /// There is no keychain.
    #[error("{0}")]
    KeychainUnavailable(String),
    /// There is a keychain, and it refuses Valet Key.
    #[error("{0}")]
    KeychainDenied(String),
    /// The secret store fails, or what it holds is damaged or gone.
    #[error("{0}")]
    KeychainBroken(String),
    /// Nothing can be written; what was stored is there.
    #[error("the disk is full ({0})")]
    DiskFull(String),
    /// Handing out is paused.
    #[error("handing out tokens is paused")]
    Paused,
    /// The provider cannot be reached or asks to wait; the login is kept.
    #[error("the provider cannot be reached now ({reason}); the login is kept")]
    ProviderUnreachable {
        /// What happened.
        reason: String,
        /// When to try again.
        retry_after: Option<SignedDuration>,
        /// Somebody was reached who could not prove to be the provider.
        bad_certificate: bool,
    },
    /// A server that is being looked at does not answer; nothing of it is stored.
    #[error("{reason}")]
    ServerUnreachable {
        /// What happened.
        reason: String,
    },
    /// A client was registered in vain, and its server does not let us delete it.
    #[error(
        "{error}; the client `{client_id}` that was registered at `{issuer}` stays there unused"
    )]
    RegistrationLeft {
        /// Where it was registered.
        issuer: String,
        /// Its id.
        client_id: String,
        /// Why it is not used.
        error: Box<Self>,
    },
    /// More sign-ins wait for the person than anybody can have meant.
    #[error("too many sign-ins are open")]
    RateLimited {
        /// When the first of them ends.
        retry_after: SignedDuration,
    },
    /// The agent is stopping.
    #[error("Valet Key is stopping")]
    Stopping,
    /// A bug, or a disk that fails.
    #[error("{0}")]
    Internal(String),
}

/// What only the person can do.
fn needs(by_key: bool, again: bool) -> &'static str {
    match (by_key, again) {
        (false, false) => "you to sign in",
        (false, true) => "you to sign in again",
        (true, false) => "an API key from you",
        (true, true) => "another API key from you",
    }
}

impl AgentError {
    /// Nobody can sign in through this authenticator.
    pub(crate) fn no_client(authenticator: &Authenticator) -> Self {
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        Self::NoClient {
            authenticator: authenticator.full_name(),
            console_url: authenticator.console_page(provider),
        }
    }

    /// The provider refuses this client.
    pub(crate) fn misconfigured(
        authenticator: &Authenticator,
        provider: &Provider,
        reason: String,
    ) -> Self {
        let is_registered = authenticator.overrides.registration.is_some();
        Self::ClientMisconfigured {
            provider: authenticator.provider_name(provider).to_owned(),
            authenticator: authenticator.full_name(),
            is_forgotten: is_registered && is_unknown_client(&reason),
            reason,
            console_url: authenticator.console_page(provider),
        }
    }

    /// No connection has this name.
    pub(crate) fn no_connection(name: impl Display) -> Self {
        let hint = Some("`valetkey status` lists the connections".to_owned());
        Self::NotFound {
            kind: "connection",
            name: name.to_string(),
            hint,
        }
    }

    /// No connection has this name, and no authenticator that could make one.
    pub(crate) fn no_authenticator_for(profile: &ProfileName, name: &ConnectionName) -> Self {
        if catalogue::provider(name.authenticator.as_str()).is_none() {
            return Self::no_connection(name);
        }
        let key = AuthenticatorKey::Name(profile.clone(), name.authenticator.clone());
        let hint = Self::no_authenticator(&key).hint();
        Self::NotFound {
            kind: "connection",
            name: name.to_string(),
            hint,
        }
    }

    /// Something is in the way.
    pub(crate) fn conflict(message: String, hint: &str) -> Self {
        Self::Conflict {
            message,
            in_use: Vec::new(),
            hint: Some(hint.to_owned()),
        }
    }

    /// No authenticator has this name.
    pub(crate) fn no_authenticator(key: &AuthenticatorKey) -> Self {
        let name = key.to_string();
        let hint = match catalogue::provider(&name) {
            Some(_) => format!(
                "`valetkey add {} --client-id ...` adds one; `valetkey providers {name}` says where \
                 its client is registered",
                key.argument()
            ),
            None => "`valetkey list` lists the authenticators".to_owned(),
        };
        Self::NotFound {
            kind: "authenticator",
            name,
            hint: Some(hint),
        }
    }
}
