//! The proxy beside a bare reverse proxy: what it adds to a request to the same host.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Response;
use axum::routing::any;
use serde::{Deserialize, Serialize};
use serde_json::json;
use valetkey_tests::{Running, wait};

use crate::cpus::Cpus;
use crate::environment::{Environment, Sizes, connect};
use crate::load_client::{Connection, Latency, Load};
use crate::report::Report;
use crate::role::{self, Role};
use crate::statistics::Rounds;

/// Bytes of an answer.
const ANSWER: usize = 1024;

/// A process that passes every request on, or answers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Server {
    /// Answers at this address.
    Host(SocketAddr),
    /// Passes on to the address what comes in at the socket.
    ReverseProxy(PathBuf, SocketAddr),
}

/// The role of this process. Serves until it is killed.
pub(crate) fn serve(server: &Server) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        match server {
            Server::Host(address) => {
                let listener = tokio::net::TcpListener::bind(address).await;
                let answer = any(|| async { Bytes::from_static(&[b'x'; ANSWER]) });
                let router = Router::new().route("/answer", answer);
                axum::serve(listener.expect("a free port"), router).await
            }
            Server::ReverseProxy(socket, host) => {
                let listener = UnixListener::bind(socket).expect("a free socket");
                listener.set_nonblocking(true).expect("our own socket");
                let listener = tokio::net::UnixListener::from_std(listener);
                let client = reqwest::Client::builder().no_proxy().build();
                let (client, host) = (client.expect("a client"), *host);
                let pass = any(move |request: Request| pass_on(client.clone(), host, request));
                let router = Router::new().route("/answer", pass);
                axum::serve(listener.expect("it does not block"), router).await
            }
        }
        .expect("it serves until it is killed");
    });
}

async fn pass_on(client: reqwest::Client, host: SocketAddr, request: Request) -> Response<Body> {
    let url = format!("http://{host}{}", request.uri().path());
    let (parts, _no_body) = request.into_parts();
    let mut sent = client.request(parts.method, url);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
        sent = sent.header(name, value);
    }
    let received = sent.send().await.expect("the host answers");
    let mut response = Response::builder().status(received.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(received.headers());
    }
    let body = Body::new(reqwest::Body::from(received));
    response.body(body).expect("the host's own head")
}

/// One and sixteen requests at a time over kept connections.
pub(crate) fn beside_a_reverse_proxy(
    environment: &Environment,
    sizes: &Sizes,
    report: &mut Report,
) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a free port");
    let host = Running::start(&mut Role::Serve(Server::Host(address)).command());
    wait::until("the host", || std::net::TcpStream::connect(address).ok());
    let socket = environment.home().join("reverse-proxy.sock");
    let bare = Server::ReverseProxy(socket.clone(), address);
    let bare = Running::start(&mut Role::Serve(bare).command());
    wait::until("the reverse proxy", || UnixStream::connect(&socket).ok());
    connect(
        &environment.agent,
        environment.issuer(),
        "proxied",
        &json!([address.to_string()]),
    );
    let cpus = Cpus::all();
    for process in [host.id(), bare.id()] {
        cpus.apply_to(process);
    }
    let servers = [
        (&socket, "/answer"),
        (&environment.agent.socket, "/proxy/proxied/answer"),
    ];
    for callers in [1, 16] {
        let mut medians: [Rounds; 2] = Default::default();
        for _ in 0..sizes.rounds {
            for ((socket, path), medians) in servers.into_iter().zip(&mut medians) {
                let request = environment.home().join("proxied-request");
                let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                std::fs::write(&request, text).expect("our own folder");
                let latency: Latency = role::run(&Role::Load(Load {
                    socket: socket.clone(),
                    request,
                    callers,
                    calls: sizes.calls / 10,
                    connection: Connection::Kept,
                    cpus: cpus.to_string(),
                }));
                medians.push(latency.p50);
            }
        }
        let [bare, proxied] = medians;
        let what = format!("1 KiB through the proxy, {callers} at a time, p50");
        report.added(&what, &bare, &proxied, 1_000.0);
    }
}
