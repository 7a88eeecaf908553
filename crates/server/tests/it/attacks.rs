//! What a web page, or a host behind the proxy, tries at both listeners. Requests to the proxy that are
//! no honest ones are in `proxy_refusals`.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use http::{Method, StatusCode};
use reqwest::RequestBuilder;

use crate::gateway::{Answer, Gateway, Host};
use crate::proxy_refusals::say;

const TOKEN: &str = "/api/v1/credentials/connections/demo/token";

/// The same request at the socket, and at the loopback listener with a key.
fn at_both(gateway: &Gateway, method: &Method, path: &str) -> [RequestBuilder; 2] {
    let socket = gateway.program();
    let socket = socket.request(method.clone(), format!("http://localhost{path}"));
    let loopback = Gateway::tool().request(method.clone(), gateway.url(path));
    [socket, loopback.bearer_auth(&gateway.key)]
}

#[tokio::test]
async fn no_page_reaches_the_api() {
    let gateway = Gateway::open(&[]).await;
    for request in at_both(&gateway, &Method::POST, TOKEN) {
        let honest = Answer::read(request.send().await.unwrap()).await;
        honest.is(200);
    }
    for (name, value) in [
        ("origin", "http://evil.test"),
        ("origin", "https://localhost"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for request in at_both(&gateway, &Method::POST, TOKEN) {
            let sent = request.header(name, value).send().await.unwrap();
            let refused = Answer::read(sent).await;
            let body = refused.is(403);
            assert_eq!(body["detail"]["code"], "access_denied", "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn no_preflight_is_answered_with_leave() {
    let gateway = Gateway::open(&[]).await;
    for request in at_both(&gateway, &Method::OPTIONS, TOKEN) {
        let request = request.header("origin", "http://evil.test");
        let request = request.header("access-control-request-method", "POST");
        let refused = Answer::read(request.send().await.unwrap()).await;
        refused.is(403);
        let mut names = refused.headers.keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
    }
}

#[tokio::test]
async fn other_names_of_a_path_lead_to_no_route() {
    let gateway = Gateway::open(&[]).await;
    let own = format!("127.0.0.1:{}", gateway.port);
    for line in [
        "GET /api/v1/oauth/../status HTTP/1.1",
        "GET /api/v1/%2e%2e/v1/status HTTP/1.1",
        "GET /api/v1/oauth/..%2fstatus HTTP/1.1",
        "GET //api/v1/status HTTP/1.1",
        "GET /api/v1//status HTTP/1.1",
        "GET http://evil.test/api/v1/status HTTP/1.1",
        "CONNECT evil.test:443 HTTP/1.1",
        "CONNECT /api/v1/status HTTP/1.1",
    ] {
        let rest = format!(
            "Host: {own}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            gateway.key
        );
        let request = format!("{line}\r\n{rest}");
        for reply in [
            say(gateway.unix().await, &request).await,
            say(gateway.tcp().await, &request).await,
        ] {
            let status = reply.split(' ').nth(1).unwrap_or_default();
            assert!(
                ["400", "403", "404", "405"].contains(&status),
                "{line}: {reply}"
            );
        }
    }
}

#[tokio::test]
async fn a_host_that_redirects_or_echoes_gains_nothing_at_either_listener() {
    let echo = any(|request: Request| async move {
        let sent = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        let away = [("location", "http://127.0.0.2:9/x")];
        (StatusCode::FOUND, away, sent)
    });
    let host = Host::start(Router::new().route("/x", echo)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let token = gateway.token().await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    for request in at_both(&gateway, &Method::GET, &path) {
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.is(302);
        assert_eq!(answer.text, format!("Bearer {}", "*".repeat(token.len())));
        assert_eq!(answer.headers["location"], "http://127.0.0.2:9/x");
    }
}

/// What a program asks of a host that serves parts of what it echoes.
#[tokio::test]
async fn an_echoed_token_cannot_be_read_in_pieces() {
    let echo = any(|request: Request| async move {
        let header = |name| request.headers().get(name)?.to_str().ok();
        let whole = header("authorization").unwrap().to_owned();
        let range = header("range").or_else(|| header("request-range"));
        let range = range.map(str::to_ascii_lowercase);
        let range = range.and_then(|it| it.strip_prefix("bytes=").map(str::to_owned));
        let Some((from, to)) = range.as_deref().and_then(|it| it.split_once('-')) else {
            return (StatusCode::OK, whole);
        };
        let to = to.parse().unwrap_or(whole.len() - 1);
        let part = &whole[from.parse().unwrap()..=to];
        (StatusCode::PARTIAL_CONTENT, part.to_owned())
    });
    let host = Host::start(Router::new().route("/x", echo)).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let masked = format!("Bearer {}", "*".repeat(gateway.token().await.len()));
    let path = format!("/proxy/demo/@{}/x", host.authority);
    for (name, value) in [
        ("range", "bytes=0-19"),
        ("range", "bytes=20-"),
        ("Range", "Bytes=7-14"),
        ("request-range", "bytes=0-19"),
    ] {
        for request in at_both(&gateway, &Method::GET, &path) {
            let request = request.header(name, value).header("if-range", "\"1\"");
            let answer = Answer::read(request.send().await.unwrap()).await;
            assert_eq!(answer.text, masked, "{name}: {value}");
            answer.is(200);
        }
    }
}
