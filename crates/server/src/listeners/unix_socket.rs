//! The Unix socket, for programs of this user. The kernel says who connects.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use http::Request;
use http::header::ORIGIN;
use tokio::net::{UnixListener, UnixStream};
use valetkey_api::core::home::Home;

use super::http_server::{HttpServer, Limits};
use super::loopback_guard::{GuardError, check_target, take};
use super::rate_limiter::{Bucket, RateLimiter};
use super::surface::Surface;
use super::{call, pause_after};
use crate::caller::{Caller, ConnectedProcess, KnownProcesses, Process, ProgramKey};
use crate::private_files::private_dir;
use crate::stop::Stop;

/// A bound socket; its file is removed on drop.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    file: FileId,
}

/// Device and inode: another file at the same path has another id.
type FileId = (u64, u64);

fn file_id(path: &Path) -> io::Result<FileId> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl UnixSocket {
    /// Binds the socket of `home`, replacing what a dead agent left. Call with the agent lock held.
    pub fn bind(home: &Home) -> io::Result<Self> {
        let path = match home.socket() {
            Some(path) => {
                private_dir(&home.runtime)?;
                path
            }
            None => short_path(home)?,
        };
        remove_stale(&path)?;
        let listener = StdListener::bind(&path)?;
        // The folder is 0700, so no other user can connect between these two lines.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            file: file_id(&path)?,
            path,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Serves `router` until `stop`, then drains the connections.
    pub async fn serve(self, router: Router, limits: Limits, stop: Stop) {
        let server = HttpServer::new(limits);
        let clients = Arc::new(Clients {
            processes: KnownProcesses::default(),
            rates: RateLimiter::new(limits.rate),
        });
        let mut close_idle = pin!(server.close_idle_connections());
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => serve_connection(&server, stream, &router, &clients),
                    Err(error) => pause_after(&error).await,
                },
                () = &mut close_idle => {}
                () = stop.requested() => break,
            }
        }
        drop(self);
        server.drain().await;
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if file_id(&self.path).is_ok_and(|found| found == self.file) {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Who connected to a socket.
struct Clients {
    processes: KnownProcesses,
    rates: RateLimiter<ProgramKey>,
}

/// The process that sends the requests of one connection, and the requests of its program.
struct Sender {
    process: Arc<ConnectedProcess>,
    bucket: Arc<Bucket>,
}

fn serve_connection(
    server: &HttpServer,
    stream: UnixStream,
    router: &Router,
    clients: &Arc<Clients>,
) {
    let Ok(peer) = stream.peer_cred() else {
        return;
    };
    if peer.uid() != rustix::process::geteuid().as_raw() {
        tracing::warn!(uid = peer.uid(), "connection from another user refused");
        return;
    }
    let connected = ConnectedProcess::at(&stream, peer.pid(), peer.uid());
    let connected = Mutex::new(Some(connected));
    let (router, clients) = (router.clone(), Arc::clone(clients));
    // What the process is called by its first request: it is looked up once.
    let sender = OnceLock::new();
    let caller = move || {
        let mut first = None;
        let Sender { process, bucket } = sender.get_or_init(|| {
            let mut connected = connected.lock().unwrap_or_else(PoisonError::into_inner);
            let connected = connected.take().expect("taken here alone, and once");
            let process = first.insert(clients.processes.sender(connected));
            Sender {
                process: Arc::clone(process.connected()),
                bucket: clients.rates.bucket(process.key()),
            }
        });
        let process = first.unwrap_or_else(|| Process::of(process));
        let caller = Caller::Process(Arc::new(process));
        take(bucket, &caller).map(|()| caller)
    };
    server.spawn(stream, move |request| {
        let response = check(&request)
            .and_then(|()| caller())
            .map_err(|error| Surface::of(request.uri().path()).refuse(error))
            .map(|caller| {
                let mut request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(caller);
                call(&router, request)
            });
        async move {
            match response {
                Ok(response) => response.await,
                Err(refusal) => refusal,
            }
        }
    });
}

/// No page in a browser reaches a socket, but for one that somebody forwards to a port: then nothing else
/// sends these headers. The proxy refuses them itself, in its own shape.
fn check<B>(request: &Request<B>) -> Result<(), GuardError> {
    check_target(request, is_own)?;
    match Surface::of(request.uri().path()) {
        Surface::Proxy => Ok(()),
        Surface::Api | Surface::ConnectPage { .. } | Surface::Metadata => {
            let headers = request.headers();
            let mut sites = headers.get_all("sec-fetch-site").iter();
            if headers.contains_key(ORIGIN) {
                Err(GuardError::Origin)
            } else if sites.any(|site| site != "none") {
                Err(GuardError::CrossSite)
            } else {
                Ok(())
            }
        }
    }
}

/// Whether a target in absolute form (RFC 9112, section 3.2.2) is meant for this listener.
fn is_own(authority: &str) -> bool {
    ["valetkey", "localhost"].contains(&authority)
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            // The lock says that no other agent has this home; a live socket means that it is not ours.
            if StdStream::connect(path).is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    format!("another agent listens at `{}`", path.display()),
                ));
            }
            fs::remove_file(path)
        }
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("`{}` exists and is not a socket", path.display()),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A private folder with a short name, for a home whose path is longer than a socket's may be.
fn short_path(home: &Home) -> io::Result<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let folder = PathBuf::from(format!("/tmp/valetkey-{uid}-{}", home.short_id()));
    private_dir(&folder)?;
    Ok(folder.join("agent.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn home(folder: &Path) -> Home {
        let home = Home::at(folder);
        private_dir(&home.runtime).unwrap();
        home
    }

    #[tokio::test]
    async fn the_socket_is_private_and_removed_with_its_agent() {
        let tmp = tempfile::tempdir().unwrap();
        let home = home(tmp.path());
        let socket = UnixSocket::bind(&home).unwrap();
        let path = socket.path().to_owned();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_but_no_file() {
        let tmp = tempfile::tempdir().unwrap();
        let home = home(tmp.path());
        let path = home.socket().unwrap();
        drop(StdListener::bind(&path).unwrap());
        assert!(path.exists(), "left behind by a dead agent");
        drop(UnixSocket::bind(&home).unwrap());
        fs::write(&path, "somebody's notes").unwrap();
        assert!(UnixSocket::bind(&home).is_err());
        assert!(path.exists());
    }

    #[tokio::test]
    async fn only_its_own_socket_is_removed() {
        let tmp = tempfile::tempdir().unwrap();
        let home = home(tmp.path());
        let first = UnixSocket::bind(&home).unwrap();
        let path = first.path().to_owned();
        let refused = UnixSocket::bind(&home).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse, "it is live");
        fs::remove_file(&path).unwrap();
        let second = UnixSocket::bind(&home).unwrap();
        drop(first);
        assert!(path.exists(), "the second one's");
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_long_home_gets_a_short_private_socket() {
        let tmp = tempfile::tempdir().unwrap();
        let home = home(&tmp.path().join("x".repeat(110)));
        let socket = UnixSocket::bind(&home).unwrap();
        assert!(socket.path().as_os_str().len() < 60);
        assert_eq!(mode(socket.path().parent().unwrap()), 0o700);
        fs::remove_dir_all(socket.path().parent().unwrap()).unwrap();
    }
}
