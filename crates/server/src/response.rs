//! Responses: JSON that nobody caches.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use valetkey_api::core::secret_json;

/// A body of JSON with this status.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let json = serde_json::to_vec(body).expect("API types serialise");
    with_body(status, json)
}

/// A body that holds a secret: its buffer is wiped once it is sent.
pub(crate) fn secret_json(status: StatusCode, body: &impl Serialize) -> Response {
    with_body(status, Bytes::from_owner(secret_json::to_vec(body)))
}

fn with_body(status: StatusCode, json: impl Into<Body>) -> Response {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 200 with this body.
pub(crate) struct Ok200<T>(pub(crate) T);
/// 201 with this body.
pub(crate) struct Created<T>(pub(crate) T);
/// 202 with this body.
pub(crate) struct Accepted<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Ok200<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        json(StatusCode::ACCEPTED, &self.0)
    }
}
