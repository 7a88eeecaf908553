//! Bound tokens at the proxy (RFC 9449, section 7): each request gets a proof of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use valetkey_demo_provider::{Dpop, Endpoint, Fault, FaultKind, Filter, Settings};
use valetkey_server::listeners::Limits;

use crate::fixture::Fixture;
use crate::gateway::{Answer, Gateway, Host};

const ME: &str = "/proxy/demo/api/me";

/// With a login that is bound to a key.
async fn gateway(hosts: &[&str]) -> Gateway {
    let settings = Settings {
        dpop: Dpop::Required,
        ..Settings::auto_consent("ada")
    };
    let fixture = Fixture::with(settings).await;
    Gateway::open_with(
        fixture,
        hosts,
        Limits::default(),
        json!({ "dpop": "required" }),
    )
    .await
}

fn claims(headers: &HeaderMap) -> Value {
    let proof = headers["dpop"].to_str().unwrap();
    let body = proof.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

fn api(gateway: &Gateway) -> Vec<Value> {
    let requests = gateway.fixture.provider.requests(Endpoint::Api);
    requests
        .iter()
        .map(|request| claims(&request.headers))
        .collect()
}

#[tokio::test]
async fn each_request_has_a_proof_of_its_own() {
    let gateway = gateway(&[]).await;
    gateway.get(&format!("{ME}?x=1")).await.is(200);
    let sent = gateway
        .program()
        .put("http://localhost/proxy/demo/api/echo?token=true")
        .header("dpop", "of.the.program")
        .body("hello");
    let answer = Answer::read(sent.send().await.unwrap()).await;
    let arrived = answer.is(200);
    let authorization = arrived["headers"]["authorization"].as_str().unwrap();
    assert!(authorization.starts_with("DPoP ***"), "{authorization}");
    let [get, put] = api(&gateway).try_into().unwrap();
    assert_eq!(get["htm"], "GET");
    assert_eq!(get["htu"], gateway.fixture.provider.url("/api/me"));
    assert_eq!(put["htm"], "PUT");
    assert_eq!(put["htu"], gateway.fixture.provider.url("/api/echo"));
    assert_ne!(get["jti"], put["jti"]);
    for proof in [get, put] {
        assert_eq!(proof["ath"].as_str().unwrap().len(), 43);
    }
}

#[tokio::test]
async fn the_token_itself_is_refused_with_the_way_that_takes_its_place() {
    let gateway = gateway(&[]).await;
    for path in ["token", "refresh"] {
        let path = format!("/credentials/connections/demo/{path}");
        let refused = gateway.fixture.post(&path, json!({})).await;
        let detail = refused.refused(403, "proxy_only");
        let words = format!("{detail:#}");
        assert!(
            words.contains("DPoP") && words.contains("proxy-url demo"),
            "{words}"
        );
    }
    let view = gateway.fixture.get("/credentials/connections/demo").await;
    assert_eq!(view.is(200)["proxy_only"], true);
}

#[tokio::test]
async fn a_host_that_wants_a_nonce_is_asked_once_more() {
    let gateway = gateway(&[]).await;
    let provider = &gateway.fixture.provider;
    provider.update(|settings| settings.dpop_nonce = Some("n1".to_owned()));
    let answer = gateway.get(ME).await;
    answer.is(200);
    assert!(!answer.headers.contains_key("dpop-nonce"), "{answer:?}");
    gateway.get(ME).await.is(200);
    provider.update(|settings| settings.dpop_nonce = Some("n2".to_owned()));
    gateway.mcp("/proxy/demo/api/echo").await.is(200);
    let nonces: Vec<Value> = api(&gateway)
        .into_iter()
        .map(|proof| proof["nonce"].clone())
        .collect();
    assert_eq!(
        nonces,
        [
            json!(null),
            json!("n1"),
            json!("n1"),
            json!("n1"),
            json!("n2")
        ]
    );
    assert_eq!(
        provider.count(Filter::refreshes()),
        0,
        "a nonce costs no token"
    );
}

#[tokio::test]
async fn a_body_that_streams_is_not_sent_twice() {
    let gateway = gateway(&[]).await;
    let provider = &gateway.fixture.provider;
    provider.update(|settings| settings.dpop_nonce = Some("n1".to_owned()));
    let large = || "x".repeat(100 * 1024);
    let send = || {
        let url = "http://localhost/proxy/demo/api/echo";
        gateway.program().post(url).body(large()).send()
    };
    let refused = Answer::read(send().await.unwrap()).await;
    refused.problem(503, "wants another nonce");
    assert!(
        refused.text.contains("send the request again"),
        "{refused:?}"
    );
    assert_eq!(refused.headers["retry-after"], "0");
    Answer::read(send().await.unwrap()).await.is(200);
}

#[tokio::test]
async fn a_host_that_always_wants_another_nonce_is_asked_twice() {
    let count = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&count);
    let hostile = Router::new().route(
        "/x",
        any(move || {
            let mut count = seen.lock().unwrap();
            *count += 1;
            let nonce = format!("n{count}");
            let headers = [
                ("dpop-nonce", nonce),
                (
                    "www-authenticate",
                    "DPoP error=\"use_dpop_nonce\"".to_owned(),
                ),
            ];
            std::future::ready((StatusCode::UNAUTHORIZED, headers).into_response())
        }),
    );
    let host = Host::start(hostile).await;
    let gateway = gateway(&[&host.authority]).await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    gateway
        .get(&path)
        .await
        .problem(503, "does not take the token");
    // Once with another nonce, and once with another token.
    assert_eq!(*count.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_hostile_nonce_is_not_taken_up() {
    let host = Host::start(Router::new().route(
        "/x",
        any(|| async {
            let headers = [
                ("dpop-nonce", "n".repeat(4000)),
                (
                    "www-authenticate",
                    "DPoP error=\"use_dpop_nonce\"".to_owned(),
                ),
            ];
            (StatusCode::UNAUTHORIZED, headers).into_response()
        }),
    ))
    .await;
    let gateway = gateway(&[&host.authority]).await;
    let path = format!("/proxy/demo/@{}/x", host.authority);
    gateway
        .get(&path)
        .await
        .problem(503, "does not take the token");
}

#[tokio::test]
async fn a_refused_bound_token_is_replaced_and_the_new_one_has_its_own_proof() {
    let gateway = gateway(&[]).await;
    let provider = &gateway.fixture.provider;
    provider.expire_access_tokens();
    gateway.get(ME).await.is(200);
    assert_eq!(provider.count(Filter::refreshes()), 1);
    let [first, second] = api(&gateway).try_into().unwrap();
    assert_ne!(first["ath"], second["ath"]);
}

#[tokio::test]
async fn a_request_during_a_refresh_gets_a_token_with_its_key() {
    let gateway = gateway(&[]).await;
    let provider = &gateway.fixture.provider;
    let latch = provider.latch(|latch| Fault::refresh(latch).after_processing());
    let refresh = gateway.fixture.app.agent().clone();
    let key = valetkey_agent::ConnectionKey::parse(
        "demo",
        valetkey_api::core::name::ProfileName::default(),
    )
    .unwrap();
    let refreshing = tokio::spawn(async move { refresh.renew(&key).await });
    provider.arrived(Filter::refreshes(), 1).await;
    gateway.get(ME).await.is(200);
    latch.release();
    refreshing.await.unwrap().unwrap();
    gateway.get(ME).await.is(200);
}

#[tokio::test]
async fn a_web_socket_handshake_carries_a_proof() {
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let host = Host::start(Router::new().route(
        "/ws",
        any(move |request: Request| {
            kept.lock().unwrap().push(request.headers().clone());
            std::future::ready(Response::new(axum::body::Body::empty()))
        }),
    ))
    .await;
    let gateway = gateway(&[&host.authority]).await;
    let url = format!("http://localhost/proxy/demo/@{}/ws?a=b", host.authority);
    let handshake = gateway
        .program()
        .get(url)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    Answer::read(handshake.send().await.unwrap()).await;
    let headers = seen.lock().unwrap().remove(0);
    assert!(
        headers["authorization"]
            .to_str()
            .unwrap()
            .starts_with("DPoP ")
    );
    let proof = claims(&headers);
    assert_eq!(proof["htm"], "GET");
    assert_eq!(proof["htu"], format!("http://{}/ws", host.authority));
}

#[tokio::test]
async fn an_echoed_bound_token_is_masked() {
    let gateway = gateway(&[]).await;
    let answer = gateway.get("/proxy/demo/api/echo?token=true").await;
    let secrets = gateway.fixture.provider.issued_secrets();
    for secret in secrets {
        assert!(!answer.text.contains(&secret), "{answer:?}");
        assert!(!format!("{:?}", answer.headers).contains(&secret));
    }
    assert_eq!(gateway.events("proxy.scrubbed", 1).await.len(), 1);
    let fault = FaultKind::status(500);
    gateway
        .fixture
        .provider
        .fault(Fault::at(Endpoint::Api, fault));
    gateway.get(ME).await.is(500);
}
