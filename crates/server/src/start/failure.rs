//! Why the agent could not start: what is said, and the exit code (sysexits).

use std::io;
use std::process::ExitCode;

use valetkey_agent::AgentError;
use valetkey_agent::vault::VaultError;
use valetkey_api::{ApiError, ErrorCode};

use crate::agent_lock::LockError;
use crate::error_response::ErrorResponse;

const UNAVAILABLE: u8 = 69;
const TRY_LATER: u8 = 75;
const NOT_CONFIGURED: u8 = 78;

/// A start that failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failure(pub Box<ApiError>);

impl Failure {
    /// Something that the person set does not fit.
    pub fn not_configured(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotConfigured, message).hint(hint)
    }

    /// What happened and why.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(ApiError::new(code, message)))
    }

    /// A file or folder of ours cannot be used.
    pub fn unusable(message: impl Into<String>, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space and try again; nothing that was stored is lost"
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                "set `VALETKEY_HOME` to a folder that can be written to"
            }
            _ => "make the folder writable for you alone, or set `VALETKEY_HOME` to another one",
        };
        Self::not_configured(message, hint)
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// By sysexits.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.0.code {
            ErrorCode::KeychainLocked | ErrorCode::KeychainUnavailable => UNAVAILABLE,
            ErrorCode::Paused | ErrorCode::RateLimited => TRY_LATER,
            ErrorCode::NotConfigured => NOT_CONFIGURED,
            ErrorCode::InvalidRequest
            | ErrorCode::Unauthorized
            | ErrorCode::AccessDenied
            | ErrorCode::KeyNotConfirmed
            | ErrorCode::ProxyOnly
            | ErrorCode::InsufficientScope
            | ErrorCode::NotFound
            | ErrorCode::AuthRequired
            | ErrorCode::Conflict
            | ErrorCode::Internal
            | ErrorCode::ClientMisconfigured
            | ErrorCode::ProviderUnreachable => 1,
        })
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self(Box::new(ErrorResponse::from(error).into_error()))
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        if let VaultError::WrongPassphrase(_) = error {
            return Self::not_configured(
                error.to_string(),
                "check `VALETKEY_PASSPHRASE_FILE`, `VALETKEY_PASSPHRASE` or `VALETKEY_KEY_FILE`",
            );
        }
        if let VaultError::OtherStore { kept_in, .. } = &error {
            let hint = format!(
                "start with `VALETKEY_SECRET_STORE={kept_in}`, or give the other store a home of its own \
                 with `VALETKEY_HOME`"
            );
            return Self::not_configured(error.to_string(), hint);
        }
        AgentError::from(error).into()
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } => Self::new(ErrorCode::Conflict, error.to_string())
                .hint("`valetkey status` asks it how it is; `valetkey stop` ends it"),
            LockError::Unusable {
                error: ref cause, ..
            } => Self::unusable(error.to_string(), cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_used_names_the_cause_and_its_remedy() {
        let hint = |kind: io::ErrorKind| {
            let failure = Failure::unusable("it cannot be used", &kind.into());
            failure.0.hint.expect("a hint")
        };
        assert!(hint(io::ErrorKind::StorageFull).starts_with("free some space"));
        assert!(hint(io::ErrorKind::ReadOnlyFilesystem).contains("can be written to"));
        assert!(hint(io::ErrorKind::PermissionDenied).contains("writable for you alone"));
    }
}
