//! The loopback listener: for programs that cannot use the socket, each with a client key.

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

use super::gate::{Gate, KeyCheck, Passed};
use super::hall::{Hall, Limits};
use super::{answer, pause_after};
use crate::stop::Stop;

/// How many ports after the wished one are tried while no key is issued.
const NEXT_PORTS: u16 = 100;

/// A bound loopback listener.
#[derive(Debug)]
pub struct Tcp {
    v4: TcpListener,
    /// The same port, so that nobody else can answer to `localhost`; None without IPv6.
    v6: Option<TcpListener>,
    port: u16,
}

/// The loopback listener stays shut.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// Somebody has the port. Holders of keys would show them to whoever that is, so no other port
    /// is tried once keys are issued.
    #[error("port {port} is taken by another program: the loopback listener stays shut")]
    Taken {
        /// The port.
        port: u16,
    },
    /// No port could be bound.
    #[error("no loopback port could be opened: {0}")]
    Unusable(io::Error),
}

impl Tcp {
    /// Binds `port` (0: any). If it is taken: the next free one, but only while no key is issued.
    pub fn bind(port: u16, keys_issued: bool) -> Result<Self, TcpError> {
        let next = (port..=port.saturating_add(NEXT_PORTS)).skip(1);
        let fallbacks = next.filter(|_| port != 0).chain([0, 0, 0]);
        let fallbacks = fallbacks.filter(|_| !keys_issued);
        for candidate in std::iter::once(port).chain(fallbacks) {
            if candidate == CALLBACK_PORT {
                continue;
            }
            match Self::bind_exactly(candidate) {
                Ok(door) => return Ok(door),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(TcpError::Unusable(error)),
            }
        }
        Err(TcpError::Taken { port })
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
    pub async fn serve(self, router: Router, keys: KeyCheck, limits: Limits, stop: Stop) {
        let hall = Hall::new(limits);
        let gate = Arc::new(Gate::new(self.port, keys));
        let mut watch = pin!(hall.watch());
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok(stream) => welcome(&hall, stream, &router, &gate),
                    Err(error) => pause_after(&error).await,
                },
                () = &mut watch => {}
                () = stop.requested() => break,
            }
        }
        drop(self);
        hall.close().await;
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

fn welcome(hall: &Hall, stream: TcpStream, router: &Router, gate: &Arc<Gate>) {
    let router = router.clone();
    let gate = Arc::clone(gate);
    hall.welcome(stream, move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        let reply = gate.check(&request).map(|passed| {
            if let Passed::Caller(caller) = passed {
                request.extensions_mut().insert(caller);
            }
            answer(&router, request)
        });
        async move {
            match reply {
                Ok(reply) => reply.await,
                Err(denied) => denied.into_response(),
            }
        }
    });
}
