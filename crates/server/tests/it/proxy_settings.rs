//! What the person allows at a connection's proxy, and who may change it.

use http::Method;
use serde_json::{Value, json};
use valetkey_demo_provider::{Endpoint, Filter};

use crate::fixture::{key, program};
use crate::gateway::{Answer, Gateway};

const ECHO: &str = "/proxy/demo/api/echo";

#[tokio::test]
async fn a_connection_can_be_for_the_proxy_alone() {
    let gateway = Gateway::open(&[]).await;
    let fixture = &gateway.fixture;
    let path = "/credentials/connections/demo";
    let changed = fixture.patch(path, json!({ "proxy_only": true })).await;
    assert_eq!(changed.is(200)["proxy_only"], true);
    for action in ["token", "refresh"] {
        let refused = fixture.post(&format!("{path}/{action}"), json!({})).await;
        let detail = refused.refused(403, "proxy_only");
        assert!(
            detail["hint"]
                .as_str()
                .unwrap()
                .contains("valetkey proxy-url demo")
        );
    }
    assert_eq!(fixture.provider.count(Filter::refreshes()), 0);
    gateway.get(ECHO).await.is(200);
    fixture
        .app
        .token_for_person("demo", None)
        .await
        .unwrap_err();
    let off = Some(json!({ "proxy_only": false }));
    let manager = key(None, true);
    let refused = fixture
        .ask(&manager, Method::PATCH, path, off.clone())
        .await;
    refused.refused(403, "access_denied");
    fixture
        .ask(&program(), Method::PATCH, path, off)
        .await
        .is(200);
    gateway.token().await;
}

#[tokio::test]
async fn a_connection_can_be_for_reading_alone() {
    let gateway = Gateway::open(&[]).await;
    let fixture = &gateway.fixture;
    let path = "/credentials/connections/demo";
    let read_only = json!({ "allowed_methods": ["get", "HEAD"] });
    let manager = key(None, true);
    let changed = fixture
        .ask(&manager, Method::PATCH, path, Some(read_only))
        .await;
    assert_eq!(changed.is(200)["allowed_methods"], json!(["GET", "HEAD"]));
    gateway.get(ECHO).await.is(200);
    let url = format!("http://localhost{ECHO}");
    let sent = gateway.program().delete(&url).send().await.unwrap();
    let refused = Answer::read(sent).await;
    refused.problem(405, "may only be used with GET, HEAD; refused DELETE");
    assert_eq!(refused.headers["allow"], "GET, HEAD");
    let tunnelled = gateway
        .program()
        .get(&url)
        .header("x-http-method-override", "DELETE");
    let refused = Answer::read(tunnelled.send().await.unwrap()).await;
    refused.problem(400, "a header names another one");
    let switched = gateway
        .program()
        .get(&url)
        .header("connection", "upgrade")
        .header("upgrade", "websocket");
    let refused = Answer::read(switched.send().await.unwrap()).await;
    refused.problem(400, "a WebSocket has none");
    gateway.mcp(ECHO).await.json_rpc(-32012, "refused POST");
    for wider in [json!(["GET", "POST"]), Value::Null] {
        let more = Some(json!({ "allowed_methods": wider }));
        let refused = fixture.ask(&manager, Method::PATCH, path, more).await;
        refused.refused(403, "access_denied");
    }
    let bad = json!({ "allowed_methods": ["CONNECT"] });
    fixture
        .patch(path, bad)
        .await
        .refused(400, "invalid_request");
    assert_eq!(fixture.provider.count(Filter::from(Endpoint::Api)), 1);
}

#[tokio::test]
async fn other_hosts_are_not_a_keys_choice() {
    let gateway = Gateway::open(&["127.0.0.1:9"]).await;
    let fixture = &gateway.fixture;
    let (path, manager) = ("/oauth/authenticators/demo", key(None, true));
    let hosts = |hosts: Value| Some(json!({ "api_hosts": hosts }));
    let more = hosts(json!(["127.0.0.1:9", "evil.test"]));
    let refused = fixture
        .ask(&manager, Method::PATCH, path, more.clone())
        .await;
    refused.refused(403, "access_denied");
    let fewer = fixture
        .ask(&manager, Method::PATCH, path, hosts(json!(["127.0.0.1:9"])))
        .await;
    let saved = fewer.is(200);
    assert_eq!(saved["authenticator"]["api_hosts"], json!(["127.0.0.1:9"]));
    let program = program();
    fixture
        .ask(&program, Method::PATCH, path, more)
        .await
        .is(200);
    let view = fixture.get("/credentials/connections/demo").await.is(200);
    assert_eq!(view["api_hosts"], json!(["127.0.0.1:9", "evil.test"]));
}

#[tokio::test]
async fn a_key_for_other_connections_reaches_no_host() {
    let gateway = Gateway::open(&[]).await;
    gateway.fixture.add("other").await;
    gateway.fixture.connect("other").await;
    let request = json!({ "name": "narrow", "connections": ["other"] });
    let made = gateway.fixture.post("/clients", request).await.is(201);
    let narrow = made["key"].as_str().unwrap();
    for path in [ECHO, "/proxy/unknown/x"] {
        let sent = Gateway::tool().get(gateway.url(path)).bearer_auth(narrow);
        let refused = Answer::read(sent.send().await.unwrap()).await;
        refused.problem(403, "was not made for this connection");
    }
}
