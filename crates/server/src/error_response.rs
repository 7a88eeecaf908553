//! Error responses: every error becomes an [`ApiError`] with its HTTP status, whoever raises it.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use valetkey_agent::{AgentError, Refusal};
use valetkey_api::error::{InUse, InUseKind};
use valetkey_api::{ApiError, ErrorBody, ErrorCode};

use crate::connect_page;
use crate::listeners::GuardError;
use crate::permission::PermissionError;
use crate::response;

/// An error with the status that it is answered with: the code's own, unless HTTP has a more exact
/// one (405, 413, 415).
#[derive(Debug)]
pub struct ErrorResponse {
    status: StatusCode,
    error: Box<ApiError>,
}

impl ErrorResponse {
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

    pub fn into_error(self) -> ApiError {
        *self.error
    }
}

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.code.http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::with_status(status, error)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let retry_after = self.error.retry_after;
        let detail = *self.error;
        let mut response = response::json(self.status, &ErrorBody { detail });
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

impl From<PermissionError> for ErrorResponse {
    fn from(error: PermissionError) -> Self {
        ApiError::new(ErrorCode::AccessDenied, error.message())
            .hint(error.hint())
            .into()
    }
}

impl From<GuardError> for ErrorResponse {
    fn from(error: GuardError) -> Self {
        let (code, message, hint) = match error {
            GuardError::Target => (
                ErrorCode::InvalidRequest,
                "the request names another server, or several",
                "this is no forward proxy: write `/proxy/CONNECTION/PATH`, or `/proxy/CONNECTION/@HOST/PATH`",
            ),
            GuardError::Host => (
                ErrorCode::AccessDenied,
                "the Host header does not name this listener",
                "use `http://127.0.0.1` with the port that `valetkey status` shows",
            ),
            GuardError::Origin | GuardError::CrossSite => (
                ErrorCode::AccessDenied,
                "web pages of other sites may not send requests here",
                "send it from a program, or from the server behind the page",
            ),
            GuardError::NoKey => (
                ErrorCode::Unauthorized,
                "there is no client key in this request",
                "send `Authorization: Bearer vk_...`; `valetkey key create` makes one",
            ),
            GuardError::WrongKey => (
                ErrorCode::Unauthorized,
                "this is not a client key, or it has expired or was revoked",
                "`valetkey key list` shows them; `valetkey key create` makes one",
            ),
            GuardError::KeyNotConfirmed => (
                ErrorCode::KeyNotConfirmed,
                "this client key was made while Valet Key ran without its window, and is not confirmed",
                "confirm it in Valet Key, under Access",
            ),
            GuardError::UnknownLink => (
                ErrorCode::NotFound,
                "this sign-in link has ended",
                "run the program again to get a new one, or `valetkey connect` in a terminal",
            ),
            GuardError::NoMetadata => (
                ErrorCode::NotFound,
                "there is no OAuth metadata here",
                "Valet Key signs in by itself: give the client a key instead of a login",
            ),
            GuardError::TooManyRequests { .. } => (
                ErrorCode::RateLimited,
                "this program sends more requests than Valet Key serves to one",
                "wait, and keep a token for as long as it is valid instead of asking for it each time",
            ),
            GuardError::TooManyWrongKeys { .. } => (
                ErrorCode::RateLimited,
                "too many wrong client keys were tried",
                "wait, then send a key that `valetkey key create` made",
            ),
        };
        let mut detail = ApiError::new(code, message).hint(hint);
        if let GuardError::TooManyWrongKeys { retry_after }
        | GuardError::TooManyRequests { retry_after } = error
        {
            detail.retry_after = Some(whole_seconds(retry_after));
        }
        detail.into()
    }
}

impl IntoResponse for GuardError {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::UnknownLink => connect_page::link_expired(),
            Self::Target
            | Self::Host
            | Self::Origin
            | Self::CrossSite
            | Self::NoKey
            | Self::WrongKey
            | Self::KeyNotConfirmed
            | Self::NoMetadata
            | Self::TooManyWrongKeys { .. } => ErrorResponse::from(self).into_response(),
            // It may go on: a connection anew would cost more than this answer.
            Self::TooManyRequests { .. } => return ErrorResponse::from(self).into_response(),
        };
        // Another try costs another connection.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
        response
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The one place where an error of the agent gets its code and the fields that go with it.
impl From<AgentError> for ErrorResponse {
    fn from(error: AgentError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        let api = |code| ApiError {
            hint,
            ..ApiError::new(code, message)
        };
        let detail = match error {
            AgentError::InvalidRequest { .. } => api(ErrorCode::InvalidRequest),
            AgentError::BadDraft(problems) => ApiError {
                problems,
                ..api(ErrorCode::InvalidRequest)
            },
            AgentError::NotFound { .. } => api(ErrorCode::NotFound),
            AgentError::AuthRequired { reason, .. } => ApiError {
                reason,
                ..api(ErrorCode::AuthRequired)
            },
            AgentError::NoClient { console_url, .. } => ApiError {
                console_url,
                ..api(ErrorCode::NotConfigured)
            },
            AgentError::Disabled(_) | AgentError::NotRefreshable(_) => {
                api(ErrorCode::NotConfigured)
            }
            AgentError::ProxyOnly(_) | AgentError::Bound(_) => api(ErrorCode::ProxyOnly),
            AgentError::InsufficientScope { missing, .. } => ApiError {
                missing_scopes: missing.into(),
                ..api(ErrorCode::InsufficientScope)
            },
            AgentError::NotNarrowable { reason, .. } => ApiError {
                reason,
                ..api(ErrorCode::NotConfigured)
            },
            AgentError::Conflict { in_use, .. } => ApiError {
                in_use: in_use.into_iter().map(connection_in_use).collect(),
                ..api(ErrorCode::Conflict)
            },
            AgentError::ClientMisconfigured { console_url, .. } => ApiError {
                console_url,
                ..api(ErrorCode::ClientMisconfigured)
            },
            AgentError::KeychainLocked(_) => api(ErrorCode::KeychainLocked),
            AgentError::KeychainUnavailable(_) | AgentError::KeychainDenied(_) => {
                api(ErrorCode::KeychainUnavailable)
            }
            AgentError::NotAllowed(refused) => api(match refused.why {
                Refusal::ProxyOnly => ErrorCode::ProxyOnly,
                Refusal::Denied(_)
                | Refusal::NotAnswered
                | Refusal::NotDecided
                | Refusal::TooManyScopes(_)
                | Refusal::Withdrawn => ErrorCode::AccessDenied,
            }),
            AgentError::NotConfirmed { .. } => api(ErrorCode::AccessDenied),
            AgentError::Paused => api(ErrorCode::Paused),
            // A stopping agent hands out nothing; the next one will.
            AgentError::Stopping => ApiError {
                retry_after: Some(1),
                ..api(ErrorCode::Paused)
            },
            AgentError::ServerUnreachable { .. } => api(ErrorCode::ProviderUnreachable),
            AgentError::RegistrationLeft { error, .. } => {
                let inner = ErrorResponse::from(*error).into_error();
                ApiError {
                    in_use: inner.in_use,
                    problems: inner.problems,
                    ..api(inner.code)
                }
            }
            AgentError::ProviderUnreachable { retry_after, .. } => {
                let wait = retry_after.and_then(|wait| Duration::try_from(wait).ok());
                ApiError {
                    retry_after: wait.map(whole_seconds),
                    ..api(ErrorCode::ProviderUnreachable)
                }
            }
            AgentError::RateLimited { retry_after } => {
                let wait = Duration::try_from(retry_after).unwrap_or_default();
                ApiError {
                    retry_after: Some(whole_seconds(wait).max(1)),
                    ..api(ErrorCode::RateLimited)
                }
            }
            AgentError::KeychainBroken(_) | AgentError::DiskFull(_) | AgentError::Internal(_) => {
                api(ErrorCode::Internal)
            }
        };
        if detail.code == ErrorCode::Internal {
            tracing::error!(error = %detail.message, "internal");
        }
        detail.into()
    }
}

fn connection_in_use(name: String) -> InUse {
    InUse {
        kind: InUseKind::Connection,
        name,
        used_at: None,
    }
}

/// Nothing is served at this path.
pub(crate) async fn no_such_path(uri: http::Uri) -> ErrorResponse {
    let path = uri.path();
    let hint = if path.starts_with("/api/v1/credentials/connections/") {
        "write the `/` of a connection's name as `%2F`, as in `github%2Fwork`"
    } else {
        "`/api/v1/openapi.json` lists what there is"
    };
    ErrorResponse::not_found(format!("there is nothing at `{path}`"), hint)
}

/// Something is served at this path, but not with this method. The router adds `Allow`.
pub(crate) async fn no_such_method(method: http::Method, uri: http::Uri) -> ErrorResponse {
    let message = format!("`{}` does not take {method}", uri.path());
    let error = ApiError::new(ErrorCode::InvalidRequest, message)
        .hint("the `Allow` header names the methods; `/api/v1/openapi.json` describes them");
    ErrorResponse::with_status(StatusCode::METHOD_NOT_ALLOWED, error)
}
