//! Bodies and connections on their way through the proxy: nothing is collected, nothing cut, and no
//! token comes back.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use valetkey_demo_provider::Settings;
use valetkey_server::listeners::Limits;

use crate::fixture::TIMEOUT;
use crate::gateway::{Answer, Gateway, Host};

pub(crate) fn token_of(request: &Request) -> String {
    let value = request.headers()["authorization"].to_str().unwrap();
    value.strip_prefix("Bearer ").unwrap().to_owned()
}

/// Sends the token back in pieces, in a header and in the chosen encoding.
async fn reveal(request: Request) -> Response {
    let token = token_of(&request);
    let encoding = request.uri().query().unwrap_or_default().to_owned();
    let text = format!("<{token}> and {token}\n").into_bytes();
    let response = Response::builder().header("x-token", format!("it is {token}"));
    let encoded = match encoding.as_str() {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            encoder.write_all(&text).unwrap();
            encoder.into_inner()
        }
        "zstd" => zstd::encode_all(text.as_slice(), 1).unwrap(),
        _ => {
            let (mut sender, body) = Channel::<Bytes>::new(1);
            tokio::spawn(async move {
                for byte in text {
                    sender.send_data(Bytes::copy_from_slice(&[byte])).await.ok();
                }
            });
            return response.body(Body::new(body)).unwrap();
        }
    };
    let response = response.header("content-encoding", encoding);
    response.body(Body::from(encoded)).unwrap()
}

#[tokio::test]
async fn a_token_that_comes_back_is_masked_however_it_is_sent() {
    let router = Router::new().route("/x", any(reveal));
    let host = Host::start(router).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let mask = "*".repeat(gateway.token().await.len());
    let encodings = ["", "gzip", "deflate", "br", "zstd"];
    for encoding in encodings {
        let path = format!("/proxy/demo/@{}/x?{encoding}", host.authority);
        let answer = gateway.get(&path).await;
        assert_eq!(
            answer.is(200),
            format!("<{mask}> and {mask}\n"),
            "{encoding}"
        );
        assert_eq!(answer.headers["x-token"], format!("it is {mask}"));
        assert!(
            !answer.headers.contains_key("content-encoding"),
            "{encoding}"
        );
    }
    let events = gateway.events("proxy.scrubbed", encodings.len()).await;
    assert_eq!(events.len(), encodings.len(), "one for each answer");
    assert_eq!(events[0]["detail"]["host"], host.authority.as_str());
}

#[tokio::test]
async fn an_encoding_that_cannot_be_read_is_not_passed_on_wherever_it_is_named() {
    let answer = |status: http::StatusCode, codings: &[&'static str]| {
        let mut headers = http::HeaderMap::new();
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"files.read\"";
        headers.insert("www-authenticate", challenge.parse().unwrap());
        for coding in codings {
            headers.append("content-encoding", coding.parse().unwrap());
        }
        any(async move || (status, headers, "x"))
    };
    let unreadable: [&[&str]; 5] = [
        &["compress"],
        &["identity", "compress"],
        &["identity, compress"],
        &["", "Compress"],
        &["gzip, gzip"],
    ];
    for codings in unreadable {
        let router = Router::new()
            .route("/x", answer(http::StatusCode::OK, codings))
            .route("/lacks", answer(http::StatusCode::FORBIDDEN, codings));
        let host = Host::start(router).await;
        let gateway = Gateway::open(&[&host.authority]).await;
        let path = |rest: &str| format!("/proxy/demo/@{}{rest}", host.authority);
        let refused = gateway.get(&path("/x")).await;
        refused.problem(503, "cannot be read here");
        let refused = gateway.mcp(&path("/lacks")).await;
        refused.json_rpc(-32014, "cannot be read here");
    }
    let readable = answer(http::StatusCode::OK, &["identity", "Identity, identity"]);
    let host = Host::start(Router::new().route("/x", readable)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    assert_eq!(gateway.get(&path).await.is(200), "x");
}

#[tokio::test]
async fn a_head_of_a_compressed_answer_passes() {
    let head = any(|| async { ([("content-encoding", "gzip"), ("x-a", "b")], "") });
    let host = Host::start(Router::new().route("/x", head)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let url = format!("http://localhost/proxy/demo/@{}/x", host.authority);
    let answer = Answer::read(gateway.program().head(url).send().await.unwrap()).await;
    answer.is(200);
    assert_eq!(answer.headers["x-a"], "b");
}

/// Each event arrives before the next one is sent.
#[tokio::test]
async fn events_pass_one_by_one() {
    let (sender, body) = Channel::<Bytes>::new(1);
    let (sender, body) = (
        tokio::sync::Mutex::new(sender),
        Arc::new(Mutex::new(Some(body))),
    );
    let route = any(move || {
        let body = body.lock().unwrap().take().unwrap();
        async move { ([("content-type", "text/event-stream")], Body::new(body)) }
    });
    let host = Host::start(Router::new().route("/x", route)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let url = format!("http://localhost/proxy/demo/@{}/x", host.authority);
    let mut answer = gateway.program().get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for n in 0..3 {
        // The beginning of a token, too, does not wait for what may never come.
        let event = format!("data: {n}\n\n{}", &gateway.token().await[..5]);
        sender
            .lock()
            .await
            .send_data(event.clone().into())
            .await
            .unwrap();
        let mut arrived = Vec::new();
        while arrived.len() < event.len() {
            let chunk = timeout(TIMEOUT, answer.chunk()).await.unwrap().unwrap();
            arrived.extend(chunk.unwrap());
        }
        assert_eq!(String::from_utf8(arrived).unwrap(), event);
    }
}

fn short() -> Limits {
    Limits {
        idle_timeout: Duration::from_millis(200),
        write_timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// An answer of a known length that takes longer than a connection may be idle.
#[tokio::test]
async fn a_slow_answer_is_not_cut() {
    let slow = any(|| async {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                sender.send_data(Bytes::from_static(b"0123")).await.ok();
            }
        });
        ([("content-length", "16")], Body::new(body))
    });
    let host = Host::start(Router::new().route("/x", slow)).await;
    let gateway = Gateway::with(Settings::auto_consent("ada"), &[&host.authority], short()).await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    gateway.get(&path).await.is(200);
    let sent = Gateway::tool()
        .get(gateway.url(&path))
        .bearer_auth(&gateway.key);
    let answer = Answer::read(sent.send().await.unwrap()).await;
    assert_eq!(answer.text.len(), 16);
}

/// Switches to a protocol that repeats each line, with the token before it.
async fn repeat(mut request: Request) -> Response {
    assert_eq!(request.headers()["upgrade"], "websocket");
    assert!(!request.headers().contains_key("sec-websocket-extensions"));
    let token = token_of(&request);
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            stream
                .write_all(format!("{token} {line}").as_bytes())
                .await
                .ok();
        }
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", "x")
        .body(Body::empty())
        .unwrap()
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str, mask: &str) {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut read_until = async |end: &str, say: &str| {
        let mut buffer = [0; 4096];
        while !text.ends_with(end) {
            let read = timeout(TIMEOUT, stream.read(&mut buffer))
                .await
                .unwrap()
                .unwrap();
            assert_ne!(read, 0, "{text}");
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        let arrived = std::mem::take(&mut text);
        stream.write_all(say.as_bytes()).await.unwrap();
        arrived
    };
    let answer = read_until("\r\n\r\n", "one\n").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains("sec-websocket-accept: x"), "{answer}");
    assert_eq!(read_until("one\n", "").await, format!("{mask} one\n"));
    // Longer than the connection may be idle.
    tokio::time::sleep(Duration::from_millis(600)).await;
    read_until("", "two\n").await;
    assert_eq!(read_until("two\n", "").await, format!("{mask} two\n"));
}

#[tokio::test]
async fn web_sockets_pass_at_both_listeners_without_the_token() {
    let host = Host::start(Router::new().route("/x", any(repeat))).await;
    let gateway = Gateway::with(Settings::auto_consent("ada"), &[&host.authority], short()).await;
    let mask = "*".repeat(gateway.token().await.len());
    let head = |own: String| {
        format!(
            "GET /proxy/demo/@{}/x HTTP/1.1\r\n{own}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            host.authority
        )
    };
    converse(
        gateway.unix().await,
        &head("Host: valetkey\r\n".to_owned()),
        &mask,
    )
    .await;
    let own = format!(
        "Host: 127.0.0.1:{}\r\nX-Valet-Key: {}\r\n",
        gateway.port, gateway.key
    );
    converse(gateway.tcp().await, &head(own), &mask).await;
    gateway.events("proxy.scrubbed", 2).await;
}

#[tokio::test]
async fn a_protocol_that_nobody_asked_for_is_not_switched_to() {
    let switched = any(|| async {
        (
            http::StatusCode::SWITCHING_PROTOCOLS,
            [("upgrade", "x")],
            "",
        )
    });
    let host = Host::start(Router::new().route("/x", switched)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    gateway
        .get(&path)
        .await
        .problem(503, "which nobody asked for");
}

#[tokio::test]
async fn a_stopping_agent_ends_web_sockets() {
    let host = Host::start(Router::new().route("/x", any(repeat))).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let mut stream = gateway.unix().await;
    let head = format!(
        "GET /proxy/demo/@{}/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        host.authority
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    assert_ne!(stream.read(&mut buffer).await.unwrap(), 0);
    gateway.fixture.app.stop().request();
    let mut rest = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut rest))
        .await
        .expect("closed")
        .ok();
}

/// Peak of the memory in use, in KiB.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    peak.split_whitespace().nth(1).unwrap().parse().unwrap()
}

const LARGE: usize = 100 << 20;

#[tokio::test]
async fn a_hundred_megabytes_pass_both_ways_in_constant_memory() {
    let chunks = || {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            let chunk = Bytes::from(vec![b'x'; 64 << 10]);
            for _ in 0..LARGE / chunk.len() {
                if sender.send_data(chunk.clone()).await.is_err() {
                    return;
                }
            }
        });
        Body::new(body)
    };
    let count = any(|request: Request| async move {
        let mut body = request.into_body();
        let mut length = 0;
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
        }
        length.to_string()
    });
    let router = Router::new()
        .route("/up", count)
        .route("/down", any(move || async move { chunks() }));
    let host = Host::start(router).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let url = |path: &str| format!("http://localhost/proxy/demo/@{}{path}", host.authority);
    let program = gateway.program();
    program.get(url("/up")).send().await.unwrap();
    let before = peak_memory();
    let sent = program
        .post(url("/up"))
        .body(reqwest::Body::wrap(Sync(Mutex::new(chunks()))))
        .send();
    assert_eq!(sent.await.unwrap().text().await.unwrap(), LARGE.to_string());
    let mut received = program.get(url("/down")).send().await.unwrap();
    let mut length = 0;
    while let Some(chunk) = received.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert_eq!(length, LARGE);
    let grown = peak_memory() - before;
    println!("peak grew by {grown} KiB");
    assert!(grown < 24 << 10, "{grown} KiB");
}

/// The mutex is for the compiler: one task has the body.
struct Sync(Mutex<Body>);

impl hyper::body::Body for Sync {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        std::pin::Pin::new(self.0.get_mut().unwrap()).poll_frame(cx)
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let broken = any(|| async {
        let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
        tokio::spawn(async move {
            sender.send_data(Bytes::from_static(b"begin")).await.ok();
            sender.abort(std::io::ErrorKind::BrokenPipe.into());
        });
        Body::new(body)
    });
    let host = Host::start(Router::new().route("/x", broken)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let url = format!("http://localhost/proxy/demo/@{}/x", host.authority);
    let read = async { gateway.program().get(url).send().await?.bytes().await };
    read.await.unwrap_err();
}
