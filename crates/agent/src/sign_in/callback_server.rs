//! The callback server: up while a sign-in waits, and answers nothing but its authorization response.
//!
//! It takes GET at exactly the expected path and Host; a favicon, a stranger, a wrong state or a
//! replay gets a page and ends nothing. Runs at the same fixed port share one listener; `state`
//! tells them apart.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use valetkey_core::redirect::LoopbackHost;

use super::session::{CallbackListener, ResponseSource};
use super::{callback, finish, page};
use crate::error::AgentError;
use crate::state::Inner;

/// A client that has not sent its request by then is dropped.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// With more connections than this, the one that has been silent for longest makes room.
const MAX_CONNECTIONS: usize = 64;
/// Longest request head, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// A callback listener for this host at this port, or at an ephemeral one. Sessions at the same
/// fixed port share one.
pub(super) async fn open(
    inner: &Arc<Inner>,
    host: LoopbackHost,
    port: Option<u16>,
) -> Result<Arc<CallbackListener>, AgentError> {
    let Some(port) = port else {
        return start(inner, host, 0).await;
    };
    if let Some(listener) = inner.sessions.fixed_listener(host, port) {
        return Ok(listener);
    }
    let listener = start(inner, host, port).await?;
    inner.sessions.share_listener(host, &listener);
    Ok(listener)
}

async fn start(
    inner: &Arc<Inner>,
    host: LoopbackHost,
    port: u16,
) -> Result<Arc<CallbackListener>, AgentError> {
    let listeners = if port == 0 {
        bind_ephemeral(host).await
    } else {
        bind_all(host, port).await
    };
    let (listeners, port) = listeners.map_err(|error| AgentError::Conflict {
        message: format!("port {port}, which the browser must come back to, is busy ({error})"),
        in_use: vec![format!("{}:{port}", host.as_str())],
        hint: Some(
            "close the program that uses it, or register another redirect URI and set it with `valetkey update --redirect-uri`"
                .to_owned(),
        ),
    })?;
    let tasks = listeners
        .into_iter()
        .map(|listener| {
            let handler = CallbackHandler {
                agent: Arc::downgrade(inner),
                host,
                port,
            };
            tokio::spawn(accept(listener, handler))
        })
        .collect();
    Ok(Arc::new(CallbackListener { port, tasks }))
}

/// EAFNOSUPPORT, for which `std` has no kind: the system was built or started without that family.
const NO_FAMILY: i32 = if cfg!(windows) {
    10_047
} else if cfg!(target_os = "macos") {
    47
} else {
    97
};

/// How often an ephemeral port is chosen that is free in one family only.
const MAX_BIND_ATTEMPTS: usize = 16;

/// An ephemeral port that is ours at every address of `host`.
async fn bind_ephemeral(host: LoopbackHost) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut tried = bind_all(host, 0).await;
    for _ in 1..MAX_BIND_ATTEMPTS {
        match &tried {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Ok(_) | Err(_) => break,
        }
        tried = bind_all(host, 0).await;
    }
    tried
}

/// A browser may try either address of `localhost`. Whoever has the port at one of them, be it
/// another user of this machine, would receive the code: then the port is busy. A machine may have
/// one of the two families only.
async fn bind_all(host: LoopbackHost, port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let (v4, v6) = (
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    );
    let addresses: &[IpAddr] = match host {
        LoopbackHost::V4 => &[v4],
        LoopbackHost::V6 => &[v6],
        LoopbackHost::Localhost => &[v4, v6],
    };
    let mut port = port;
    let mut listeners = Vec::new();
    let mut missing = None;
    for address in addresses {
        match TcpListener::bind(SocketAddr::new(*address, port)).await {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if is_missing(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        Some(_) | None => Ok((listeners, port)),
    }
}

/// This machine has no such address, or not that family at all.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_FAMILY)
}

#[derive(Clone)]
struct CallbackHandler {
    agent: Weak<Inner>,
    host: LoopbackHost,
    port: u16,
}

/// An accepted connection, and whether its request has come.
struct Peer {
    has_request: Arc<AtomicBool>,
    task: AbortHandle,
}

async fn accept(listener: TcpListener, handler: CallbackHandler) {
    let mut peers: VecDeque<Peer> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: give others time to close some.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        peers.retain(|peer| !peer.task.is_finished());
        if peers.len() >= MAX_CONNECTIONS {
            // Whoever has sent a request by now is heard before anybody has to go.
            tokio::task::yield_now().await;
            let silent = peers
                .iter()
                .position(|peer| !peer.has_request.load(Ordering::Relaxed));
            match silent.and_then(|at| peers.remove(at)) {
                Some(peer) => peer.task.abort(),
                None => continue,
            }
        }
        let has_request = Arc::new(AtomicBool::new(false));
        // Not owned by the listener: the last answer must reach the browser after it closed.
        let task =
            tokio::spawn(serve(stream, handler.clone(), Arc::clone(&has_request))).abort_handle();
        peers.push_back(Peer { has_request, task });
    }
}

async fn serve(stream: TcpStream, handler: CallbackHandler, has_request: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        has_request.store(true, Ordering::Relaxed);
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handler.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "callback connection");
    }
}

impl CallbackHandler {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(inner) = self.agent.upgrade() else {
            return reply(StatusCode::SERVICE_UNAVAILABLE, page::not_ours());
        };
        if !self.is_our_host(request.headers()) {
            return reply(StatusCode::MISDIRECTED_REQUEST, page::not_ours());
        }
        if request.method() != Method::GET {
            let mut refused = reply(StatusCode::METHOD_NOT_ALLOWED, page::not_ours());
            refused
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET"));
            return refused;
        }
        let uri = request.uri();
        let Ok(answer) = callback::read_query(uri.query().unwrap_or_default()) else {
            return reply(StatusCode::NOT_FOUND, page::not_ours());
        };
        let source = ResponseSource::Callback {
            port: self.port,
            path: uri.path(),
        };
        let taken = inner.sessions.take(&answer.state, source, inner.now());
        let Some((id, pending)) = taken else {
            return reply(StatusCode::BAD_REQUEST, page::stale());
        };
        let agent = Arc::clone(&inner);
        let finished = async move { finish::finish(&agent, id, *pending, answer).await };
        let page = match inner.run(finished).await {
            Ok(state) => inner.sessions.view(id).map(|view| page::end(&view, &state)),
            Err(stopping) => Err(stopping),
        };
        match page {
            Ok(page) => reply(StatusCode::OK, page),
            Err(_) => reply(StatusCode::SERVICE_UNAVAILABLE, page::not_ours()),
        }
    }

    /// DNS rebinding: the page of a stranger whose name points here sends its own Host.
    fn is_our_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        host.as_bytes()
            .eq_ignore_ascii_case(format!("{}:{}", self.host.as_str(), self.port).as_bytes())
    }
}

fn reply(status: StatusCode, page: page::Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, page::POLICY),
        (header::CONNECTION, "close"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_busy_if_either_address_is_taken() {
        let mut families = 0;
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(taken) = TcpListener::bind(address).await else {
                continue;
            };
            families += 1;
            let port = taken.local_addr().unwrap().port();
            let refused = bind_all(LoopbackHost::Localhost, port).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AddrInUse, "{address}");
        }
        assert!(families > 0, "a machine has a loopback address");
    }

    #[tokio::test]
    async fn an_ephemeral_port_of_localhost_is_ours_at_every_address() {
        let (listeners, port) = bind_ephemeral(LoopbackHost::Localhost).await.unwrap();
        for address in ["127.0.0.1", "::1"] {
            let address: IpAddr = address.parse().unwrap();
            match TcpListener::bind(SocketAddr::new(address, port)).await {
                Ok(_) => panic!("{address} could be taken by somebody else"),
                Err(error) if is_missing(&error) => {}
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse),
            }
        }
        drop(listeners);
    }
}
