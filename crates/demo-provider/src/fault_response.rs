//! Responses that faults change or replace.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::{Value, json};
use url::Url;

use crate::merge_patch;
use crate::response::json_response;

/// The provider's own responses are far smaller.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

const PORTAL: &str = "<!doctype html><html><head><title>Welcome</title></head><body>\
    <h1>Welcome to Café Wi-Fi</h1><p>Please accept the terms to go online.</p>\
    <form method=\"post\"><button>Accept</button></form></body></html>";

pub(crate) fn bare_status(status: u16, retry_after: Option<&str>) -> Response<Body> {
    let status = status_code(status);
    let text = status.canonical_reason().unwrap_or("Unknown").to_owned();
    let mut response = (status, text).into_response();
    if let Some(after) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    response
}

pub(crate) fn html(status: u16) -> Response<Body> {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status_code(status), headers, PORTAL).into_response()
}

pub(crate) fn redirect(status: u16, location: &str) -> Response<Body> {
    raw(status, [("location", location)], String::new())
}

/// Invalid headers are left out.
pub(crate) fn raw<'h>(
    status: u16,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    body: String,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status_code(status);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Stands in for the real response when the request is not processed.
pub(crate) fn placeholder() -> Response<Body> {
    json_response(
        &json!({ "access_token": "never-issued", "token_type": "Bearer", "expires_in": 3600 }),
        false,
    )
}

/// Announces the whole body, sends half of it and closes the connection.
pub(crate) async fn truncate(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_RESPONSE_BYTES).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    Response::from_parts(parts, Body::new(TruncatedBody::Half(half)))
}

/// The same JSON object, with `padding` bytes before its members.
pub(crate) async fn pad(response: Response<Body>, padding: u64) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_RESPONSE_BYTES).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let rest = bytes
        .strip_prefix(b"{")
        .filter(|rest| *rest != b"}")
        .unwrap_or(b"\"end\":0}");
    let tail = [b"\",", rest].concat();
    let padded = PaddedBody {
        head: true,
        padding,
        tail: Some(tail.into()),
    };
    Response::from_parts(parts, Body::new(padded))
}

/// Applies a merge patch to a JSON response or to the query of a redirect. Other responses,
/// errors included, stay unchanged.
pub(crate) async fn edit(response: Response<Body>, change: &Value) -> Response<Body> {
    if let Some(location) = response.headers().get(header::LOCATION) {
        let edited = location
            .to_str()
            .ok()
            .and_then(|text| edit_query(text, change));
        let mut response = response;
        if let Some(edited) = edited.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::LOCATION, edited);
        }
        return response;
    }
    if !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_RESPONSE_BYTES).await.unwrap_or_default();
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    merge_patch::merge(&mut value, change);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

fn edit_query(location: &str, change: &Value) -> Option<String> {
    let mut url = Url::parse(location).ok()?;
    let change = change.as_object()?;
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| !change.contains_key(name))
        .collect();
    let mut query = url.query_pairs_mut();
    query.clear().extend_pairs(kept);
    for (name, value) in change {
        match value {
            Value::Null => {}
            Value::String(text) => {
                query.append_pair(name, text);
            }
            other => {
                query.append_pair(name, &other.to_string());
            }
        }
    }
    drop(query);
    Some(url.into())
}

/// An invalid status becomes 500.
pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Ends in an error, which makes hyper close the connection. The error drops what is not flushed
/// yet, so one poll passes between the data and the error.
enum TruncatedBody {
    Half(Bytes),
    Flushing,
    Done,
}

impl hyper::body::Body for TruncatedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Half(half) => {
                let half = std::mem::take(half);
                *self = Self::Flushing;
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            Self::Flushing => {
                *self = Self::Done;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Done => Poll::Ready(Some(Err(std::io::Error::other("truncated by a fault")))),
        }
    }
}

/// `{"padding":"xxx...",` and the rest, produced in chunks.
struct PaddedBody {
    head: bool,
    padding: u64,
    tail: Option<Bytes>,
}

static PADDING: [u8; 64 * 1024] = [b'x'; 64 * 1024];

impl hyper::body::Body for PaddedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = if std::mem::take(&mut self.head) {
            Some(Bytes::from_static(b"{\"padding\":\""))
        } else if self.padding > 0 {
            let length = usize::try_from(self.padding)
                .unwrap_or(usize::MAX)
                .min(PADDING.len());
            self.padding -= length as u64;
            Some(Bytes::from_static(&PADDING[..length]))
        } else {
            self.tail.take()
        };
        Poll::Ready(chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
