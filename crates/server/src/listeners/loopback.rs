//! The loopback TCP listener, for programs that cannot use the socket, each with a client key.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use valetkey_api::core::redirect::CALLBACK_PORT;

use super::http_server::{HttpServer, Limits};
use super::loopback_guard::{Admitted, KeyVerifier, LoopbackGuard};
use super::{call, pause_after};
use crate::stop::Stop;

/// How many ports after the configured one are tried while no key is issued.
const NEXT_PORTS: u16 = 100;

/// A bound loopback listener, on `127.0.0.1` and `::1`.
#[derive(Debug)]
pub struct LoopbackListener {
    v4: TcpListener,
    /// The same port, so that nobody else can answer to `localhost`; None without IPv6.
    v6: Option<TcpListener>,
    port: u16,
}

/// The loopback listener stays closed.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// Somebody has the port. Holders of keys would show them to whoever that is, so no other port
    /// is tried once keys are issued.
    #[error("port {port} is taken by another program: the loopback listener stays closed")]
    Taken {
        /// The port.
        port: u16,
    },
    /// No port could be bound.
    #[error("no loopback port could be opened: {0}")]
    Unusable(io::Error),
}

impl LoopbackListener {
    /// Binds `port` (0: any). If it is taken: the next free one, but only while no key is issued.
    pub fn bind(port: u16, keys_issued: bool) -> Result<Self, LoopbackError> {
        let next = (port..=port.saturating_add(NEXT_PORTS)).skip(1);
        let fallbacks = next.filter(|_| port != 0).chain([0, 0, 0]);
        let fallbacks = fallbacks.filter(|_| !keys_issued);
        for candidate in std::iter::once(port).chain(fallbacks) {
            if candidate == CALLBACK_PORT {
                continue;
            }
            match Self::bind_exactly(candidate) {
                Ok(listener) => return Ok(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(LoopbackError::Unusable(error)),
            }
        }
        Err(LoopbackError::Taken { port })
    }

    fn bind_exactly(port: u16) -> io::Result<Self> {
        let v4 = listen((Ipv4Addr::LOCALHOST, port).into())?;
        let port = v4.local_addr()?.port();
        let v6 = match listen((Ipv6Addr::LOCALHOST, port).into()) {
            Ok(listener) => Some(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_no_ipv6) => None,
        };
        Ok(Self { v4, v6, port })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves `router` to holders of keys (and the connect page to browsers) until `stop`.
    pub async fn serve(self, router: Router, keys: KeyVerifier, limits: Limits, stop: Stop) {
        let server = HttpServer::new(limits);
        let guard = Arc::new(LoopbackGuard::new(self.port, keys));
        let mut close_idle = pin!(server.close_idle_connections());
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok(stream) => serve_connection(&server, stream, &router, &guard),
                    Err(error) => pause_after(&error).await,
                },
                () = &mut close_idle => {}
                () = stop.requested() => break,
            }
        }
        drop(self);
        server.drain().await;
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let v6 = async {
            match &self.v6 {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let (stream, _) = tokio::select! {
            accepted = self.v4.accept() => accepted?,
            accepted = v6 => accepted?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn serve_connection(
    server: &HttpServer,
    stream: TcpStream,
    router: &Router,
    guard: &Arc<LoopbackGuard>,
) {
    let router = router.clone();
    let guard = Arc::clone(guard);
    server.spawn(stream, move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        let response = guard.check(&request).map(|admitted| {
            if let Admitted::Caller(caller) = admitted {
                request.extensions_mut().insert(caller);
            }
            call(&router, request)
        });
        async move {
            match response {
                Ok(response) => response.await,
                Err(error) => error.into_response(),
            }
        }
    });
}
