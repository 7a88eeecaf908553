//! The loopback TCP listener, for programs that cannot use the socket, each with a client key.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use valetkey_api::core::redirect::CALLBACK_PORT;

use super::http_server::{Delay, HttpServer, Limits};
use super::loopback_guard::{Admitted, GuardError, LoopbackGuard, Verifier};
use super::surface::Surface;
use super::{call, pause_after};
use crate::stop::Stop;

/// How many ports after the configured one are tried while no key is issued.
const NEXT_PORTS: u16 = 100;

/// A bound loopback listener, on `127.0.0.1` and `::1`.
#[derive(Debug)]
pub struct LoopbackListener {
    v4: StdListener,
    /// The same port, so that nobody else can answer to `localhost`; None without IPv6.
    v6: Option<StdListener>,
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

    /// Serves `router` to holders of keys (and the connect page to browsers) until `stop`. Any user of
    /// the machine can send requests here, so they are read and checked on a thread of their own; only
    /// what the guard admits reaches the runtime of the caller.
    pub async fn serve(self, router: Router, verifier: Verifier, limits: Limits, stop: Stop) {
        let main = Handle::current();
        let (ended, end) = oneshot::channel();
        // Dropped with this future, which ends the thread.
        let (_serving, cancelled) = oneshot::channel::<Infallible>();
        let thread = thread::Builder::new().name("loopback".to_owned());
        let thread = thread.spawn(move || {
            let served = Builder::new_current_thread()
                .enable_all()
                .build()
                .and_then(|runtime| {
                    let serve = self.accept_connections(router, main, verifier, limits, stop);
                    runtime.block_on(async {
                        tokio::select! {
                            served = serve => served,
                            _ = cancelled => Ok(()),
                        }
                    })
                });
            // Nobody waits after a cancellation.
            ended.send(served).ok();
        });
        let served = match thread {
            Ok(_) => end.await.unwrap_or(Ok(())),
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::error!(%error, "loopback listener");
        }
    }

    async fn accept_connections(
        self,
        router: Router,
        main: Handle,
        verifier: Verifier,
        limits: Limits,
        stop: Stop,
    ) -> io::Result<()> {
        let server = HttpServer::new(limits);
        let guard = Arc::new(LoopbackGuard::new(self.port, verifier, limits.rate));
        let listeners = (
            TcpListener::from_std(self.v4)?,
            self.v6.map(TcpListener::from_std).transpose()?,
        );
        let handler = Handler {
            router,
            main,
            guard,
            refusal_delay: limits.refusal_delay,
        };
        let mut close_idle = pin!(server.close_idle_connections());
        loop {
            tokio::select! {
                accepted = accept(&listeners) => match accepted {
                    Ok(stream) => {
                        let handler = handler.clone();
                        server.spawn(stream, move |request| handler.handle(request));
                    }
                    Err(error) => pause_after(&error).await,
                },
                () = &mut close_idle => {}
                () = stop.requested() => break,
            }
        }
        drop(listeners);
        server.drain().await;
        Ok(())
    }
}

async fn accept((v4, v6): &(TcpListener, Option<TcpListener>)) -> io::Result<TcpStream> {
    let v6 = async {
        match v6 {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    };
    let (stream, _) = tokio::select! {
        accepted = v4.accept() => accepted?,
        accepted = v6 => accepted?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn listen(address: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[derive(Clone)]
struct Handler {
    router: Router,
    /// Where the router runs.
    main: Handle,
    guard: Arc<LoopbackGuard>,
    refusal_delay: Duration,
}

impl Handler {
    fn handle(&self, request: http::Request<Incoming>) -> impl Future<Output = Response> + use<> {
        let mut request = request.map(Body::new);
        let admitted = {
            // What the agent begins while it looks up a key belongs to its own runtime.
            let _main = self.main.enter();
            self.guard.check(&request)
        };
        let response = admitted
            .map_err(|error| {
                let mut response = Surface::of(request.uri().path()).refuse(error);
                if let GuardError::TooManyWrongKeys { .. } = error {
                    response.extensions_mut().insert(Delay(self.refusal_delay));
                }
                response
            })
            .map(|admitted| {
                if let Admitted::Caller(caller) = admitted {
                    request.extensions_mut().insert(caller);
                }
                AbortOnDrop(self.main.spawn(call(&self.router, request)))
            });
        async move {
            match response {
                Ok(mut task) => match (&mut task.0).await {
                    Ok(response) => response,
                    Err(_stopped) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                },
                Err(refusal) => refusal,
            }
        }
    }
}

/// A client that hangs up is no longer waited for.
struct AbortOnDrop(JoinHandle<Response>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
