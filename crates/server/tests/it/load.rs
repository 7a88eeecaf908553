//! Many at once, and some of them slow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use valetkey_demo_provider::{Fault, Filter, Settings};
use valetkey_server::Server;
use valetkey_server::agent_lock::AgentLock;

use crate::fixture::{Fixture, TIMEOUT};
use crate::gateway::Host;

struct Open {
    fixture: Fixture,
    socket: PathBuf,
    port: u16,
    _serving: JoinHandle<()>,
    _lock: AgentLock,
}

async fn open(settings: Settings) -> Open {
    let fixture = Fixture::with(settings).await;
    fixture.add("demo").await;
    fixture.connect("demo").await;
    let lock = AgentLock::take(fixture.app.home()).unwrap();
    let server = Server::bind(&fixture.app, &lock, 0).unwrap();
    let socket = server.endpoint().socket.clone();
    let port = server.endpoint().port.unwrap();
    let app = fixture.app.clone();
    Open {
        fixture,
        socket,
        port,
        _serving: tokio::spawn(async move { server.serve(&app).await }),
        _lock: lock,
    }
}

async fn token(socket: &Path, connection: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST /api/v1/credentials/connections/{connection}/token HTTP/1.1\r\nHost: valetkey\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    let read = stream.read_to_string(&mut reply);
    timeout(TIMEOUT, read).await.unwrap().unwrap();
    reply
}

#[tokio::test]
async fn a_thousand_callers_at_expiry_make_one_request_and_are_all_served() {
    let short = Settings {
        access_token_lifetime_seconds: Some(300.0),
        ..Settings::auto_consent("ada")
    };
    let open = open(short).await;
    open.fixture
        .provider
        .update(|settings| settings.access_token_lifetime_seconds = Some(3_600.0));
    let latch = open.fixture.provider.latch(Fault::refresh);
    let mut callers = JoinSet::new();
    for _ in 0..1_000 {
        let socket = open.socket.clone();
        // The old token will not live this long, the new one will.
        let body = r#"{"min_valid_seconds": 1800}"#;
        callers.spawn(async move { token(&socket, "demo", body).await });
    }
    latch.release();
    let mut tokens = std::collections::HashSet::new();
    while let Some(reply) = callers.join_next().await {
        let reply = reply.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        let body = reply.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        tokens.insert(body["access_token"].as_str().unwrap().to_owned());
    }
    assert_eq!(open.fixture.provider.count(Filter::refreshes()), 1);
    assert_eq!(tokens.len(), 1, "one answer for all");
    // Each of them is in the log, which is whole.
    let log = "/events?kind=token.served&limit=1000";
    let served = open.fixture.get(log).await.is(200);
    assert_eq!(served["events"].as_array().unwrap().len(), 1_000);
    let verified = open.fixture.post("/events/verify", json!({})).await;
    assert_eq!(verified.is(200)["intact"], true);
}

#[tokio::test]
async fn a_hanging_refresh_and_a_silent_crowd_slow_nobody_else() {
    let open = open(Settings::auto_consent("ada")).await;
    open.fixture.add("other").await;
    open.fixture.connect("other").await;
    let latch = open.fixture.provider.latch(Fault::refresh);
    let (fixture, path) = (&open.fixture, "/credentials/connections/other/refresh");
    let mut crowd = Vec::new();
    for _ in 0..500 {
        let mut silent = UnixStream::connect(&open.socket).await.unwrap();
        silent.write_all(b"POST /api/v1/cred").await.unwrap();
        crowd.push(silent);
    }
    let others = async {
        let began = Instant::now();
        for _ in 0..50 {
            let reply = token(&open.socket, "demo", "{}").await;
            assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        }
        let took = began.elapsed();
        latch.release();
        took
    };
    let (hanging, took) = tokio::join!(fixture.post(path, json!({})), others);
    hanging.is(200);
    assert!(took < Duration::from_secs(5), "50 tokens took {took:?}");
}

/// A host that answers once so many requests have come, or says after a while that they did not.
async fn crowded_host(count: usize) -> Host {
    let arrived = Arc::new(tokio::sync::Barrier::new(count));
    let answer = any(move || {
        let arrived = Arc::clone(&arrived);
        async move {
            let together = timeout(TIMEOUT, arrived.wait()).await.is_ok();
            if together { "all" } else { "alone" }
        }
    });
    Host::start(Router::new().route("/x", answer)).await
}

#[tokio::test]
async fn a_thousand_slow_requests_pass_the_proxy_side_by_side_at_each_listener() {
    const COUNT: usize = 1_000;
    let open = open(Settings::auto_consent("ada")).await;
    let fixture = &open.fixture;
    let made = fixture.post("/clients", json!({ "name": "tool" })).await;
    let key = made.is(201)["key"].as_str().unwrap().to_owned();
    for by_key in [true, false] {
        let host = crowded_host(COUNT).await;
        let hosts = json!({ "api_hosts": [host.authority] });
        fixture
            .patch("/oauth/authenticators/demo", hosts)
            .await
            .is(200);
        let mut requests = JoinSet::new();
        for _ in 0..COUNT {
            let (socket, port) = (open.socket.clone(), open.port);
            let head = format!(
                "GET /proxy/demo/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Valet-Key: {key}\r\n\
                 Connection: close\r\n\r\n"
            );
            requests.spawn(async move {
                if by_key {
                    reply(
                        TcpStream::connect(("127.0.0.1", port)).await.unwrap(),
                        &head,
                    )
                    .await
                } else {
                    reply(UnixStream::connect(socket).await.unwrap(), &head).await
                }
            });
        }
        while let Some(reply) = requests.join_next().await {
            let reply = reply.unwrap();
            assert!(
                reply.starts_with("HTTP/1.1 200") && reply.ends_with("all"),
                "{reply}"
            );
        }
    }
}

async fn reply(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    let read = stream.read_to_string(&mut reply);
    timeout(TIMEOUT * 2, read).await.unwrap().unwrap();
    reply
}

/// Whoever starts an agent meanwhile must not take this one for ready.
#[tokio::test]
async fn a_stopping_agent_removes_its_endpoint_before_its_socket() {
    let open = open(Settings::auto_consent("ada")).await;
    let latch = open.fixture.provider.latch(Fault::refresh);
    let mut busy = UnixStream::connect(&open.socket).await.unwrap();
    busy.write_all(
        b"POST /api/v1/credentials/connections/demo/refresh HTTP/1.1\r\nHost: valetkey\r\n\
          Content-Length: 0\r\n\r\n",
    )
    .await
    .unwrap();
    let provider = &open.fixture.provider;
    provider.arrived(Filter::refreshes(), 1).await;
    let endpoint = open.fixture.app.home().endpoint();
    assert!(endpoint.exists());
    open.fixture.app.stop().request();
    let removed = async {
        while open.socket.exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, removed).await.unwrap();
    assert!(!endpoint.exists(), "while a response is in progress");
    latch.release();
}
