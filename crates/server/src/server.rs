//! The listeners of one home, and `endpoint.json`, which says where they are.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{Resource, getrlimit, setrlimit};
use valetkey_api::core::home::Home;
use valetkey_api::endpoint::Endpoint;

use crate::agent_lock::AgentLock;
use crate::app::{App, ListenAddresses};
use crate::listeners::{Limits, LoopbackListener, Rate, UnixSocket};
use crate::private_files::write_whole;
use crate::routes::router;

/// For programs of this user, of which a thousand may wait for one refresh.
const MAX_SOCKET_CONNECTIONS: usize = 4_096;
/// Fewer, since every user of the machine can connect to the loopback listener; separate from those of
/// the socket. A thousand requests side by side fit. A stranger can make each connection hold the head
/// of a request, so together 96 MB for half a minute.
const MAX_LOOPBACK_CONNECTIONS: usize = 1_536;
/// Open files that are not connections: database, keychain, log, requests to providers.
const RESERVED_FILES: usize = 256;

/// The bound listeners of a home.
#[derive(Debug)]
pub struct Server {
    socket: UnixSocket,
    loopback: Option<LoopbackListener>,
    endpoint: EndpointFile,
    max_connections: usize,
    rate: Rate,
}

impl Server {
    /// Binds both listeners and publishes their addresses to `app` and `endpoint.json`. Failure to bind
    /// the loopback listener is reported but not fatal: otherwise another user who takes the port could
    /// keep the agent from starting.
    pub fn bind(app: &App, _held: &AgentLock, port: u16) -> io::Result<Self> {
        let files = raise_file_limit();
        let max_connections = MAX_SOCKET_CONNECTIONS
            .min(files.saturating_sub(MAX_LOOPBACK_CONNECTIONS + RESERVED_FILES));
        let socket = UnixSocket::bind(app.home())?;
        let (loopback, port_problem) = match LoopbackListener::bind(port, app.agent().has_keys()) {
            Ok(loopback) => (Some(loopback), None),
            Err(error) => {
                tracing::warn!(%error, "loopback listener");
                (None, Some(error.to_string()))
            }
        };
        let port = loopback.as_ref().map(LoopbackListener::port);
        let endpoint = Endpoint {
            socket: socket.path().to_owned(),
            port,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        app.set_addresses(ListenAddresses {
            socket: socket.path().to_owned(),
            port,
            configured_port: app.agent().settings().port.unwrap_or_default().get(),
            port_problem,
        });
        Ok(Self {
            socket,
            loopback,
            endpoint: EndpointFile::write(app.home(), endpoint)?,
            max_connections: max_connections.max(64),
            rate: Rate::default(),
        })
    }

    /// With another rate limit for each client than the default.
    #[must_use]
    pub fn with_rate(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint.content
    }

    /// Serves until the app is asked to stop, then drains the connections.
    pub async fn serve(self, app: &App) {
        let router = router(app.clone());
        let limits = |max_connections| Limits {
            max_connections,
            rate: self.rate,
            ..Limits::default()
        };
        let loopback = async {
            if let Some(listener) = self.loopback {
                let verifier = app.verifier();
                listener
                    .serve(
                        router.clone(),
                        verifier,
                        limits(MAX_LOOPBACK_CONNECTIONS),
                        app.stop().clone(),
                    )
                    .await;
            }
        };
        let socket = self.socket.serve(
            router.clone(),
            limits(self.max_connections),
            app.stop().clone(),
        );
        // Removed first, so that a client that starts an agent meanwhile does not find this one ready.
        let endpoint = async {
            app.stop().requested().await;
            drop(self.endpoint);
        };
        tokio::join!(endpoint, socket, loopback);
    }
}

/// `endpoint.json`; removed on drop.
#[derive(Debug)]
struct EndpointFile {
    path: PathBuf,
    content: Endpoint,
}

impl EndpointFile {
    fn write(home: &Home, content: Endpoint) -> io::Result<Self> {
        let path = home.endpoint();
        write_whole(&path, &serde_json::to_vec(&content)?)?;
        Ok(Self { path, content })
    }
}

impl Drop for EndpointFile {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

/// Raises the limit of open files to its maximum, and returns it.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let (soft, hard) = (limit.current, limit.maximum);
    let raised = rustix::process::Rlimit {
        current: hard,
        ..limit
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => hard,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            soft
        }
    };
    files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}
