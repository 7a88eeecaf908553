//! `SignInView` and `SignInState`.

use valetkey_agent::sign_in::{self, Failed, Remedy, SignInState as AgentState};
use valetkey_agent::{self as agent, ConnectionKey};
use valetkey_api::core::sign_in::SignInState as BareState;
use valetkey_api::sign_in::{
    DevicePrompt, FailedSignIn, ReplacedKey, SignInCompleted, SignInError, SignInState, SignInView,
};
use valetkey_api::{ApiError, ErrorCode};

use crate::app::App;
use crate::error_response::ErrorResponse;

/// With the connection that the sign-in made or renewed.
pub(crate) fn sign_in(app: &App, view: sign_in::SignInView) -> Result<SignInView, ErrorResponse> {
    let state = match view.state {
        AgentState::Started => SignInState::Started,
        AgentState::Authorized => SignInState::Authorized,
        AgentState::Completed(done) => {
            let connection = app.agent().connection(&ConnectionKey::Id(done.id))?;
            SignInState::Completed(SignInCompleted {
                connection: Box::new(super::connection(connection)),
                renewed: done.renewed,
                instead_of: done.instead_of,
                replaced_key: done.replaced_key.map(|key| ReplacedKey {
                    name: key.name,
                    page: key.page,
                }),
                unverified: done.unverified,
            })
        }
        AgentState::Denied(denied) => SignInState::Denied(SignInError {
            error: error(ErrorCode::AccessDenied, denied),
        }),
        AgentState::Failed(failed) => SignInState::Failed(SignInError {
            error: error(code(failed.remedy), failed),
        }),
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
        direct: view.authorize_url.is_none(),
        device: view.device.map(device),
        client_may_be_unknown: view.client_may_be_unknown,
        pushed_url: view.pushed_url,
        state,
    })
}

/// What the person enters.
pub(crate) fn device(prompt: sign_in::DevicePrompt) -> DevicePrompt {
    DevicePrompt {
        user_code: prompt.user_code,
        verification_uri: prompt.verification_uri,
    }
}

/// One that failed, for the view of what it was about.
pub(super) fn failed(sign_in: agent::FailedSignIn) -> FailedSignIn {
    let code = match sign_in.state {
        BareState::Denied(()) => ErrorCode::AccessDenied,
        BareState::Started
        | BareState::Authorized
        | BareState::Completed(())
        | BareState::Failed(())
        | BareState::TimedOut
        | BareState::Cancelled => code(sign_in.failed.remedy),
    };
    FailedSignIn {
        session_id: sign_in.id,
        ended_at: sign_in.ended_at,
        error: error(code, sign_in.failed),
    }
}

fn error(code: ErrorCode, failed: Failed) -> Box<ApiError> {
    let mut error = ApiError::new(code, failed.message);
    error.hint = failed.hint;
    Box::new(error)
}

const fn code(remedy: Remedy) -> ErrorCode {
    match remedy {
        Remedy::StartAgain => ErrorCode::AuthRequired,
        Remedy::Replace => ErrorCode::Conflict,
        Remedy::FixClient => ErrorCode::ClientMisconfigured,
        Remedy::TryLater => ErrorCode::ProviderUnreachable,
        Remedy::MendKeychain => ErrorCode::KeychainLocked,
        Remedy::Report => ErrorCode::Internal,
    }
}
