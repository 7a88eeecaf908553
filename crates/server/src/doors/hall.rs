//! What both doors do with a connection: HTTP/1.1 with bounds on everything a client could hold on
//! to. A silent client, half a request, or one that never reads its answer costs nobody else
//! anything: see [`Guests`] for seats, [`Limits`] for times.

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
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::guests::{Guests, Leave, Seat, Served};
use super::stall::Stall;

/// Bounds of a door.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub seats: usize,
    /// From the end of one request (or the connection's start) to the end of the next one's head.
    pub head: Duration,
    /// For which a reply may wait for its reader.
    pub stall: Duration,
    /// Size of a request's head, in bytes.
    pub head_bytes: usize,
    /// What a reply under way gets when the door closes.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            seats: 512,
            head: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            farewell: Duration::from_secs(3),
        }
    }
}

/// A connection that can be waited for without a buffer.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Returns when the client has said something, or has gone.
    fn heard(&self) -> impl Future<Output = io::Result<()>> + Send;
}

impl Stream for TcpStream {
    async fn heard(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

impl Stream for UnixStream {
    async fn heard(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

/// Tokio's `readable` takes a new connection for readable until somebody has looked.
fn peek(stream: impl AsFd) -> io::Result<()> {
    recv(stream, &mut [0; 1], RecvFlags::PEEK)?;
    Ok(())
}

/// Serves the connections of one door.
#[derive(Debug, Clone)]
pub(super) struct Hall {
    limits: Limits,
    http: http1::Builder,
    guests: Arc<Guests>,
}

impl Hall {
    pub(super) fn new(limits: Limits) -> Self {
        let mut http = http1::Builder::new();
        // The guests' own clock bounds the head: hyper's would set a timer for each request.
        http.header_read_timeout(None)
            .max_buf_size(limits.head_bytes);
        Self {
            limits,
            http,
            guests: Guests::new(limits.seats, limits.head),
        }
    }

    /// Serves `stream` in a task of its own. Turns it away if every seat is busy.
    pub(super) fn welcome<S, F, R>(&self, stream: S, answer: F)
    where
        S: Stream,
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let Some((seat, leave)) = self.guests.seat() else {
            tracing::warn!(seats = self.limits.seats, "connection turned away");
            return;
        };
        let seat = Arc::new(seat);
        let hall = self.clone();
        tokio::spawn(async move { hall.host(stream, answer, &seat, leave).await });
    }

    /// Keeps the time limit of silent connections; never returns.
    pub(super) async fn watch(&self) {
        self.guests.watch().await;
    }

    /// Ends all connections: the idle at once, the others after their reply.
    pub(super) async fn close(&self) {
        self.guests.close();
        self.guests.all_left().await;
    }

    async fn host<S, F, R>(
        self,
        stream: S,
        answer: F,
        seat: &Arc<Seat>,
        mut leave: oneshot::Receiver<Leave>,
    ) where
        S: Stream,
        F: Fn(Request<Incoming>) -> R,
        R: Future<Output = Response>,
    {
        // Hyper takes its buffers at once: 16 KiB that a silent client does not get.
        tokio::select! {
            heard = stream.heard() => if heard.is_err() {
                return;
            },
            _ = &mut leave => return,
        }
        let service = service_fn(|request| {
            let served = seat.serve();
            let answer = answer(request);
            async move { Ok::<_, Infallible>(keep_seat(answer.await, served)) }
        });
        let io = TokioIo::new(Stall::new(stream, self.limits.stall));
        let mut connection = pin!(self.http.serve_connection(io, service));
        // How a connection ended is the client's affair: cut off, timed out, malformed.
        tokio::select! {
            _ = connection.as_mut() => {}
            left = leave => if left == Ok(Leave::AfterReply) {
                connection.as_mut().graceful_shutdown();
                timeout(self.limits.farewell, connection).await.ok();
            },
        }
    }
}

/// A streamed reply (events) is being served until its end; any other is done when it is there.
fn keep_seat(response: Response, served: Served) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| Body::new(Seated { body, served }))
}

struct Seated {
    body: Body,
    #[expect(dead_code, reason = "held for its drop")]
    served: Served,
}

impl HttpBody for Seated {
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
