//! Requests through the proxy that a host refuses for want of scopes, and the sign-in that helps.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::sync::Notify;
use valetkey_demo_provider::{Consent, Dialect, Filter, Settings};
use valetkey_server::listeners::Limits;

use crate::fixture::visit;
use crate::gateway::{Answer, Gateway, Host};
use crate::proxy_streams::token_of;

const NEEDS: &str = "/proxy/demo/api/echo?needs=files.read";
const DEMO: &str = "/credentials/connections/demo";

async fn needed(gateway: &Gateway) -> Value {
    gateway.fixture.get(DEMO).await.is(200)["needed_scopes"].clone()
}

/// Signs in with these scopes beside those that the connection has.
async fn sign_in(gateway: &Gateway, scopes: &[&str]) {
    let request = json!({ "authenticator": "demo", "scopes": scopes });
    let begun = gateway.fixture.post("/credentials/connections", request);
    let begun = begun.await.is(202);
    visit(begun["authorize_url"].as_str().unwrap()).await;
    let session = begun["session_id"].as_str().unwrap();
    let ended = format!("/credentials/sessions/{session}?wait=30");
    let ended = gateway.fixture.get(&ended).await.is(200);
    assert_eq!(ended["state"], "completed", "{ended:#}");
}

/// A host that refuses everything with this challenge, once it may answer.
async fn refusing(challenge: &'static str) -> (Host, Arc<Notify>, Arc<Notify>) {
    let (arrived, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (arrived.clone(), released.clone());
    let refuse = any(async move || {
        told.notify_one();
        wait.notified().await;
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        (StatusCode::FORBIDDEN, headers, "no")
    });
    (
        Host::start(Router::new().route("/x", refuse)).await,
        arrived,
        released,
    )
}

#[tokio::test]
async fn a_missing_scope_is_named_once_and_the_hosts_answer_kept() {
    let gateway = Gateway::open(&[]).await.with_links();
    for _ in 0..2 {
        let answer = gateway.get(NEEDS).await;
        assert_eq!(answer.is(403), json!({ "error": "insufficient_scope" }));
        assert_eq!(answer.headers["x-valet-key-missing-scopes"], "files.read");
        let link = answer.headers["x-valet-key-connect-url"].to_str().unwrap();
        assert!(link.starts_with(&gateway.url("/connect/")), "{link}");
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    let needed = needed(&gateway).await;
    assert_eq!(needed["scopes"], json!(["files.read"]), "{needed:#}");
    assert_eq!(needed["host"], gateway.provider_host());
    assert_eq!(needed["is_offered"], true);
    let events = gateway.events("connection.lacks_scopes", 1).await;
    assert_eq!(events.len(), 1, "once: {events:#?}");
    assert_eq!(events[0]["detail"]["scopes"], json!(["files.read"]));
    gateway.get("/proxy/demo/api/echo").await.is(200);
}

#[tokio::test]
async fn an_mcp_client_is_told_in_its_own_shape() {
    let gateway = Gateway::open(&[]).await.with_links();
    let answer = gateway.mcp(NEEDS).await;
    answer.json_rpc(-32013, "refused the request: `demo` lacks `files.read`");
    let error = answer.is(200)["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("valetkey connect demo --scopes files.read"),
        "{message}"
    );
    assert!(message.contains("/connect/"), "{message}");
    let data = &error["data"];
    assert_eq!(data["missing_scopes"], json!(["files.read"]));
    assert_eq!(data["host_status"], 403);
    assert_eq!(data["host_body"], "{\"error\":\"insufficient_scope\"}");
}

#[tokio::test]
async fn the_link_asks_for_what_is_missing_and_then_it_works() {
    let gateway = Gateway::open(&[]).await.with_links();
    let refused = gateway.get(NEEDS).await;
    let link = refused.headers["x-valet-key-connect-url"].to_str().unwrap();
    let page = visit(link).await;
    assert!(page.contains("<code>files.read</code>"), "{page}");
    assert!(page.contains("Reason given:"), "{page}");
    let clicked = reqwest::Client::new().post(link).send().await.unwrap();
    assert_eq!(clicked.status(), 200);
    gateway.events("connection.renewed", 1).await;
    gateway.get(NEEDS).await.is(200);
    assert_eq!(needed(&gateway).await, Value::Null);
    let view = gateway.fixture.get(DEMO).await.is(200);
    let scopes = view["scopes"].as_array().unwrap();
    assert!(scopes.contains(&json!("email")), "none is lost: {scopes:?}");
}

/// The token was refused as such, by a host that takes 401 for it.
#[tokio::test]
async fn a_token_is_not_refreshed_for_want_of_a_scope() {
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files.read\"";
    let refuse = any(async move || {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        (StatusCode::UNAUTHORIZED, headers, "no")
    });
    let host = Host::start(Router::new().route("/x", refuse)).await;
    let gateway = Gateway::open(&[&host.authority]).await.with_links();
    let answer = gateway
        .get(&format!("/proxy/demo/@{}/x", host.authority))
        .await;
    assert_eq!(answer.is(401), "no");
    assert_eq!(answer.headers["x-valet-key-missing-scopes"], "files.read");
    let refreshes = gateway.fixture.provider.count(Filter::refreshes());
    assert_eq!(refreshes, 0);
}

#[tokio::test]
async fn a_refusal_that_arrives_after_the_sign_in_opens_nothing() {
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"never.granted\"";
    let (host, arrived, released) = refusing(challenge).await;
    let gateway = Gateway::open(&[&host.authority]).await.with_links();
    let path = format!("/proxy/demo/@{}/x", host.authority);
    let (answer, ()) = tokio::join!(gateway.get(&path), async {
        arrived.notified().await;
        sign_in(&gateway, &["files.read"]).await;
        released.notify_one();
    });
    assert_eq!(answer.is(403), "no");
    assert!(!answer.headers.contains_key("x-valet-key-missing-scopes"));
    assert_eq!(needed(&gateway).await, Value::Null);

    // The next one is about the new login.
    released.notify_one();
    let answer = gateway.get(&path).await;
    assert_eq!(
        answer.headers["x-valet-key-missing-scopes"],
        "never.granted"
    );
    assert_eq!(needed(&gateway).await["scopes"], json!(["never.granted"]));
}

#[tokio::test]
async fn what_is_never_granted_is_not_asked_for_for_ever() {
    let settings = Settings {
        consent: Consent::Allow {
            account: "ada".to_owned(),
            scopes: Some(vec!["openid".to_owned(), "offline_access".to_owned()]),
        },
        ..Settings::auto_consent("ada")
    };
    let gateway = Gateway::with(settings, &[], Limits::default())
        .await
        .with_links();
    for tries in 0..3 {
        let answer = gateway.get(NEEDS).await;
        assert!(
            answer.headers.contains_key("x-valet-key-connect-url"),
            "{tries}"
        );
        assert_eq!(needed(&gateway).await["tries"], tries);
        sign_in(&gateway, &["files.read"]).await;
    }
    let answer = gateway.get(NEEDS).await;
    assert_eq!(answer.headers["x-valet-key-missing-scopes"], "files.read");
    assert!(!answer.headers.contains_key("x-valet-key-connect-url"));
    assert_eq!(needed(&gateway).await["is_offered"], false);
    gateway
        .mcp(NEEDS)
        .await
        .json_rpc(-32013, "3 sign-ins asked for it in vain");
    let events = gateway.events("connection.lacks_scopes", 1).await;
    assert_eq!(events.len(), 1, "told once: {events:#?}");
}

#[tokio::test]
async fn what_a_host_names_is_bounded_and_printable() {
    let (host, _, released) = refusing(
        "Bearer error=\"insufficient_scope\", scope=\"a b c d e f g h i j k l m n o p q r s t\"",
    )
    .await;
    let gateway = Gateway::open(&[&host.authority]).await.with_links();
    released.notify_one();
    let path = format!("/proxy/demo/@{}/x", host.authority);
    gateway.get(&path).await.is(403);
    let scopes = needed(&gateway).await["scopes"].clone();
    assert_eq!(scopes.as_array().unwrap().len(), 16, "{scopes}");
}

#[tokio::test]
async fn a_hosts_own_words_about_scopes_are_understood() {
    for (provider, dialect, status) in [
        ("github", Dialect::Github, 403),
        ("slack", Dialect::Slack, 200),
    ] {
        let gateway = Gateway::open(&[]).await.with_links();
        let fixture = &gateway.fixture;
        fixture
            .provider
            .update(|settings| settings.dialect = dialect);
        let mut draft = fixture.draft(provider);
        draft["authenticator_type"] = json!(provider);
        draft["client_id"] = json!("demo-confidential");
        draft["client_secret"] = json!("demo-secret");
        draft["scopes"] = json!(["users:read"]);
        draft["redirect_uri"] = json!("http://127.0.0.1/callback");
        if dialect == Dialect::Slack {
            draft["redirect_uri"] = json!("http://localhost/callback");
        }
        draft["api_hosts"] = json!([gateway.provider_host()]);
        fixture.post("/oauth/authenticators", draft).await.is(201);
        fixture.connect(provider).await;
        let path = format!("/proxy/{provider}/api/echo?needs=chat:write");
        let answer = gateway.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:#?}");
        assert_eq!(answer.headers["x-valet-key-missing-scopes"], "chat:write");
        assert!(!answer.text.is_empty(), "the host's own body");
    }
}

#[tokio::test]
async fn a_host_cannot_set_the_headers_of_a_missing_scope() {
    let forge = any(async || {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-valet-key-connect-url",
            "https://evil.test/".parse().unwrap(),
        );
        (headers, "yes")
    });
    let host = Host::start(Router::new().route("/x", forge)).await;
    let gateway = Gateway::open(&[&host.authority]).await.with_links();
    let answer: Answer = gateway
        .get(&format!("/proxy/demo/@{}/x", host.authority))
        .await;
    answer.is(200);
    assert!(!answer.headers.contains_key("x-valet-key-connect-url"));
}

/// An answer that says that `scopes` are missing.
fn lacks(scopes: &str, body: String) -> (StatusCode, HeaderMap, String) {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"");
    let mut headers = HeaderMap::new();
    headers.insert("www-authenticate", challenge.parse().unwrap());
    (StatusCode::FORBIDDEN, headers, body)
}

#[tokio::test]
async fn a_token_named_as_a_scope_or_cut_off_is_masked() {
    let only = any(async |request: Request| lacks(&token_of(&request), "no".to_owned()));
    let among = any(async |request: Request| {
        let token = token_of(&request);
        let cut_off = &token[..token.len() - 1];
        lacks(
            &format!("{token} files.read x:{token} {cut_off}"),
            token.clone(),
        )
    });
    let in_body = any(async |request: Request| {
        let token = token_of(&request);
        lacks(
            "files.write",
            format!("filler {}", &token[..token.len() - 1]),
        )
    });
    let router = Router::new()
        .route("/only", only)
        .route("/among", among)
        .route("/body", in_body);
    let host = Host::start(router).await;
    let gateway = Gateway::open(&[&host.authority]).await.with_links();
    let path = |rest: &str| format!("/proxy/demo/@{}{rest}", host.authority);
    let token = gateway.token().await;
    let beginning = &token[..token.len() - 1];

    let only = gateway.get(&path("/only")).await;
    assert_eq!(only.is(403), "no");
    let known = needed(&gateway).await;
    let among = gateway.get(&path("/among")).await;
    let told = gateway.mcp(&path("/among")).await;
    let in_body = gateway.mcp(&path("/body")).await;
    let events = gateway.events("connection.lacks_scopes", 2).await;
    for shown in [
        format!("{only:?}"),
        format!("{known}"),
        format!("{among:?}"),
        format!("{told:?}"),
        format!("{in_body:?}"),
        format!("{}", needed(&gateway).await),
        format!("{events:?}"),
    ] {
        assert!(!shown.contains(beginning), "{shown}");
    }
    assert_eq!(known, Value::Null);
    assert_eq!(among.headers["x-valet-key-missing-scopes"], "files.read");
    told.json_rpc(-32013, "lacks `files.read`");
    in_body.json_rpc(-32013, "lacks `files.write`");
    let masked = format!("filler {}{}", &token[..8], "*".repeat(token.len() - 9));
    assert_eq!(in_body.is(200)["error"]["data"]["host_body"], masked);
    assert_eq!(events.len(), 2, "{events:#?}");
    let scrubbed = gateway.events("proxy.scrubbed", 4).await;
    assert_eq!(scrubbed.len(), 4, "one for each answer");
}
