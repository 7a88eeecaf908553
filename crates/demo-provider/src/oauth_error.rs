//! Errors of the token and revocation endpoints, in each dialect's codes and shape.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::form::Repeated;
use crate::response::{json_response, prefers_json};
use crate::settings::Dialect;

/// Why a request is refused. The text becomes `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OAuthError {
    Malformed(&'static str),
    Repeated(&'static str),
    UnknownClient,
    InvalidSecret(&'static str),
    InvalidCode(&'static str),
    RedirectMismatch,
    InvalidRefreshToken(&'static str),
    InvalidScope,
    InvalidTarget,
    InvalidProof(&'static str),
    UseDpopNonce,
    UnsupportedGrantType,
    UnauthorizedClient,
    AuthorizationPending,
    SlowDown,
    ExpiredDeviceCode,
    AccessDenied,
}

impl From<Repeated> for OAuthError {
    fn from(Repeated(name): Repeated) -> Self {
        Self::Repeated(name)
    }
}

impl OAuthError {
    pub(crate) fn response(self, dialect: Dialect, headers: &HeaderMap) -> Response {
        error_response(
            dialect,
            headers,
            self.code(dialect),
            Some(&self.description()),
            None,
        )
    }

    fn code(self, dialect: Dialect) -> &'static str {
        let same = |code| (code, code, code);
        let (standard, github, slack) = match self {
            Self::AuthorizationPending => same("authorization_pending"),
            Self::SlowDown => same("slow_down"),
            Self::ExpiredDeviceCode => same("expired_token"),
            Self::AccessDenied => same("access_denied"),
            Self::Malformed(_) | Self::Repeated(_) => {
                ("invalid_request", "invalid_request", "invalid_arguments")
            }
            Self::UnknownClient => (
                "invalid_client",
                "incorrect_client_credentials",
                "invalid_client_id",
            ),
            Self::InvalidSecret(_) => (
                "invalid_client",
                "incorrect_client_credentials",
                "bad_client_secret",
            ),
            Self::InvalidCode(_) => ("invalid_grant", "bad_verification_code", "invalid_code"),
            Self::RedirectMismatch => {
                ("invalid_grant", "redirect_uri_mismatch", "bad_redirect_uri")
            }
            Self::InvalidRefreshToken(_) => (
                "invalid_grant",
                "bad_refresh_token",
                "invalid_refresh_token",
            ),
            Self::UnauthorizedClient => same("unauthorized_client"),
            Self::InvalidTarget => same("invalid_target"),
            Self::InvalidProof(_) => same("invalid_dpop_proof"),
            Self::UseDpopNonce => same("use_dpop_nonce"),
            Self::InvalidScope => ("invalid_scope", "invalid_scope", "invalid_scope"),
            Self::UnsupportedGrantType => (
                "unsupported_grant_type",
                "unsupported_grant_type",
                "invalid_grant_type",
            ),
        };
        match dialect {
            Dialect::Standard => standard,
            Dialect::Github => github,
            Dialect::Slack => slack,
        }
    }

    fn description(self) -> String {
        match self {
            Self::Repeated(name) => format!("The parameter {name} is repeated."),
            Self::UnknownClient => "There is no such client.".to_owned(),
            Self::RedirectMismatch => {
                "The redirect_uri differs from that of the authorization request.".to_owned()
            }
            Self::InvalidScope => "More scope than was granted.".to_owned(),
            Self::InvalidTarget => "This resource is not served here.".to_owned(),
            Self::UseDpopNonce => "The proof needs the nonce of the header.".to_owned(),
            Self::AuthorizationPending => "The person has not decided.".to_owned(),
            Self::SlowDown => "Poll less often.".to_owned(),
            Self::ExpiredDeviceCode => "The device code has expired.".to_owned(),
            Self::AccessDenied => "The user denied access.".to_owned(),
            Self::UnauthorizedClient => "A public client cannot ask for itself.".to_owned(),
            Self::UnsupportedGrantType => "This grant_type is not supported.".to_owned(),
            Self::Malformed(text)
            | Self::InvalidProof(text)
            | Self::InvalidSecret(text)
            | Self::InvalidCode(text)
            | Self::InvalidRefreshToken(text) => text.to_owned(),
        }
    }
}

/// An OAuth error in the shape of the dialect.
pub(crate) fn error_response(
    dialect: Dialect,
    headers: &HeaderMap,
    code: &str,
    description: Option<&str>,
    status: Option<StatusCode>,
) -> Response {
    let body = match dialect {
        Dialect::Standard | Dialect::Github => {
            let mut body = json!({ "error": code });
            if let Some(text) = description {
                body["error_description"] = text.into();
            }
            body
        }
        Dialect::Slack => json!({ "ok": false, "error": code }),
    };
    let default_status = match dialect {
        Dialect::Standard if code == "invalid_client" => StatusCode::UNAUTHORIZED,
        Dialect::Standard => StatusCode::BAD_REQUEST,
        Dialect::Github | Dialect::Slack => StatusCode::OK,
    };
    let status = status.unwrap_or(default_status);
    let as_form = dialect == Dialect::Github && !prefers_json(headers);
    let mut response = (status, json_response(&body, as_form)).into_response();
    // RFC 6749 section 5.2: a 401 to a request with an `Authorization` header names the scheme.
    if status == StatusCode::UNAUTHORIZED && headers.contains_key(header::AUTHORIZATION) {
        let scheme = HeaderValue::from_static("Basic realm=\"demo\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}
