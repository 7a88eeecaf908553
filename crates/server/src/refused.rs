//! How a request is refused: always in the API's shape, whoever refuses it.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use valetkey_agent::AgentError;
use valetkey_api::error::{InUse, InUseKind};
use valetkey_api::{ApiError, ErrorBody, ErrorCode};

use crate::doors::Denied;
use crate::permission::Refusal;
use crate::reply;

/// A refusal, as it is answered. The status is the code's own unless HTTP has a more exact one (405, 413, 415).
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    error: Box<ApiError>,
}

impl Refused {
    pub(crate) fn with_status(status: StatusCode, error: ApiError) -> Self {
        let error = Box::new(error);
        Self { status, error }
    }

    pub(crate) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        ApiError::new(ErrorCode::InvalidRequest, message)
            .hint(hint)
            .into()
    }

    pub(crate) fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        ApiError::new(ErrorCode::NotFound, message)
            .hint(hint)
            .into()
    }

    pub(crate) fn connect_url(mut self, url: Option<String>) -> Self {
        self.error.connect_url = url;
        self
    }

    /// What is told.
    pub fn into_error(self) -> ApiError {
        *self.error
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.code.http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::with_status(status, error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let retry_after = self.error.retry_after;
        let detail = *self.error;
        let mut response = reply::json(self.status, &ErrorBody { detail });
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        ApiError::new(ErrorCode::AccessDenied, refusal.message())
            .hint(refusal.hint())
            .into()
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        let (code, message, hint) = match denied {
            Denied::Host => (
                ErrorCode::AccessDenied,
                "the Host header does not name this door",
                "use `http://127.0.0.1` with the port that `valetkey status` shows",
            ),
            Denied::Origin | Denied::CrossSite => (
                ErrorCode::AccessDenied,
                "web pages of other sites may not ask here",
                "ask from a program, or from the server behind the page",
            ),
            Denied::NoKey => (
                ErrorCode::Unauthorized,
                "there is no client key in this request",
                "send `Authorization: Bearer vk_...`; `valetkey key create` makes one",
            ),
            Denied::BadKey => (
                ErrorCode::Unauthorized,
                "this is no client key, or it has ended or was revoked",
                "`valetkey key list` shows them; `valetkey key create` makes one",
            ),
            Denied::TooManyBadKeys { .. } => (
                ErrorCode::RateLimited,
                "too many wrong client keys were tried",
                "wait, then send a key that `valetkey key create` made",
            ),
        };
        let mut error = ApiError::new(code, message).hint(hint);
        if let Denied::TooManyBadKeys { retry_after } = denied {
            error.retry_after = Some(whole_seconds(retry_after));
        }
        error.into()
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        Refused::from(self).into_response()
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl From<AgentError> for Refused {
    fn from(error: AgentError) -> Self {
        let mut told = ApiError::new(code(&error), error.to_string());
        told.hint = error.hint();
        match error {
            AgentError::BadDraft(problems) => told.problems = problems,
            AgentError::AuthRequired { reason, .. } => told.reason = reason,
            AgentError::InsufficientScope { missing, .. } => told.missing_scopes = missing.into(),
            AgentError::Conflict { in_use, .. } => {
                told.in_use = in_use.into_iter().map(connection_in_use).collect();
            }
            AgentError::ClientMisconfigured { console_url, .. } => told.console_url = console_url,
            AgentError::ProviderUnreachable { retry_after, .. } => {
                let wait = retry_after.and_then(|wait| Duration::try_from(wait).ok());
                told.retry_after = wait.map(whole_seconds);
            }
            AgentError::Stopping => told.retry_after = Some(1),
            AgentError::InvalidRequest { .. }
            | AgentError::NotFound { .. }
            | AgentError::Disabled(_)
            | AgentError::NotRefreshable(_)
            | AgentError::KeychainLocked(_)
            | AgentError::KeychainUnavailable(_)
            | AgentError::KeychainDenied(_)
            | AgentError::KeychainBroken(_)
            | AgentError::Paused
            | AgentError::RateLimited
            | AgentError::Internal(_) => {}
        }
        if told.code == ErrorCode::Internal {
            tracing::error!(error = %told.message, "internal");
        }
        told.into()
    }
}

fn connection_in_use(name: String) -> InUse {
    InUse {
        kind: InUseKind::Connection,
        name,
        used_at: None,
    }
}

const fn code(error: &AgentError) -> ErrorCode {
    match error {
        AgentError::InvalidRequest { .. } | AgentError::BadDraft(_) => ErrorCode::InvalidRequest,
        AgentError::NotFound { .. } => ErrorCode::NotFound,
        AgentError::AuthRequired { .. } => ErrorCode::AuthRequired,
        AgentError::Disabled(_) | AgentError::NotRefreshable(_) => ErrorCode::NotConfigured,
        AgentError::InsufficientScope { .. } => ErrorCode::InsufficientScope,
        AgentError::Conflict { .. } => ErrorCode::Conflict,
        AgentError::ClientMisconfigured { .. } => ErrorCode::ClientMisconfigured,
        AgentError::KeychainLocked(_) => ErrorCode::KeychainLocked,
        AgentError::KeychainUnavailable(_) | AgentError::KeychainDenied(_) => {
            ErrorCode::KeychainUnavailable
        }
        // A stopping agent hands out nothing; the next one will.
        AgentError::Paused | AgentError::Stopping => ErrorCode::Paused,
        AgentError::ProviderUnreachable { .. } => ErrorCode::ProviderUnreachable,
        AgentError::RateLimited => ErrorCode::RateLimited,
        AgentError::KeychainBroken(_) | AgentError::Internal(_) => ErrorCode::Internal,
    }
}

/// Nothing is served at this path.
pub(crate) async fn no_such_path(uri: http::Uri) -> Refused {
    let path = uri.path();
    let hint = if path.starts_with("/api/v1/credentials/connections/") {
        "write the `/` of a connection's name as `%2F`, as in `github%2Fwork`"
    } else {
        "`/api/v1/openapi.json` lists what there is"
    };
    Refused::not_found(format!("there is nothing at `{path}`"), hint)
}

/// Something is served at this path, but not with this method. The router adds `Allow`.
pub(crate) async fn no_such_method(method: http::Method, uri: http::Uri) -> Refused {
    let message = format!("`{}` does not take {method}", uri.path());
    let error = ApiError::new(ErrorCode::InvalidRequest, message)
        .hint("the `Allow` header names the methods; `/api/v1/openapi.json` describes them");
    Refused::with_status(StatusCode::METHOD_NOT_ALLOWED, error)
}
