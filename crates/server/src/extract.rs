//! Extractors: what routes take from a request. What cannot be read is an [`ErrorResponse`].

use std::error::Error;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use valetkey_api::core::secret_json;
use valetkey_api::{ApiError, ErrorCode};
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::error_response::ErrorResponse;
use crate::listeners::GuardError;

/// In bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request without a [`Caller`] gets no further than the connect page.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ErrorResponse> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| GuardError::NoKey.into())
    }
}

/// The last part of the path that is a variable, percent-decoded.
pub(crate) struct PathParam(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathParam {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorResponse> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment)).map_err(|_| {
            ErrorResponse::invalid(
                "the path is not percent-encoded UTF-8",
                "write `github%2Fwork`",
            )
        })
    }
}

/// The query.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ErrorResponse> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(ErrorResponse::invalid(
                format!("the query cannot be read: {}", innermost(&error)),
                "`/api/v1/openapi.json` names the parameters",
            )),
        }
    }
}

/// A JSON body; an empty one is `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ErrorResponse;

    async fn from_request(request: Request, _: &S) -> Result<Self, ErrorResponse> {
        let (parts, body) = request.into_parts();
        let bytes = if body.size_hint().exact() == Some(0) {
            Zeroizing::default()
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

/// A body may hold a client secret, so its buffer is wiped.
async fn read(body: axum::body::Body) -> Result<Zeroizing<Vec<u8>>, ErrorResponse> {
    let failed = |status, message: &str, hint: &str| {
        let error = ApiError::new(ErrorCode::InvalidRequest, message).hint(hint);
        ErrorResponse::with_status(status, error)
    };
    match timeout(BODY_TIMEOUT, collect(Limited::new(body, MAX_BODY))).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(failed(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 1 MiB",
            "send less: `/api/v1/openapi.json` describes the body",
        )),
        Ok(Err(_)) => Err(failed(
            StatusCode::BAD_REQUEST,
            "the body ended before it was whole",
            "send as much as `Content-Length` says, and send it again",
        )),
        Err(_) => Err(failed(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long to arrive",
            "send it whole within 10 seconds",
        )),
    }
}

async fn collect(
    mut body: Limited<axum::body::Body>,
) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error + Send + Sync>> {
    let mut bytes = Zeroizing::default();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            secret_json::append(&mut bytes, &data);
        }
    }
    Ok(bytes)
}

fn check_type(headers: &HeaderMap) -> Result<(), ErrorResponse> {
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|value| value.split(';').next());
    if essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let error = ApiError::new(
        ErrorCode::InvalidRequest,
        "the body has no `Content-Type: application/json`",
    )
    .hint("send `Content-Type: application/json`");
    Err(ErrorResponse::with_status(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        error,
    ))
}

/// The message names fields and places, never the text: it may hold a secret.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<JsonBody<T>, ErrorResponse> {
    let hint = "`/api/v1/openapi.json` describes the body";
    // Serde reads a struct from a list of its fields, too.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(bytes) {
        Ok(body) if is_object => Ok(JsonBody(body)),
        Ok(_) => Err(ErrorResponse::invalid(
            "the body is not a JSON object",
            hint,
        )),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = if error.is_data() {
                format!("the body does not fit: {}", without_place(&error))
            } else {
                format!("the body is not JSON (line {line}, column {column})")
            };
            Err(ErrorResponse::invalid(message, hint))
        }
    }
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

fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
