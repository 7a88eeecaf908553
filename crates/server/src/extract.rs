//! What routes take from a request. Whatever cannot be read is refused in the API's shape.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use valetkey_api::{ApiError, ErrorCode};

use crate::refused::Refused;

/// Largest body, in bytes.
const MOST: usize = 1024 * 1024;
/// For which a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// The last part of the path that is a variable, percent-decoded.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment)).map_err(|_| {
            Refused::invalid(
                "the path is not percent-encoded UTF-8",
                "write `github%2Fwork`",
            )
        })
    }
}

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refused::invalid(
                format!("the query cannot be read: {}", innermost(&error)),
                "`/api/v1/openapi.json` names the parameters",
            )),
        }
    }
}

/// A JSON body; an empty one is `{}`.
pub(crate) struct Sent<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = if body.size_hint().exact() == Some(0) {
            Bytes::new()
        } else {
            read(body).await?
        };
        if bytes.is_empty() {
            return parse(b"{}");
        }
        check_type(&parts.headers)?;
        parse(&bytes)
    }
}

async fn read(body: axum::body::Body) -> Result<Bytes, Refused> {
    let refuse = |status, message: &str, hint: &str| {
        let error = ApiError::new(ErrorCode::InvalidRequest, message).hint(hint);
        Refused::with_status(status, error)
    };
    let limited = Limited::new(body, MOST);
    match timeout(PATIENCE, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 1 MiB",
            "send less: `/api/v1/openapi.json` describes the body",
        )),
        Ok(Err(_)) => Err(refuse(
            StatusCode::BAD_REQUEST,
            "the body ended before it was whole",
            "send as much as `Content-Length` says, and send it again",
        )),
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long to arrive",
            "send it whole within 10 seconds",
        )),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|value| value.split(';').next());
    if essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let error = ApiError::new(ErrorCode::InvalidRequest, "the body is not said to be JSON")
        .hint("send `Content-Type: application/json`");
    Err(Refused::with_status(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        error,
    ))
}

/// The message names fields and places, never the text: it may hold a secret.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Sent<T>, Refused> {
    serde_json::from_slice(bytes).map(Sent).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = if error.is_data() {
            format!("the body does not fit: {}", without_place(&error))
        } else {
            format!("the body is not JSON (line {line}, column {column})")
        };
        Refused::invalid(message, "`/api/v1/openapi.json` describes the body")
    })
}

/// ``unknown field `x`, expected ...`` stays; ``invalid type: string "...", expected u64`` quotes
/// what was sent, so only its end does.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if text.starts_with("invalid type") || text.starts_with("invalid value") {
        let expected = text.rsplit_once("expected ").map_or("", |(_, end)| end);
        return format!(
            "expected {expected} at line {}, column {}",
            error.line(),
            error.column()
        );
    }
    text.to_owned()
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
