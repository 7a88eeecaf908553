//! Bodies on their way through: never collected, but for small requests, which can be sent again.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep, timeout};
use valetkey_agent::AgentError;

use super::scrub::Scrubber;
use super::upstream::HostsTurn;

/// A request of up to this size is kept until the host has answered.
const MAX_KEPT: usize = 64 * 1024;
/// How long a body that is kept may take to arrive.
const KEEP_TIMEOUT: Duration = Duration::from_secs(30);

/// The body of a request.
pub(super) enum RequestBody {
    /// All of it: it can be sent again.
    Whole(Bytes),
    /// What has arrived, and the rest.
    Stream(Bytes, Body),
}

/// The body ended early, or took too long.
#[derive(Debug)]
pub(super) struct Incomplete;

impl RequestBody {
    /// Keeps a small body. One of unknown length is read ahead only if it is JSON, which has an end:
    /// elsewhere the program may wait for the answer before it sends more.
    pub(super) async fn read(parts: &Parts, mut body: Body) -> Result<Self, Incomplete> {
        let length = body.size_hint().exact();
        let is_json = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"));
        let keep = match length {
            Some(length) => length <= MAX_KEPT as u64,
            None => is_json && !parts.headers.contains_key(CONTENT_LENGTH),
        };
        if !keep {
            return Ok(Self::Stream(Bytes::new(), body));
        }
        let mut kept = BytesMut::new();
        let read = async {
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.map_err(|_| Incomplete)?.into_data() {
                    kept.extend_from_slice(&data);
                }
                if kept.len() > MAX_KEPT {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let is_whole = timeout(KEEP_TIMEOUT, read)
            .await
            .map_err(|_| Incomplete)??;
        let kept = kept.freeze();
        Ok(if is_whole {
            Self::Whole(kept)
        } else {
            Self::Stream(kept, body)
        })
    }

    pub(super) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(..) => None,
        }
    }

    /// For one request to the host; a stream can be taken once.
    pub(super) fn take(&mut self) -> (reqwest::Body, HostsTurn) {
        let turn = HostsTurn::default();
        let body = match self {
            Self::Whole(bytes) => bytes.clone().into(),
            Self::Stream(kept, body) => reqwest::Body::wrap(Upload {
                kept: std::mem::take(kept),
                rest: Mutex::new(std::mem::take(body)),
                turn: turn.clone(),
            }),
        };
        (body, turn)
    }
}

/// A request body that streams. Trailers end here.
struct Upload {
    kept: Bytes,
    /// Only one task has it; the mutex says so to the compiler.
    rest: Mutex<Body>,
    turn: HostsTurn,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if !this.kept.is_empty() {
            this.turn.set(true);
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.kept)))));
        }
        let rest = this.rest.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = Pin::new(&mut *rest).poll_frame(cx);
            this.turn.set(next.is_ready());
            match ready!(next) {
                Some(Ok(frame)) if frame.is_trailers() => {}
                frame => return Poll::Ready(frame),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        match rest.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + self.kept.len() as u64),
            None => SizeHint::default(),
        }
    }
}

/// A body whose beginning was read already.
pub(super) struct Resumed {
    start: Bytes,
    rest: reqwest::Body,
}

impl Resumed {
    pub(super) fn new(start: Bytes, rest: reqwest::Body) -> Self {
        Self { start, rest }
    }
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        if !self.start.is_empty() {
            let start = std::mem::take(&mut self.start);
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_empty() && self.rest.is_end_stream()
    }
}

/// Resolves once an exchange may not go on.
pub(super) type Withdrawn = Pin<Box<dyn Future<Output = AgentError> + Send>>;

/// Why a response breaks off.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenOff {
    #[error(transparent)]
    Host(#[from] reqwest::Error),
    #[error("{0}")]
    Withdrawn(AgentError),
}

/// A response body in which a token is masked. Its length does not change. It breaks off once the
/// exchange may not go on.
pub(super) struct Download<F> {
    body: reqwest::Body,
    withdrawn: Withdrawn,
    scrubber: Scrubber,
    hold: Option<Pin<Box<Sleep>>>,
    /// Called when the token is found first.
    alert: Option<F>,
}

impl<F: FnOnce()> Download<F> {
    pub(super) fn new(
        body: reqwest::Body,
        withdrawn: Withdrawn,
        scrubber: Scrubber,
        alert: Option<F>,
    ) -> Self {
        Self {
            body,
            withdrawn,
            scrubber,
            hold: None,
            alert,
        }
    }
}

impl<F: FnOnce() + Unpin> HttpBody for Download<F> {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = &mut *self;
        if let Poll::Ready(error) = this.withdrawn.as_mut().poll(cx) {
            tracing::info!(%error, "a proxied response was cut off");
            return Poll::Ready(Some(Err(BrokenOff::Withdrawn(error))));
        }
        loop {
            let data = match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(chunk) => this.scrubber.push(&chunk),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) if this.scrubber.is_holding() => this.scrubber.release(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending if this.scrubber.is_holding() => {
                    let timeout = this.scrubber.hold_timeout();
                    let hold = this.hold.get_or_insert_with(|| Box::pin(sleep(timeout)));
                    ready!(hold.as_mut().poll(cx));
                    this.scrubber.release()
                }
                Poll::Pending => return Poll::Pending,
            };
            this.hold = None;
            if this.scrubber.take_found()
                && let Some(alert) = this.alert.take()
            {
                alert();
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.scrubber.is_holding()
    }
}
