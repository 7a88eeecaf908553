//! Failures of the proxy itself, in the shape that the program can show. MCP clients show a JSON-RPC
//! error with status 200 to the person, and take 401 and 403 for an invitation to sign in by themselves;
//! all others get problem details (RFC 9457).

use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use valetkey_agent::protocol::{NoAnswer, Unreachable};
use valetkey_api::core::proxy_settings::Methods;
use valetkey_api::{ApiError, ErrorCode};

use super::address::BadAddress;
use crate::caller::Caller;
use crate::response;

/// Why a request was not answered by the host.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    status: StatusCode,
    /// In a JSON-RPC response: -32000 to -32019 are the server's own.
    code: i32,
    message: String,
    hint: Option<String>,
    retry_after: Option<u64>,
    connect_url: Option<String>,
    allow: Option<Box<str>>,
    /// Beside the words, for programs that read them.
    data: Option<Box<Value>>,
}

/// How a program is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Problem,
    /// With the id of its request.
    JsonRpc(Value),
}

const SIGN_IN: i32 = -32010;
const DENIED: i32 = -32011;
const NOT_ALLOWED: i32 = -32012;
const SCOPES: i32 = -32013;
const UNREACHABLE: i32 = -32014;
const UNAVAILABLE: i32 = -32015;

impl Shape {
    /// Of a request, with its body if that is known.
    pub(super) fn of(parts: &Parts, body: Option<&Bytes>) -> Self {
        let json = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let is_json_rpc = json
            .as_ref()
            .is_some_and(|json| json.get("jsonrpc") == Some(&Value::from("2.0")));
        let accepts = |kind: &str| {
            let accepted = parts.headers.get_all(ACCEPT).iter();
            let mut accepted = accepted.filter_map(|value| value.to_str().ok());
            accepted.any(|value| value.contains(kind))
        };
        let is_mcp = accepts("text/event-stream") && accepts("application/json");
        if parts.method == Method::POST && (is_json_rpc || is_mcp) {
            let id = json.and_then(|json| json.get("id").cloned());
            return Self::JsonRpc(id.unwrap_or(Value::Null));
        }
        Self::Problem
    }
}

impl Failure {
    fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint: None,
            retry_after: None,
            connect_url: None,
            allow: None,
            data: None,
        }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// An error of the API; `caller` asked, unless the guard refused.
    pub(super) fn of(error: ApiError, caller: Option<&Caller>) -> Self {
        let (status, code) = match error.code {
            ErrorCode::InvalidRequest => (StatusCode::BAD_REQUEST, NOT_ALLOWED),
            ErrorCode::NotFound => (StatusCode::NOT_FOUND, NOT_ALLOWED),
            ErrorCode::Unauthorized => (StatusCode::UNAUTHORIZED, DENIED),
            ErrorCode::AccessDenied | ErrorCode::ProxyOnly => match caller {
                // A key for other connections is a wrong key.
                None | Some(Caller::Key(_)) => (StatusCode::FORBIDDEN, DENIED),
                Some(Caller::Window | Caller::Tray | Caller::Notification | Caller::Process(_)) => {
                    (StatusCode::SERVICE_UNAVAILABLE, DENIED)
                }
            },
            ErrorCode::KeyNotConfirmed => (StatusCode::FORBIDDEN, DENIED),
            ErrorCode::InsufficientScope => (StatusCode::SERVICE_UNAVAILABLE, SCOPES),
            ErrorCode::AuthRequired | ErrorCode::ClientMisconfigured => {
                (StatusCode::SERVICE_UNAVAILABLE, SIGN_IN)
            }
            ErrorCode::RateLimited => (StatusCode::TOO_MANY_REQUESTS, UNAVAILABLE),
            ErrorCode::ProviderUnreachable => (StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE),
            ErrorCode::Conflict
            | ErrorCode::Internal
            | ErrorCode::NotConfigured
            | ErrorCode::KeychainLocked
            | ErrorCode::KeychainUnavailable
            | ErrorCode::Paused => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        };
        let message = match error.reason {
            Some(reason) => format!("{} ({reason})", error.message),
            None => error.message,
        };
        Self {
            hint: error.hint,
            retry_after: error.retry_after,
            connect_url: error.connect_url,
            ..Self::new(status, code, message)
        }
    }

    /// `connection` may not be used with this host; `allowed` names those that it may be used with.
    pub(super) fn host(connection: &str, host: Option<&str>, allowed: &str) -> Self {
        let Some(host) = host else {
            let message = format!("no host is known that `{connection}` may be used with");
            let hint = "`valetkey update NAME --api-host api.example.com` names one";
            return Self::new(StatusCode::MISDIRECTED_REQUEST, NOT_ALLOWED, message).hint(hint);
        };
        let message = format!("`{connection}` may only be used with {allowed}; refused `{host}`");
        Self::new(StatusCode::MISDIRECTED_REQUEST, NOT_ALLOWED, message)
            .hint("`valetkey update NAME --api-host` sets the hosts")
    }

    pub(super) fn method(connection: &str, method: &Method, allowed: &Methods) -> Self {
        let message = format!("`{connection}` may only be used with {allowed}; refused {method}");
        Self {
            allow: Some(allowed.to_string().into()),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, NOT_ALLOWED, message).hint(format!(
                "`valetkey proxy-methods {connection}` sets the methods"
            ))
        }
    }

    pub(super) fn overridden_method(connection: &str) -> Self {
        let message = format!(
            "`{connection}` may only be used with some methods, and a header names another one"
        );
        Self::new(StatusCode::BAD_REQUEST, NOT_ALLOWED, message)
            .hint("send the request with the method that is meant")
    }

    pub(super) fn web_socket(connection: &str) -> Self {
        let message =
            format!("`{connection}` may only be used with some methods, and a WebSocket has none");
        Self::new(StatusCode::BAD_REQUEST, NOT_ALLOWED, message).hint(format!(
            "`valetkey proxy-methods {connection} any` lets it pass"
        ))
    }

    pub(super) fn closed(host: &str) -> Self {
        let message =
            format!("this path of {host} issues or revokes tokens, and is never passed on");
        Self::new(StatusCode::NOT_FOUND, NOT_ALLOWED, message)
            .hint("`valetkey connect` signs in, `valetkey disconnect` signs out")
    }

    pub(super) fn target(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, NOT_ALLOWED, message)
            .hint("write `/proxy/CONNECTION/PATH`, or `/proxy/CONNECTION/@HOST/PATH`")
    }

    pub(super) fn from_page() -> Self {
        let message = "web pages may not send requests here";
        Self::new(StatusCode::FORBIDDEN, DENIED, message)
            .hint("send it from a program, or from the server behind the page")
    }

    pub(super) fn body_incomplete() -> Self {
        let message = "the body of the request ended early, or took too long to arrive";
        Self::new(StatusCode::BAD_REQUEST, NOT_ALLOWED, message).hint("send it again")
    }

    pub(super) fn unreachable(error: &Unreachable) -> Self {
        let (hint, retry_after) = match error.kind {
            NoAnswer::BadCertificate => (
                "check the date, and the proxy or login page of this network; an authority of your own goes into the system's trust store",
                Some(5),
            ),
            NoAnswer::NotSent => ("try again later; the login is kept", Some(5)),
            NoAnswer::Lost | NoAnswer::TooLarge => (
                "the host may have carried the request out; the login is kept",
                None,
            ),
        };
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self {
            retry_after,
            ..Self::new(status, UNREACHABLE, error.reason.clone()).hint(hint)
        }
    }

    /// The host refused the token, which was replaced, but the request cannot be sent again from here.
    pub(super) fn replaced(host: &str) -> Self {
        let message = format!("{host} refused the token; there is a new one now");
        Self {
            retry_after: Some(0),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE, message)
                .hint("send the request again: its body was too large to be kept")
        }
    }

    /// As [`Self::replaced`], where the host wants another proof (RFC 9449, section 9).
    pub(super) fn proof(host: &str) -> Self {
        let message = format!(
            "{host} wants another nonce or time in the proof of the request; it is known now"
        );
        Self {
            retry_after: Some(0),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE, message)
                .hint("send the request again: its body streams, or was too large to be kept")
        }
    }

    pub(super) fn refused(connection: &str, host: &str) -> Self {
        let message = format!("{host} does not take the token of `{connection}`");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, SIGN_IN, message).hint(format!(
            "check whether the request needs more than the token; if not, `valetkey connect {connection}` signs in again"
        ))
    }

    /// The host says that the token lacks scopes; `data` holds what it said.
    pub(super) fn lacks_scopes(error: ApiError, data: Value) -> Self {
        Self {
            data: Some(Box::new(data)),
            ..Self::of(error, None)
        }
    }

    pub(super) fn encoding(host: &str) -> Self {
        let message = format!("{host} compresses its answer in a way that cannot be read here");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE, message)
            .hint("what is not read cannot be searched for the token, so it is not passed on")
    }

    pub(super) fn protocol(host: &str) -> Self {
        let message = format!("{host} switched to another protocol, which nobody asked for");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE, message)
            .hint("check that this is a host of the API")
    }

    /// For the audit log.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// One sentence, and what to do.
    fn text(&self) -> String {
        let hint = self.hint.as_deref().map(|hint| format!("; {hint}"));
        let link = self.connect_url.as_deref();
        let link = link.map(|link| format!(" ({link})"));
        format!(
            "Valet Key: {}{}{}",
            self.message,
            hint.unwrap_or_default(),
            link.unwrap_or_default()
        )
    }

    pub(super) fn into_response(self, shape: Shape) -> Response {
        let text = self.text();
        match shape {
            Shape::JsonRpc(id) => {
                let mut error = json!({ "code": self.code, "message": text });
                if let Some(data) = self.data {
                    error["data"] = *data;
                }
                let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
                response::json(StatusCode::OK, &body)
            }
            Shape::Problem => {
                let body = json!({
                    "type": "about:blank",
                    "title": self.status.canonical_reason(),
                    "status": self.status.as_u16(),
                    "detail": text,
                });
                let mut response = response::json(self.status, &body);
                let headers = response.headers_mut();
                let problem = HeaderValue::from_static("application/problem+json");
                headers.insert(CONTENT_TYPE, problem);
                if let Some(seconds) = self.retry_after {
                    headers.insert(RETRY_AFTER, seconds.into());
                }
                if let Some(allow) = self.allow.and_then(|allow| allow.parse().ok()) {
                    headers.insert(ALLOW, allow);
                }
                response
            }
        }
    }
}

impl From<BadAddress> for Failure {
    fn from(error: BadAddress) -> Self {
        match error {
            BadAddress::NoConnection => Self::target("the path names no connection"),
            BadAddress::Path(error) => Self::target(&error.to_string()),
            BadAddress::Metadata => {
                let message = "there is no OAuth metadata here";
                Self::new(StatusCode::NOT_FOUND, NOT_ALLOWED, message)
                    .hint("Valet Key signs in by itself: give the client a key instead of a login")
            }
        }
    }
}
