//! Refusals of the token and revocation endpoints, said in each provider's way.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::answer::{json_answer, prefers_json};
use crate::form::Repeated;
use crate::settings::Dialect;

/// Why a request is refused. The text is the description in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed(&'static str),
    Repeated(&'static str),
    UnknownClient,
    BadSecret(&'static str),
    BadCode(&'static str),
    OtherRedirect,
    BadRefreshToken(&'static str),
    TooMuchScope,
    UnknownGrantType,
}

impl From<Repeated> for Refusal {
    fn from(Repeated(name): Repeated) -> Self {
        Self::Repeated(name)
    }
}

impl Refusal {
    pub(crate) fn answer(self, dialect: Dialect, headers: &HeaderMap) -> Response {
        error_answer(
            dialect,
            headers,
            self.code(dialect),
            Some(&self.description()),
            None,
        )
    }

    fn code(self, dialect: Dialect) -> &'static str {
        let (standard, github, slack) = match self {
            Self::Malformed(_) | Self::Repeated(_) => {
                ("invalid_request", "invalid_request", "invalid_arguments")
            }
            Self::UnknownClient => (
                "invalid_client",
                "incorrect_client_credentials",
                "invalid_client_id",
            ),
            Self::BadSecret(_) => (
                "invalid_client",
                "incorrect_client_credentials",
                "bad_client_secret",
            ),
            Self::BadCode(_) => ("invalid_grant", "bad_verification_code", "invalid_code"),
            Self::OtherRedirect => ("invalid_grant", "redirect_uri_mismatch", "bad_redirect_uri"),
            Self::BadRefreshToken(_) => (
                "invalid_grant",
                "bad_refresh_token",
                "invalid_refresh_token",
            ),
            Self::TooMuchScope => ("invalid_scope", "invalid_scope", "invalid_scope"),
            Self::UnknownGrantType => (
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
            Self::Repeated(name) => format!("The parameter {name} stands there twice."),
            Self::UnknownClient => "There is no such client.".to_owned(),
            Self::OtherRedirect => "The redirect_uri is not the one asked with.".to_owned(),
            Self::TooMuchScope => "More scope than was granted.".to_owned(),
            Self::UnknownGrantType => "This grant_type is not spoken here.".to_owned(),
            Self::Malformed(text)
            | Self::BadSecret(text)
            | Self::BadCode(text)
            | Self::BadRefreshToken(text) => text.to_owned(),
        }
    }
}

/// An OAuth error in the shape of the dialect.
pub(crate) fn error_answer(
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
    let usual = match dialect {
        Dialect::Standard if code == "invalid_client" => StatusCode::UNAUTHORIZED,
        Dialect::Standard => StatusCode::BAD_REQUEST,
        Dialect::Github | Dialect::Slack => StatusCode::OK,
    };
    let status = status.unwrap_or(usual);
    let as_form = dialect == Dialect::Github && !prefers_json(headers);
    let mut answer = (status, json_answer(&body, as_form)).into_response();
    // RFC 6749 section 5.2: a 401 after a try with the header names the scheme.
    if status == StatusCode::UNAUTHORIZED && headers.contains_key(header::AUTHORIZATION) {
        let scheme = HeaderValue::from_static("Basic realm=\"demo\"");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    answer
}
