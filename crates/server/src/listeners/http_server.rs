//! HTTP/1.1 over the connections of one listener, with bounds on everything that a client could hold
//! on to: see [`ConnectionLimiter`] for the number of connections, [`Limits`] for the timeouts. A
//! silent client, half a request, or a client that never reads its response slows nobody else.

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use http::header::UPGRADE;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::connection_limiter::{ActiveRequest, Close, ConnectionLimiter, Permit};
use super::rate_limiter::Rate;
use super::write_timeout::WriteTimeout;

/// Bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections.
    pub max_connections: usize,
    /// From the end of one request (or the connection's start) to the end of the next one's head.
    pub idle_timeout: Duration,
    /// How long a write may make no progress.
    pub write_timeout: Duration,
    /// Size of a request's head, in bytes.
    pub max_head_bytes: usize,
    /// How long a response in progress may take once the listener closes.
    pub drain_timeout: Duration,
    /// How long the answer to repeated wrong keys is held back.
    pub refusal_delay: Duration,
    /// How many requests each client may send.
    pub rate: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_head_bytes: 64 * 1024,
            drain_timeout: Duration::from_secs(3),
            refusal_delay: Duration::from_secs(1),
            rate: Rate::default(),
        }
    }
}

/// Extension of a response that is held back. Its connection counts as idle meanwhile, so that it
/// makes room for others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delay(pub(super) Duration);

/// Extension of a response whose body comes from another server: whatever its length, it is still to
/// arrive, so its connection is active until the body ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streamed;

/// Extension of a request to switch protocols (RFC 9110, section 7.8). Whoever serves the switched
/// connection holds on to it: while a clone lives, the connection counts as open and active.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "held for its drop")]
pub(crate) struct SwitchedConnection(Arc<ActiveRequest>);

/// A connection that can be waited for without a buffer.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Returns when there is something to read, or the client has closed.
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send;
}

impl Stream for TcpStream {
    async fn readable(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

impl Stream for UnixStream {
    async fn readable(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

/// Tokio's `readable` takes a new connection for readable until somebody has looked.
fn peek(stream: impl AsFd) -> io::Result<()> {
    recv(stream, &mut [0; 1], RecvFlags::PEEK)?;
    Ok(())
}

/// Serves the connections of one listener.
#[derive(Debug, Clone)]
pub(super) struct HttpServer {
    limits: Limits,
    http: http1::Builder,
    connections: Arc<ConnectionLimiter>,
}

impl HttpServer {
    pub(super) fn new(limits: Limits) -> Self {
        let mut http = http1::Builder::new();
        // The limiter's own clock bounds the head: hyper's would set a timer for each request.
        http.header_read_timeout(None)
            .max_buf_size(limits.max_head_bytes);
        Self {
            limits,
            http,
            connections: ConnectionLimiter::new(limits.max_connections, limits.idle_timeout),
        }
    }

    /// Serves `stream` in a task of its own. Closes it if all connections are busy.
    pub(super) fn spawn<S, F, R>(&self, stream: S, handler: F)
    where
        S: Stream,
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let Some((permit, close)) = self.connections.acquire() else {
            tracing::warn!(
                max_connections = self.limits.max_connections,
                "connection refused"
            );
            return;
        };
        let permit = Arc::new(permit);
        let server = self.clone();
        tokio::spawn(async move { server.serve(stream, handler, &permit, close).await });
    }

    /// Closes idle connections when their time is over; never returns.
    pub(super) async fn close_idle_connections(&self) {
        self.connections.close_idle().await;
    }

    /// Closes idle connections at once, the others after their response.
    pub(super) async fn drain(&self) {
        self.connections.close_all();
        self.connections.all_closed().await;
    }

    async fn serve<S, F, R>(
        self,
        stream: S,
        handler: F,
        permit: &Arc<Permit>,
        mut close: oneshot::Receiver<Close>,
    ) where
        S: Stream,
        F: Fn(Request<Incoming>) -> R,
        R: Future<Output = Response>,
    {
        // Hyper allocates its buffers at once: 16 KiB that a silent client does not get.
        tokio::select! {
            readable = stream.readable() => if readable.is_err() {
                return;
            },
            _ = &mut close => return,
        }
        let service = service_fn(|mut request: Request<Incoming>| {
            let active = Arc::new(permit.begin_request());
            if request.headers().contains_key(UPGRADE) {
                let switched = SwitchedConnection(Arc::clone(&active));
                request.extensions_mut().insert(switched);
            }
            let response = handler(request);
            async move {
                let response = response.await;
                if let Some(&Delay(delay)) = response.extensions().get() {
                    drop(active);
                    sleep(delay).await;
                    return Ok(response);
                }
                Ok::<_, Infallible>(track_body(response, active))
            }
        });
        let io = TokioIo::new(WriteTimeout::new(
            stream,
            self.limits.write_timeout,
            Arc::clone(permit),
        ));
        let connection = self.http.serve_connection(io, service);
        let mut connection = pin!(connection.with_upgrades());
        // How a connection ended is the client's affair: cut off, timed out, malformed.
        tokio::select! {
            _ = connection.as_mut() => {}
            how = close => if how == Ok(Close::AfterResponse) {
                connection.as_mut().graceful_shutdown();
                timeout(self.limits.drain_timeout, connection).await.ok();
            },
        }
    }
}

/// A streamed response (events, the proxy) keeps its connection active until its end; any other ends
/// the request as soon as it is there.
fn track_body(response: Response, active: Arc<ActiveRequest>) -> Response {
    let in_memory = response.body().size_hint().exact().is_some();
    if in_memory && response.extensions().get::<Streamed>().is_none() {
        return response;
    }
    response.map(|body| Body::new(TrackedBody { body, active }))
}

struct TrackedBody {
    body: Body,
    #[expect(dead_code, reason = "held for its drop")]
    active: Arc<ActiveRequest>,
}

impl HttpBody for TrackedBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
