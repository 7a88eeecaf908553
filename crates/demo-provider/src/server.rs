//! The listener and its connections, on a thread and runtime of their own: a test that blocks its
//! thread or pauses its Tokio clock does not affect the provider.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, mpsc as blocking};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::request_handler;
use crate::shared::Shared;

const BACKLOG: u32 = 4096;
const MAX_CONNECTIONS: usize = 4096;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// What the handle can demand of the server; the reply is sent when it is done.
pub(crate) enum Command {
    /// Stops listening and closes all connections.
    Close(blocking::Sender<io::Result<()>>),
    /// Listens again at the same port.
    Listen(blocking::Sender<io::Result<()>>),
}

/// The serving thread; it ends when this is dropped.
pub(crate) struct Server {
    commands: Option<mpsc::UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) runtime: Handle,
}

/// Bound first, so that the port is known when the state is created.
pub(crate) struct BoundServer {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

pub(crate) fn bind(port: u16) -> io::Result<BoundServer> {
    raise_file_limit();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into())?
    };
    let address = listener.local_addr()?;
    Ok(BoundServer {
        runtime,
        listener,
        address,
    })
}

impl BoundServer {
    pub(crate) fn serve(self, shared: Arc<Shared>, router: Router) -> io::Result<Server> {
        let (commands, received) = mpsc::unbounded_channel();
        let handle = self.runtime.handle().clone();
        let acceptor = Acceptor {
            shared,
            router,
            address: self.address,
            connections: JoinSet::new(),
        };
        let thread = thread::Builder::new()
            .name("demo-provider".to_owned())
            .spawn(move || self.runtime.block_on(acceptor.run(self.listener, received)))?;
        Ok(Server {
            commands: Some(commands),
            thread: Some(thread),
            runtime: handle,
        })
    }
}

impl Server {
    pub(crate) fn execute(
        &self,
        command: impl FnOnce(blocking::Sender<io::Result<()>>) -> Command,
    ) -> io::Result<()> {
        let (done, reply) = blocking::channel();
        let stopped = || io::Error::other("the provider has stopped");
        self.commands
            .as_ref()
            .ok_or_else(stopped)?
            .send(command(done))
            .map_err(|_| stopped())?;
        reply.recv().map_err(|_| stopped())?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already shown as failed requests.
            let _ = thread.join();
        }
    }
}

struct Acceptor {
    shared: Arc<Shared>,
    router: Router,
    address: SocketAddr,
    connections: JoinSet<()>,
}

impl Acceptor {
    async fn run(mut self, listener: TcpListener, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut listener = Some(listener);
        loop {
            let may_accept = self.connections.len() < MAX_CONNECTIONS;
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::Close(done)) => {
                        listener = None;
                        self.connections.shutdown().await;
                        let _ = done.send(Ok(()));
                    }
                    Some(Command::Listen(done)) => {
                        let opened = match listener {
                            Some(_) => Ok(()),
                            None => listen(self.address).map(|again| listener = Some(again)),
                        };
                        let _ = done.send(opened);
                    }
                },
                Some(_) = self.connections.join_next() => {}
                stream = accept(listener.as_ref()), if may_accept => self.serve(stream),
            }
        }
    }

    fn serve(&mut self, stream: TcpStream) {
        let (shared, router) = (self.shared.clone(), self.router.clone());
        let service = service_fn(move |request| {
            request_handler::handle(shared.clone(), router.clone(), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        self.connections.spawn(async move {
            // Errors are expected: clients disconnect, and faults close connections.
            let _ = connection.await;
        });
    }
}

/// Never completes while there is no listener. A failed accept (no file descriptors left) is
/// retried after a pause.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Otherwise responses wait for acknowledgements; a failure only delays them.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A thousand connections, with both ends in one test process, need more than the usual limit of
/// 1,024 files. Where it cannot be raised, fewer are served.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}
