//! The loopback listener: up while a sign-in waits, and deaf to everything but its answer.
//!
//! It takes GET at exactly the expected path and Host; a favicon, a stranger, a wrong state or a
//! replay gets a page and ends nothing. Runs at the same fixed port share one listener; `state`
//! tells them apart.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use valetkey_core::redirect::LoopbackHost;

use super::{Door, SignIns, callback, finish, page};
use crate::agent::Inner;
use crate::error::AgentError;

/// A client that has not sent its request by then is dropped.
const HEADER_LIMIT: Duration = Duration::from_secs(5);
/// With more connections than this, the one that has been silent for longest makes room.
const MOST_CONNECTIONS: usize = 64;
/// Longest request head, in bytes.
const MOST_HEAD: usize = 32 * 1024;

/// A bound callback port. Dropping the last handle closes it.
pub(crate) struct Listener {
    port: u16,
    tasks: Vec<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The listeners that are up, so that runs at one fixed port share one.
#[derive(Default)]
pub(crate) struct Listeners {
    fixed: Mutex<HashMap<(LoopbackHost, u16), Weak<Listener>>>,
}

impl Listeners {
    /// A listener for this host at this port, or at an ephemeral one.
    pub(super) async fn open(
        &self,
        sign_ins: &SignIns,
        host: LoopbackHost,
        port: Option<u16>,
    ) -> Result<Arc<Listener>, AgentError> {
        let Some(port) = port else {
            return self.bind(sign_ins, host, 0).await;
        };
        let shared = {
            let fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
            fixed.get(&(host, port)).and_then(Weak::upgrade)
        };
        if let Some(listener) = shared {
            return Ok(listener);
        }
        let listener = self.bind(sign_ins, host, port).await?;
        let mut fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.retain(|_, listener| listener.strong_count() > 0);
        fixed.insert((host, port), Arc::downgrade(&listener));
        Ok(listener)
    }

    async fn bind(
        &self,
        sign_ins: &SignIns,
        host: LoopbackHost,
        port: u16,
    ) -> Result<Arc<Listener>, AgentError> {
        let listeners = if port == 0 {
            bind_ephemeral(host).await
        } else {
            bind_all(host, port).await
        };
        let (listeners, port) = listeners.map_err(|error| AgentError::Conflict {
            message: format!("port {port}, which the browser must come back to, is busy ({error})"),
            in_use: vec![format!("{}:{port}", host.as_str())],
            hint: Some(
                "close the program that uses it, or register another redirect URI and tell it with `valetkey update --redirect-uri`"
                    .to_owned(),
            ),
        })?;
        let tasks = listeners
            .into_iter()
            .map(|listener| {
                let gate = Gate {
                    agent: sign_ins.agent.clone(),
                    host,
                    port,
                };
                tokio::spawn(accept(listener, gate))
            })
            .collect();
        Ok(Arc::new(Listener { port, tasks }))
    }
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
const MOST_TRIES: usize = 16;

/// An ephemeral port that is ours at every address of `host`.
async fn bind_ephemeral(host: LoopbackHost) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut tried = bind_all(host, 0).await;
    for _ in 1..MOST_TRIES {
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

/// The path that a redirect URI is served at; `/` where it has none.
pub(super) fn path_of(redirect_uri: &str) -> &str {
    let rest = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[derive(Clone)]
struct Gate {
    agent: Weak<Inner>,
    host: LoopbackHost,
    port: u16,
}

/// An accepted connection, and whether its request has come.
struct Guest {
    asked: Arc<AtomicBool>,
    task: AbortHandle,
}

async fn accept(listener: TcpListener, gate: Gate) {
    let mut guests: VecDeque<Guest> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: give others time to close some.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        guests.retain(|guest| !guest.task.is_finished());
        if guests.len() >= MOST_CONNECTIONS {
            // Whoever has sent a request by now is heard before anybody has to go.
            tokio::task::yield_now().await;
            let silent = guests
                .iter()
                .position(|guest| !guest.asked.load(Ordering::Relaxed));
            match silent.and_then(|at| guests.remove(at)) {
                Some(guest) => guest.task.abort(),
                None => continue,
            }
        }
        let asked = Arc::new(AtomicBool::new(false));
        // Not owned by the listener: the last answer must reach the browser after it closed.
        let task = tokio::spawn(serve(stream, gate.clone(), Arc::clone(&asked))).abort_handle();
        guests.push_back(Guest { asked, task });
    }
}

async fn serve(stream: TcpStream, gate: Gate, asked: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        let gate = gate.clone();
        async move { Ok::<_, Infallible>(gate.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(MOST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "callback connection");
    }
}

impl Gate {
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
        let door = Door::Listener {
            port: self.port,
            path: uri.path(),
        };
        let taken = inner.sign_ins.take(&answer.state, door, inner.now());
        let Some((id, pending)) = taken else {
            return reply(StatusCode::BAD_REQUEST, page::stale());
        };
        let agent = Arc::clone(&inner);
        let finished = async move { finish::finish(&agent, id, *pending, answer).await };
        let page = match inner.to_the_end(finished).await {
            Ok(stage) => inner.sign_ins.view(id).map(|view| page::end(&view, &stage)),
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

    #[test]
    fn a_redirect_uri_is_served_at_its_own_path() {
        assert_eq!(path_of("http://127.0.0.1:4316/callback"), "/callback");
        assert_eq!(path_of("http://localhost:9"), "/");
        assert_eq!(path_of("http://localhost:9/"), "/");
    }
}
