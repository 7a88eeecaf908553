//! The listening socket and its connections, on a thread and runtime of their own: a test that
//! blocks its thread or pauses its Tokio clock neither stops nor speeds up the provider.

use std::convert::Infallible;
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

use crate::pipeline;
use crate::shared::Shared;

const BACKLOG: u32 = 4096;
const CONNECTIONS: usize = 4096;
const HEADER_TIME: Duration = Duration::from_secs(30);

/// What the handle may order; the answer comes when it is done.
pub(crate) enum Order {
    /// Stop listening and cut all connections.
    Shut(blocking::Sender<io::Result<()>>),
    /// Listen again at the same port.
    Open(blocking::Sender<io::Result<()>>),
}

/// The thread that serves; it ends when this is dropped.
pub(crate) struct Door {
    orders: Option<mpsc::UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) runtime: Handle,
}

/// Binds before anything else, so that the port is known when the state is made.
pub(crate) struct Bound {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

pub(crate) fn bind(port: u16) -> io::Result<Bound> {
    raise_file_limit();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into())?
    };
    let address = listener.local_addr()?;
    Ok(Bound {
        runtime,
        listener,
        address,
    })
}

impl Bound {
    pub(crate) fn serve(self, shared: Arc<Shared>, router: Router) -> io::Result<Door> {
        let (orders, received) = mpsc::unbounded_channel();
        let handle = self.runtime.handle().clone();
        let host = Host {
            shared,
            router,
            address: self.address,
            connections: JoinSet::new(),
        };
        let thread = thread::Builder::new()
            .name("demo-provider".to_owned())
            .spawn(move || self.runtime.block_on(host.run(self.listener, received)))?;
        Ok(Door {
            orders: Some(orders),
            thread: Some(thread),
            runtime: handle,
        })
    }
}

impl Door {
    pub(crate) fn order(
        &self,
        order: impl FnOnce(blocking::Sender<io::Result<()>>) -> Order,
    ) -> io::Result<()> {
        let (done, answer) = blocking::channel();
        let gone = || io::Error::other("the provider has stopped");
        self.orders
            .as_ref()
            .ok_or_else(gone)?
            .send(order(done))
            .map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has shown itself as failing requests.
            let _ = thread.join();
        }
    }
}

struct Host {
    shared: Arc<Shared>,
    router: Router,
    address: SocketAddr,
    connections: JoinSet<()>,
}

impl Host {
    async fn run(mut self, listener: TcpListener, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut listener = Some(listener);
        loop {
            let may_accept = self.connections.len() < CONNECTIONS;
            tokio::select! {
                order = orders.recv() => match order {
                    None => return,
                    Some(Order::Shut(done)) => {
                        listener = None;
                        self.connections.shutdown().await;
                        let _ = done.send(Ok(()));
                    }
                    Some(Order::Open(done)) => {
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
        let service =
            service_fn(move |request| pipeline::answer(shared.clone(), router.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(stream), service);
        self.connections.spawn(async move {
            // Clients that leave and answers that are cut by a fault are daily bread here.
            let _ = connection.await;
        });
    }
}

/// Waits for ever while the door is shut. A failed accept (no file descriptors left) is tried
/// again once somebody may have hung up.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return never(std::future::pending().await);
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it answers wait for acknowledgements; with an error they only come later.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn never<T>(never: Infallible) -> T {
    match never {}
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A thousand connections, with both ends in one test process, need more than the usual 1,024
/// files. Where the limit cannot be raised, fewer are served.
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
