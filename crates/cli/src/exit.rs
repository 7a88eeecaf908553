//! Exit codes, after sysexits: what a script branches on.

use valetkey_api::ErrorCode;
use valetkey_api::client::ClientError;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did not work.
    Failed = 1,
    /// The command or its input is wrong.
    Usage = 2,
    /// There is no such thing.
    NotFound = 66,
    /// The agent or the keychain is not there.
    Unavailable = 69,
    /// A later try may succeed.
    TryLater = 75,
    /// A sign-in is needed, or access is denied.
    NotAllowed = 77,
    /// Something must be configured first.
    NotConfigured = 78,
    /// `run`: the command is there, but cannot be run (as a shell says it).
    CommandNotExecutable = 126,
    /// `run`: there is no such command.
    CommandNotFound = 127,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidRequest => Self::Usage,
            ErrorCode::Conflict | ErrorCode::Internal => Self::Failed,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::Unauthorized
            | ErrorCode::AccessDenied
            | ErrorCode::KeyNotConfirmed
            | ErrorCode::ProxyOnly
            | ErrorCode::InsufficientScope
            | ErrorCode::AuthRequired => Self::NotAllowed,
            ErrorCode::RateLimited | ErrorCode::Paused | ErrorCode::ProviderUnreachable => {
                Self::TryLater
            }
            ErrorCode::NotConfigured | ErrorCode::ClientMisconfigured => Self::NotConfigured,
            ErrorCode::KeychainLocked | ErrorCode::KeychainUnavailable => Self::Unavailable,
        }
    }
}

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::Api(error) => error.code.into(),
            ClientError::NotRunning
            | ClientError::OtherUser(_)
            | ClientError::Ended
            | ClientError::Io(_) => Self::Unavailable,
            ClientError::TimedOut => Self::TryLater,
            ClientError::Protocol(_) => Self::Failed,
        }
    }
}
