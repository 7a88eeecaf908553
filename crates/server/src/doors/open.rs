//! Both doors of one home, and the file that says where they are.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{Resource, getrlimit, setrlimit};
use valetkey_api::core::home::Home;
use valetkey_api::endpoint::Endpoint;

use super::private_dir::write_whole;
use super::{Limits, Lock, Socket, Tcp};
use crate::app::{App, OpenDoors};
use crate::routes::router;

/// Programs of this user: a thousand may wait for one refresh.
const SOCKET_SEATS: usize = 4_096;
/// Strangers may come to the loopback listener, so it takes fewer, and none away from the socket.
const TCP_SEATS: usize = 512;
/// Files that are no connections: database, keychain, log, requests to providers.
const OTHER_FILES: usize = 256;

/// The open doors of a home.
#[derive(Debug)]
pub struct Doors {
    socket: Socket,
    tcp: Option<Tcp>,
    endpoint: EndpointFile,
    seats: usize,
}

impl Doors {
    /// Opens both doors and tells `app` and `endpoint.json` where they are. A loopback listener that
    /// cannot be opened is told, not fatal: else another user who takes the port could keep this
    /// user's programs from their tokens.
    pub fn open(app: &App, _one_agent: &Lock, port: u16) -> io::Result<Self> {
        let files = raise_file_limit();
        let seats = SOCKET_SEATS.min(files.saturating_sub(TCP_SEATS + OTHER_FILES));
        let socket = Socket::bind(app.home())?;
        let (tcp, port_problem) = match Tcp::bind(port, app.agent().has_keys()) {
            Ok(tcp) => (Some(tcp), None),
            Err(error) => {
                tracing::warn!(%error, "loopback listener");
                (None, Some(error.to_string()))
            }
        };
        let port = tcp.as_ref().map(Tcp::port);
        let endpoint = Endpoint {
            socket: socket.path().to_owned(),
            port,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        app.opened(OpenDoors {
            socket: socket.path().to_owned(),
            port,
            port_problem,
        });
        Ok(Self {
            socket,
            tcp,
            endpoint: EndpointFile::write(app.home(), endpoint)?,
            seats: seats.max(64),
        })
    }

    /// Where they are.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint.content
    }

    /// Serves until the app is asked to stop, then lets replies under way end.
    pub async fn serve(self, app: &App) {
        let router = router(app.clone());
        let limits = |seats| Limits {
            seats,
            ..Limits::default()
        };
        let tcp = async {
            if let Some(tcp) = self.tcp {
                let keys = app.key_check();
                tcp.serve(router.clone(), keys, limits(TCP_SEATS), app.stop().clone())
                    .await;
            }
        };
        let socket = self
            .socket
            .serve(router.clone(), limits(self.seats), app.stop().clone());
        tokio::join!(socket, tcp);
    }
}

/// `endpoint.json`; it goes when this is dropped.
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

/// As many open files as this process may have; the number.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let (now, most) = (limit.current, limit.maximum);
    let raised = rustix::process::Rlimit {
        current: most,
        ..limit
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => most,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            now
        }
    };
    files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}
