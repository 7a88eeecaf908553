//! Requests to the hosts of a connection, with its token added on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::Method;
use serde_json::json;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, RefreshTokens, Settings};
use valetkey_server::listeners::Limits;

use crate::fixture::Fixture;
use crate::gateway::{Answer, Gateway, Host};

const ECHO: &str = "/proxy/demo/api/echo";

#[tokio::test]
async fn the_token_is_added_and_all_other_credentials_stay_here() {
    let gateway = Gateway::open(&[]).await;
    let sent = Gateway::tool()
        .put(gateway.url("/proxy/demo/api/echo?a=b%20c&token=true"))
        .header("x-valet-key", &gateway.key)
        .header("authorization", "Bearer of-the-tool")
        .header("cookie", "a=b")
        .header("x-forwarded-host", "evil.test")
        .header("x-api-version", "2")
        .body("hello");
    let answer = Answer::read(sent.send().await.unwrap()).await;
    let arrived = answer.is(200);
    assert_eq!(arrived["method"], "PUT");
    assert_eq!(arrived["path"], "/api/echo");
    assert_eq!(arrived["query"], "a=b%20c&token=true");
    assert_eq!(arrived["body"], "hello");
    let headers = arrived["headers"].as_object().unwrap();
    assert_eq!(headers["host"], gateway.provider_host());
    assert_eq!(headers["x-api-version"], "2");
    assert_eq!(headers["accept-encoding"], "identity");
    assert!(
        headers["authorization"]
            .as_str()
            .unwrap()
            .starts_with("Bearer ***")
    );
    for dropped in ["cookie", "x-valet-key", "x-forwarded-host"] {
        assert!(!headers.contains_key(dropped), "{dropped}");
    }
    assert!(!answer.text.contains("vk_") && !answer.text.contains("of-the-tool"));
    let event = &gateway.events("proxy.request", 1).await[0];
    assert_eq!(event["connection"], "demo");
    assert_eq!(event["actor"]["name"], "tool");
    let detail = &event["detail"];
    assert_eq!(detail["path"], "/api/echo", "no query");
    assert_eq!(detail["method"], "PUT");
    assert_eq!(detail["host"], gateway.provider_host());
    assert_eq!(detail["status"], 200);
}

#[tokio::test]
async fn a_tool_sends_its_key_as_it_can() {
    let gateway = Gateway::open(&[]).await;
    let url = gateway.url(ECHO);
    let basic = Gateway::tool()
        .get(&url)
        .basic_auth("x", Some(&gateway.key));
    let bearer = Gateway::tool().get(&url).bearer_auth(&gateway.key);
    let own = Gateway::tool()
        .get(&url)
        .header("x-valet-key", &gateway.key);
    for request in [basic, bearer, own] {
        Answer::read(request.send().await.unwrap()).await.is(200);
    }
    let wrong = Gateway::tool().get(&url).bearer_auth("vk_wrong");
    let none = Gateway::tool().get(&url);
    for request in [wrong, none] {
        let refused = Answer::read(request.send().await.unwrap()).await;
        refused.problem(401, "client key");
    }
}

#[tokio::test]
async fn only_the_hosts_of_the_connection_are_reached() {
    let other = Router::new().route("/x", any(|| async { "other" }));
    let (other, stranger) = (Host::start(other.clone()).await, Host::start(other).await);
    let gateway = Gateway::open(&[&other.authority]).await;
    let named = |host: &str| format!("/proxy/demo/@{host}/x");
    let answer = gateway.get(&named(&other.authority)).await;
    assert_eq!(answer.is(200), "other");
    let refused = gateway.get(&named(&stranger.authority)).await;
    let words = format!("refused `{}`", stranger.authority);
    refused.problem(421, &words);
    gateway
        .mcp(&named(&stranger.authority))
        .await
        .json_rpc(-32012, &words);
    // The second refusal is counted.
    let events = gateway.events("proxy.request", 2).await;
    let refused = events
        .iter()
        .find_map(|event| event["detail"]["why"].as_str());
    assert!(refused.unwrap().contains(&words));

    gateway.fixture.add("bare").await;
    gateway.fixture.connect("bare").await;
    let nowhere = gateway.get("/proxy/bare/x").await;
    nowhere.problem(421, "no host is known");
    gateway
        .get("/proxy/nothing/x")
        .await
        .problem(404, "there is no connection `nothing`");
}

#[tokio::test]
async fn tokens_are_neither_issued_nor_revoked_through_the_proxy() {
    let gateway = Gateway::open(&[]).await;
    let before = gateway.fixture.provider.requests(Filter::all()).len();
    for path in [
        "/token",
        "/token/",
        "//token",
        "/TOKEN",
        "/%74oken",
        "/token;x=1",
        "/revoke?a=b",
        "/authorize",
    ] {
        for method in [Method::GET, Method::POST] {
            let url = format!("http://localhost/proxy/demo{path}");
            let sent = gateway.program().request(method, url).send().await.unwrap();
            Answer::read(sent)
                .await
                .problem(404, "issues or revokes tokens");
        }
    }
    let after = gateway.fixture.provider.requests(Filter::all()).len();
    assert_eq!(after, before);
}

#[tokio::test]
async fn redirects_are_not_followed_and_stay_within_the_proxy() {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let stranger = any(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "reached" }
    });
    let stranger = Host::start(Router::new().route("/x", stranger)).await;
    let gateway = Gateway::open(&[]).await;
    let redirect = |to: &str| format!("/proxy/demo/api/redirect?to={to}");
    let own = gateway.get(&redirect("/api/echo?a=1")).await;
    own.is(302);
    assert_eq!(own.headers["location"], "/proxy/demo/api/echo?a=1");
    let followed = gateway.get(own.headers["location"].to_str().unwrap()).await;
    assert_eq!(followed.is(200)["query"], "a=1");
    let foreign = format!("http://{}/x", stranger.authority);
    let passed = gateway.get(&redirect(&foreign)).await;
    passed.is(302);
    assert_eq!(passed.headers["location"], foreign.as_str());
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_and_the_request_sent_again() {
    let gateway = Gateway::open(&[]).await;
    let provider = &gateway.fixture.provider;
    provider.expire_access_tokens();
    let url = format!("http://localhost{ECHO}");
    let sent = gateway.program().post(&url).body("once").send();
    assert_eq!(
        Answer::read(sent.await.unwrap()).await.is(200)["body"],
        "once"
    );
    assert_eq!(provider.count(Filter::refreshes()), 1);
    gateway.get(ECHO).await.is(200);
    assert_eq!(provider.count(Filter::refreshes()), 1);
}

/// What was allowed once is one request, however often it is sent.
#[tokio::test]
async fn an_answer_for_one_request_covers_its_retry() {
    let gateway = Gateway::over(Fixture::ruled().await, &[], Limits::default()).await;
    gateway.get(ECHO).await.problem(503, "no rule allows");
    let asked = gateway.fixture.get("/approvals").await.is(200);
    let path = format!("/approvals/{}/answer", asked["approvals"][0]["id"]);
    let once = json!({ "verdict": "allow", "lasts": "once" });
    gateway.fixture.post(&path, once).await.is(200);
    gateway.fixture.provider.expire_access_tokens();
    gateway.get(ECHO).await.is(200);
    assert_eq!(gateway.fixture.provider.count(Filter::refreshes()), 1);
    gateway.get(ECHO).await.problem(503, "no rule allows");
}

#[tokio::test]
async fn many_refused_requests_cause_one_refresh() {
    let gateway = Arc::new(Gateway::open(&[]).await);
    gateway.get(ECHO).await.is(200);
    gateway.fixture.provider.expire_access_tokens();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let gateway = Arc::clone(&gateway);
        requests.spawn(async move { gateway.get(ECHO).await.is(200) });
    }
    requests.join_all().await;
    assert_eq!(gateway.fixture.provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn a_large_request_is_not_kept_and_its_program_sends_it_again() {
    let gateway = Gateway::open(&[]).await;
    gateway.fixture.provider.expire_access_tokens();
    let url = format!("http://localhost{ECHO}");
    let large = || {
        gateway
            .program()
            .post(&url)
            .body(vec![b'x'; 100_000])
            .send()
    };
    let refused = Answer::read(large().await.unwrap()).await;
    refused.problem(503, "there is a new one now");
    assert_eq!(refused.headers["retry-after"], "0");
    Answer::read(large().await.unwrap()).await.is(200);
    assert_eq!(gateway.fixture.provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn a_host_that_refuses_every_token_does_not_refresh_for_ever() {
    let gateway = Gateway::open(&[]).await;
    let provider = &gateway.fixture.provider;
    provider.fault(Fault::at(Endpoint::Api, FaultKind::status(401)).forever());
    for _ in 0..3 {
        let refused = gateway.get(ECHO).await;
        refused.problem(503, "does not take the token of `demo`");
    }
    gateway
        .mcp(ECHO)
        .await
        .json_rpc(-32010, "does not take the token");
    assert_eq!(provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn a_login_without_a_refresh_token_outlives_a_refusal() {
    let settings = Settings {
        refresh_tokens: RefreshTokens::Never,
        ..Settings::auto_consent("ada")
    };
    let gateway = Gateway::with(settings, &[], Limits::default()).await;
    let provider = &gateway.fixture.provider;
    provider.fault(Fault::at(Endpoint::Api, FaultKind::status(401)));
    let refused = gateway.get(ECHO).await;
    refused.problem(503, "does not take the token");
    gateway.get(ECHO).await.is(200);
}

#[tokio::test]
async fn what_an_mcp_client_is_told_takes_its_own_shape() {
    let gone = Host::start(Router::new()).await.authority;
    let gateway = Gateway::open(&[&gone]).await;
    let closed = format!("/proxy/demo/@{}/x", "127.0.0.1:1");
    gateway
        .mcp(&closed)
        .await
        .json_rpc(-32012, "may only be used with");
    gateway.fixture.post("/pause", json!({})).await.is(200);
    gateway.mcp(ECHO).await.json_rpc(-32015, "paused");
    gateway.get(ECHO).await.problem(503, "paused");
    gateway.fixture.post("/resume", json!({})).await.is(200);
    let dead = Fault::refresh(FaultKind::oauth_error("invalid_grant")).forever();
    gateway.fixture.provider.fault(dead);
    let path = "/credentials/connections/demo/refresh";
    gateway.fixture.post(path, json!({})).await.is(409);
    gateway
        .mcp(ECHO)
        .await
        .json_rpc(-32010, "needs you to sign in again");
    gateway
        .get(ECHO)
        .await
        .problem(503, "valetkey connect demo");
}

#[tokio::test]
async fn an_unreachable_host_is_told_with_when_to_try_again() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().to_string();
    drop(free);
    let gateway = Gateway::open(&[&nobody]).await;
    let path = format!("/proxy/demo/@{nobody}/x");
    let answer = gateway.get(&path).await;
    answer.problem(503, "cannot connect to 127.0.0.1");
    assert!(answer.headers.contains_key("retry-after"));
    gateway.mcp(&path).await.json_rpc(-32014, "cannot connect");
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_all_answered() {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: files.maximum,
        ..files
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let limits = Limits {
        max_connections: 2_000,
        ..Limits::default()
    };
    let gateway = Gateway::with(Settings::auto_consent("ada"), &[], limits).await;
    let program = gateway.program();
    let mut requests = tokio::task::JoinSet::new();
    for n in 0..1_000 {
        let request = program.get(format!("http://localhost{ECHO}?n={n}"));
        requests.spawn(async move {
            let answer = Answer::read(request.send().await.unwrap()).await;
            assert_eq!(answer.is(200)["query"], format!("n={n}"));
        });
    }
    requests.join_all().await;
    gateway.events("proxy.request", 1_000).await;
}

#[tokio::test]
async fn bytes_pass_as_they_are() {
    let body: Bytes = (0..=255).cycle().take(300_000).collect::<Vec<u8>>().into();
    let host = Host::start(Router::new().route("/x", any(|body: Bytes| async { body }))).await;
    let gateway = Gateway::open(&[&host.authority]).await;
    let url = format!("http://localhost/proxy/demo/@{}/x", host.authority);
    let sent = gateway
        .program()
        .post(url)
        .body(body.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(sent.content_length(), Some(300_000));
    assert_eq!(sent.bytes().await.unwrap(), body);
}
