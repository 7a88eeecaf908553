//! `SignInView` and `SignInState`.

use valetkey_agent::ConnectionKey;
use valetkey_agent::sign_in::{self, Remedy, SignInState as AgentState};
use valetkey_api::sign_in::{SignInState, SignInView};
use valetkey_api::{ApiError, ErrorCode};

use crate::app::App;
use crate::error_response::ErrorResponse;

/// With the connection that the sign-in made or renewed.
pub(crate) fn sign_in(app: &App, view: sign_in::SignInView) -> Result<SignInView, ErrorResponse> {
    let name = &view.authenticator;
    let state = match view.state {
        AgentState::Started => SignInState::Started,
        AgentState::Authorized => SignInState::Authorized,
        AgentState::Completed(done) => {
            let connection = app.agent().connection(&ConnectionKey::Id(done.id))?;
            SignInState::Completed {
                connection: Box::new(super::connection(connection)),
                renewed: done.renewed,
            }
        }
        AgentState::Denied => {
            let message = format!("you said no to `{name}` at {}", view.provider);
            let error = ApiError::new(ErrorCode::AccessDenied, message)
                .hint(format!("run `valetkey connect {name}` to be asked again"));
            SignInState::Denied {
                error: Box::new(error),
            }
        }
        AgentState::Failed(failed) => {
            let mut error = ApiError::new(code(failed.remedy), failed.message);
            error.hint = failed.hint;
            SignInState::Failed {
                error: Box::new(error),
            }
        }
        AgentState::TimedOut => SignInState::TimedOut,
        AgentState::Cancelled => SignInState::Cancelled,
    };
    Ok(SignInView {
        session_id: view.id,
        authenticator: view.authenticator,
        authenticator_id: view.authenticator_id,
        account: view.account,
        profile: view.profile,
        asked_scopes: view.asked,
        reason: view.reason,
        started_at: view.started_at,
        expires_at: view.expires_at,
        state,
    })
}

const fn code(remedy: Remedy) -> ErrorCode {
    match remedy {
        Remedy::StartAgain => ErrorCode::AuthRequired,
        Remedy::FixClient => ErrorCode::ClientMisconfigured,
        Remedy::TryLater => ErrorCode::ProviderUnreachable,
        Remedy::MendKeychain => ErrorCode::KeychainLocked,
        Remedy::Report => ErrorCode::Internal,
    }
}
