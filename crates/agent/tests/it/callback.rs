//! The callback listener over real TCP: deaf to everything but its answer.

use std::time::{Duration, Instant};

use crate::support::{Bench, LONG, authorize_url, authorized, free_port, seconds, visit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{SignInState, SignInView};
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter};

fn port_of(view: &SignInView) -> u16 {
    let url =
        Url::parse(view.redirect_uri.as_deref().expect("a browser comes back")).expect("a URL");
    url.port().expect("a port")
}

/// Sends these bytes and reads until the end.
async fn send(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("somebody listens");
    // A refusal may come before everything is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status_of(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status.parse().unwrap_or_default()
}

/// Path and query of the browser's way back.
async fn way_back(view: &SignInView) -> (u16, String) {
    let url = Url::parse(&authorized(view).await).expect("a URL");
    let query = url.query().expect("a query");
    (port_of(view), format!("{}?{query}", url.path()))
}

#[tokio::test]
async fn a_sign_in_does_not_begin_where_somebody_else_would_get_the_code() {
    let bench = Bench::start().await;
    // A machine without IPv6 has nobody else there.
    let Ok(other) = std::net::TcpListener::bind("[::1]:0") else {
        return;
    };
    let port = other.local_addr().expect("an address").port();
    let redirect_uri = format!("http://localhost:{port}/callback");
    bench
        .add("exact", json!({ "redirect_uri": redirect_uri }))
        .await;
    let refused = bench.begin_as("exact", None).await;
    assert!(
        matches!(refused, Err(AgentError::Conflict { .. })),
        "{refused:?}"
    );
    drop(other);
    bench.begin_as("exact", None).await.expect("free now");
}

#[tokio::test]
async fn strangers_get_a_page_and_end_nothing() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let (port, target) = way_back(&view).await;
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let forged = target.replace("state=", "state=x");
    let stateless = target.replace("state=", "other=");
    let doubled = format!("{target}&state=x");
    let elsewhere = target.replace("/callback", "/callback/");
    let strangers = [
        (format!("GET {elsewhere} HTTP/1.1\r\n{host}"), 400),
        (format!("GET / HTTP/1.1\r\n{host}"), 404),
        (format!("GET /favicon.ico HTTP/1.1\r\n{host}"), 404),
        (
            format!("POST {target} HTTP/1.1\r\n{host}Content-Length: 0\r\n"),
            405,
        ),
        (format!("HEAD {target} HTTP/1.1\r\n{host}"), 405),
        (format!("OPTIONS {target} HTTP/1.1\r\n{host}"), 405),
        (
            format!("GET {target} HTTP/1.1\r\nHost: evil.example:{port}\r\n"),
            421,
        ),
        (format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n"), 421),
        (
            format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n"),
            421,
        ),
        (format!("GET {target} HTTP/1.1\r\n{host}{host}"), 421),
        (format!("GET {target} HTTP/1.1\r\n"), 421),
        (format!("GET {forged} HTTP/1.1\r\n{host}"), 400),
        (format!("GET {stateless} HTTP/1.1\r\n{host}"), 404),
        (format!("GET {doubled} HTTP/1.1\r\n{host}"), 404),
        (format!("GET /callback HTTP/1.1\r\n{host}"), 404),
        (format!("GET /callback?state=x HTTP/1.1\r\n{host}"), 404),
        ("\x16\x03\x01\x02\x00\x01\r\n".to_owned(), 400),
    ];
    for (head, expected) in strangers {
        let answer = send(port, format!("{head}\r\n").as_bytes()).await;
        assert_eq!(status_of(&answer), expected, "{head:?}: {answer}");
        let state = bench.agent.sign_in(view.id).unwrap().state;
        assert!(matches!(state, SignInState::Started), "{head:?}: {state:?}");
    }
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
    let real = format!("GET {target} HTTP/1.1\r\n{host}\r\n");
    assert_eq!(status_of(&send(port, real.as_bytes()).await), 200);
    let state = bench.finished(view.id).await;
    assert!(matches!(state, SignInState::Completed(_)), "{state:?}");
}

#[tokio::test]
async fn huge_heads_are_refused_and_the_real_answer_still_counts() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let (port, target) = way_back(&view).await;
    let padding = "x".repeat(1024 * 1024);
    let huge = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {padding}\r\n\r\n");
    assert_ne!(status_of(&send(port, huge.as_bytes()).await), 200);
    let long = format!("GET {target}&x={padding} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_ne!(status_of(&send(port, long.as_bytes()).await), 200);
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
    let real = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(status_of(&send(port, real.as_bytes()).await), 200);
}

/// Connections that say this and then nothing.
async fn silent(port: u16, count: usize, say: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        let mut stream = stream.expect("room in the queue");
        stream.write_all(say).await.expect("it is taken");
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn half_a_request_holds_up_nobody() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let half = format!(
        "GET /callback?code=x HTTP/1.1\r\nHost: 127.0.0.1:{}",
        port_of(&view)
    );
    let _held = silent(port_of(&view), 3, half.as_bytes()).await;
    let begun = Instant::now();
    assert_eq!(visit(authorize_url(&view)).await.0, 200);
    assert!(begun.elapsed() < seconds(4));
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::Completed(_)
    ));
}

#[tokio::test]
async fn five_hundred_silent_connections_do_not_hold_up_the_answer() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let _held = silent(port_of(&view), 500, b"").await;
    let begun = Instant::now();
    assert_eq!(visit(authorize_url(&view)).await.0, 200);
    assert!(begun.elapsed() < seconds(4), "{:?}", begun.elapsed());
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::Completed(_)
    ));
}

#[tokio::test]
async fn the_listener_is_gone_when_the_sign_in_is_over() {
    let bench = Bench::start().await;
    let (done, cancelled) = (bench.begin("demo").await, bench.begin("demo").await);
    visit(authorize_url(&done)).await;
    bench.finished(done.id).await;
    bench
        .agent
        .cancel_sign_in(cancelled.id, &crate::support::me())
        .await
        .unwrap();
    for view in [done, cancelled] {
        let closed = async {
            while TcpStream::connect(("127.0.0.1", port_of(&view)))
                .await
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, closed).await.expect("closed");
    }
}

#[tokio::test]
async fn a_replay_at_a_shared_port_changes_nothing() {
    let bench = Bench::start().await;
    let redirect = format!("http://127.0.0.1:{}/callback", free_port());
    bench
        .add("fixed", json!({ "redirect_uri": redirect }))
        .await;
    let (first, second) = (bench.begin("fixed").await, bench.begin("fixed").await);
    let back = authorized(&first).await;
    assert_eq!(visit(&back).await.0, 200);
    let (status, page) = visit(&back).await;
    assert_eq!(status, 400);
    assert!(page.contains("This sign-in is over"), "{page}");
    assert_eq!(bench.provider.count(Filter::exchanges()), 1);
    assert_eq!(visit(authorize_url(&second)).await.0, 200);
    assert!(matches!(
        bench.finished(second.id).await,
        SignInState::Completed(_)
    ));
}

#[tokio::test]
async fn the_page_shows_text_from_outside_harmlessly_and_tells_nobody() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    bench.provider.fault(Fault::at(
        Endpoint::Authorize,
        FaultKind::OauthError {
            error: "<b>bad</b>".to_owned(),
            description: Some("<script>alert('x')</script>".to_owned()),
            status: None,
        },
    ));
    let answer = reqwest::get(authorize_url(&view)).await.unwrap();
    let headers = answer.headers().clone();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    let policy = header("content-security-policy");
    for rule in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    let page = answer.text().await.unwrap();
    assert!(page.contains("Sign-in failed"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("alert('"), "{page}");
    assert!(!page.contains("http://"), "nothing from elsewhere: {page}");
}
