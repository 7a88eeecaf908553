//! Small protected resources for whoever passes requests on: what arrived, a stream, a redirect. Each
//! answers 401 without a valid access token.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Body as HttpBody, Frame};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Sleep, sleep};

use crate::resource::{Presented, holder, insufficient_scope};
use crate::response::json_response;
use crate::shared::Shared;

/// Query of `/api/echo`.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Echo {
    /// Whether the token itself comes back, in the body and in a header.
    token: bool,
    status: u16,
    /// Scopes that the token must have, separated by commas.
    needs: String,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            token: false,
            status: 200,
            needs: String::new(),
        }
    }
}

/// Says what arrived: method, path, query, headers and body.
pub(crate) async fn echo(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Echo>,
    method: Method,
    uri: Uri,
    presented: Presented,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let holder = match holder(&shared, &presented) {
        Ok(holder) => holder,
        Err(refused) => return *refused,
    };
    let needed = query.needs.split(',').filter(|scope| !scope.is_empty());
    let needed: Vec<String> = needed.map(str::to_owned).collect();
    if holder.lacks(&needed) {
        return insufficient_scope(shared.settings().dialect, &holder, &needed);
    }
    let mut shown = Map::new();
    for (name, value) in &headers {
        let is_token = name == header::AUTHORIZATION && !query.token;
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if is_token { "present".into() } else { text };
        shown.insert(name.to_string(), text.into());
    }
    let arrived = json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": shown,
        "body": String::from_utf8_lossy(&body),
    });
    let mut response = json_response(&arrived, false);
    *response.status_mut() = StatusCode::from_u16(query.status).unwrap_or(StatusCode::OK);
    if query.token {
        let token = headers[header::AUTHORIZATION].clone();
        response.headers_mut().insert("x-token", token);
    }
    response
}

/// Query of `/api/stream`.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Events {
    count: u32,
    interval_ms: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            count: 3,
            interval_ms: 100,
        }
    }
}

/// Server-sent events, one at a time.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Events>,
    presented: Presented,
) -> Response {
    if let Err(refused) = holder(&shared, &presented) {
        return *refused;
    }
    let interval = Duration::from_millis(query.interval_ms);
    let events = EventStream {
        interval,
        next: 1,
        count: query.count,
        timer: Box::pin(sleep(Duration::ZERO)),
    };
    let mut response = Response::new(Body::new(events));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

struct EventStream {
    interval: Duration,
    next: u32,
    count: u32,
    timer: Pin<Box<Sleep>>,
}

impl HttpBody for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next > self.count {
            return Poll::Ready(None);
        }
        ready!(self.timer.as_mut().poll(cx));
        self.timer = Box::pin(sleep(self.interval));
        let event = format!("data: {}\n\n", self.next);
        self.next += 1;
        Poll::Ready(Some(Ok(Frame::data(event.into()))))
    }
}

/// Query of `/api/redirect`.
#[derive(Deserialize)]
pub(crate) struct Redirect {
    to: String,
}

/// Sends the client somewhere else.
pub(crate) async fn redirect(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Redirect>,
    presented: Presented,
) -> Response {
    if let Err(refused) = holder(&shared, &presented) {
        return *refused;
    }
    let Ok(location) = HeaderValue::try_from(query.to) else {
        return json_response(&Value::Null, false);
    };
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response
}
