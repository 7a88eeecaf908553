//! Why a sign-in brought no login, in words, and what mends it.

use valetkey_core::discovery::is_unknown_client;
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::token_error::SignInFailure;

use super::session::Pending;
use super::{Completed, Failed, Remedy, SignInState};
use crate::client::Client;
use crate::error::AgentError;
use crate::state::Inner;

/// Why a sign-in brought no login.
pub(super) enum End {
    Denied(Failed),
    Failed(Failed),
}

impl End {
    pub(super) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed(Failed {
            remedy: Remedy::StartAgain,
            message: message.into(),
            hint: Some(hint.into()),
        })
    }
}

impl End {
    /// The name belongs to another account, or may.
    pub(super) fn taken(message: String, hint: String) -> Self {
        Self::Failed(Failed {
            remedy: Remedy::Replace,
            message,
            hint: Some(hint),
        })
    }

    pub(super) fn of(failure: &SignInFailure, pending: &Pending) -> Self {
        let client = &pending.client;
        let (remedy, hint) = match failure {
            SignInFailure::Denied { .. } => {
                let authenticator = client.authenticator.full_name();
                let name = ConnectionName {
                    authenticator: authenticator.name,
                    account: pending.label.clone(),
                };
                let name = InProfile::new(authenticator.profile, name);
                let provider = client.provider_name();
                return Self::Denied(Failed {
                    remedy: Remedy::StartAgain,
                    message: format!("you said no to `{name}` at {provider}"),
                    hint: Some(format!(
                        "run `valetkey connect {}` to be asked again",
                        name.argument()
                    )),
                });
            }
            SignInFailure::StartAgain { .. } | SignInFailure::Unclear { .. } => {
                (Remedy::StartAgain, "start the sign-in again".to_owned())
            }
            SignInFailure::FixClient { reason } => {
                return Self::Failed(Failed {
                    remedy: Remedy::FixClient,
                    message: failure.to_string(),
                    hint: client.misconfigured(reason.clone()).hint(),
                });
            }
            SignInFailure::WrongField { field, value, .. } => {
                (Remedy::FixClient, client.set_field(field, value.as_deref()))
            }
            SignInFailure::TryLater { .. } => {
                (Remedy::TryLater, "try again in a few minutes".to_owned())
            }
            SignInFailure::Untrusted { .. } => (
                Remedy::StartAgain,
                "start again; if it happens twice, somebody may be tampering with the connection"
                    .to_owned(),
            ),
        };
        Self::Failed(Failed {
            remedy,
            message: failure.to_string(),
            hint: Some(hint),
        })
    }
}

/// Remembers a client that its server does not know any more: the next sign-in registers another one.
pub(super) fn note_refused(inner: &Inner, client: &Client, failure: &SignInFailure) {
    if let SignInFailure::FixClient { reason } = failure
        && is_unknown_client(reason)
    {
        inner.registrations.refuse(&client.authenticator);
    }
}

/// The state that a sign-in ends in.
pub(super) fn state(end: Result<Completed, End>) -> SignInState {
    match end {
        Ok(done) => SignInState::Completed(done),
        Err(End::Denied(denied)) => SignInState::Denied(denied),
        Err(End::Failed(failed)) => SignInState::Failed(failed),
    }
}

impl From<AgentError> for End {
    fn from(error: AgentError) -> Self {
        let remedy = match error {
            AgentError::KeychainLocked(_)
            | AgentError::KeychainUnavailable(_)
            | AgentError::KeychainDenied(_)
            | AgentError::KeychainBroken(_) => Remedy::MendKeychain,
            AgentError::ClientMisconfigured { .. }
            | AgentError::NoClient { .. }
            | AgentError::RegistrationLeft { .. } => Remedy::FixClient,
            AgentError::ProviderUnreachable { .. }
            | AgentError::ServerUnreachable { .. }
            | AgentError::RateLimited { .. }
            | AgentError::Paused
            | AgentError::Stopping => Remedy::TryLater,
            AgentError::InvalidRequest { .. }
            | AgentError::BadDraft(_)
            | AgentError::NotFound { .. }
            | AgentError::AuthRequired { .. }
            | AgentError::InsufficientScope { .. }
            | AgentError::NotNarrowable { .. }
            | AgentError::Disabled(_)
            | AgentError::ProxyOnly(_)
            | AgentError::Bound(_)
            | AgentError::NotRefreshable(_)
            | AgentError::NotAllowed(_)
            | AgentError::NotConfirmed { .. }
            | AgentError::Conflict { .. } => Remedy::StartAgain,
            AgentError::DiskFull(_) | AgentError::Internal(_) => Remedy::Report,
        };
        Self::Failed(Failed {
            remedy,
            message: error.to_string(),
            hint: error.hint(),
        })
    }
}
