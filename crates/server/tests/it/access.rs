//! Who may ask what, at the routes themselves.

use http::{Method, Request};
use serde_json::{Value, json};
use valetkey_server::caller::Caller;

use crate::fixture::{Fixture, key};

const TOKEN: &str = "/credentials/connections/demo/token";

#[tokio::test]
async fn every_documented_operation_is_there_and_nobodys_request_is_refused() {
    let fixture = Fixture::new().await;
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "patch", "delete"] {
            if item.get(method).is_none() {
                continue;
            }
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000001");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request = Request::builder().method(method).uri(&path);
            let reply = fixture
                .send(request.body(axum::body::Body::empty()).unwrap())
                .await;
            reply.refused(401, "unauthorized");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} operations");
}

#[tokio::test]
async fn the_window_never_sees_a_token() {
    let fixture = Fixture::connected().await;
    for action in ["token", "refresh"] {
        let path = format!("/credentials/connections/demo/{action}");
        let reply = fixture
            .ask(&Caller::Window, Method::POST, &path, None)
            .await;
        reply.refused(403, "access_denied");
    }
    let report = json!({ "fingerprint": "00" });
    let path = "/credentials/connections/demo/invalidate";
    let reply = fixture
        .ask(&Caller::Window, Method::POST, path, Some(report))
        .await;
    reply.refused(403, "access_denied");
    let path = "/credentials/connections";
    let list = fixture
        .ask(&Caller::Window, Method::GET, path, None)
        .await
        .is(200);
    assert_eq!(list["connections"][0]["name"], "demo");
}

#[tokio::test]
async fn a_key_opens_its_connections_and_nothing_else() {
    let fixture = Fixture::connected().await;
    fixture.add("other").await;
    fixture.connect("other").await;
    let other = fixture.id_of("other").await;
    let ci = fixture.key_for("other", &other).await;
    let ask = |method, path: &'static str| fixture.ask(&ci, method, path, None);

    ask(Method::POST, "/credentials/connections/other/token")
        .await
        .is(200);
    let list = ask(Method::GET, "/credentials/connections").await.is(200);
    assert_eq!(list["connections"].as_array().unwrap().len(), 1);
    ask(Method::GET, "/credentials/connections/other")
        .await
        .is(200);

    ask(Method::POST, TOKEN).await.refused(403, "access_denied");
    let unknown = "/credentials/connections/unknown";
    ask(Method::GET, unknown)
        .await
        .refused(403, "access_denied");
    for (method, path) in [
        (Method::DELETE, "/credentials/connections/other"),
        (Method::GET, "/oauth/authenticators"),
        (Method::GET, "/events"),
        (Method::GET, "/status"),
        (Method::GET, "/settings"),
        (Method::POST, "/pause"),
        (Method::POST, "/shutdown"),
        (Method::GET, "/clients"),
        (Method::POST, "/clients"),
    ] {
        ask(method, path).await.refused(403, "access_denied");
    }
    ask(Method::GET, "/openapi.json").await.is(200);
}

#[tokio::test]
async fn a_key_that_manages_still_gets_only_its_own_tokens_and_no_keys() {
    let fixture = Fixture::connected().await;
    let ci = key(Some(&[]), true);
    let ask = |method, path: &'static str| fixture.ask(&ci, method, path, None);
    ask(Method::GET, "/oauth/authenticators").await.is(200);
    let list = ask(Method::GET, "/credentials/connections").await.is(200);
    assert_eq!(list["connections"].as_array().unwrap().len(), 1);
    ask(Method::POST, TOKEN).await.refused(403, "access_denied");
    ask(Method::GET, "/clients")
        .await
        .refused(403, "access_denied");
    let command = json!({ "browser": "/tmp/evil" });
    let set = fixture
        .ask(&ci, Method::PATCH, "/settings", Some(command))
        .await;
    set.refused(403, "access_denied");
    ask(Method::DELETE, "/credentials/connections/demo?force=true")
        .await
        .is(200);
}

#[tokio::test]
async fn a_key_that_manages_cannot_move_where_secrets_are_sent() {
    let fixture = Fixture::connected().await;
    let shown = fixture.get("/oauth/authenticators/demo").await.is(200);
    let evil = "http://127.0.0.1:9/evil";
    for key in [key(None, true), key(Some(&[]), true)] {
        for change in [
            json!({ "authorize_url": evil }),
            json!({ "token_url": evil }),
            json!({ "revocation_url": evil }),
            json!({ "revocation_url": null }),
            json!({ "userinfo_url": evil }),
            json!({ "issuer": evil }),
            json!({ "redirect_uri": "https://evil.example/callback" }),
            json!({ "authorize_params": { "audience": "evil" } }),
            json!({ "client_auth": "client_secret_basic", "client_secret": "s" }),
        ] {
            for path in [
                "/oauth/authenticators/demo",
                "/oauth/authenticators/demo?force=true",
            ] {
                let asked = Some(change.clone());
                let reply = fixture.ask(&key, Method::PATCH, path, asked).await;
                let refused = reply.refused(403, "access_denied");
                assert!(refused["hint"].as_str().unwrap().contains("socket"));
            }
        }
        // What is as it was is no change.
        let same = json!({ "scopes": ["openid"], "token_url": fixture.provider.url("/token") });
        let path = "/oauth/authenticators/demo";
        let reply = fixture.ask(&key, Method::PATCH, path, Some(same)).await;
        let now = reply.is(200)["authenticator"].clone();
        for field in ["endpoints", "redirect_uri", "authorize_params"] {
            assert_eq!(now[field], shown[field], "{field}");
        }
    }
    let ours = json!({
        "name": "ours", "authenticator_type": "custom", "client_id": "x",
        "authorize_url": evil, "token_url": evil,
    });
    let added = fixture
        .ask(
            &key(Some(&[]), true),
            Method::POST,
            "/oauth/authenticators",
            Some(ours),
        )
        .await;
    added.is(201);
    let gone = fixture
        .delete("/credentials/connections/demo?force=true")
        .await;
    assert_eq!(gone.is(200)["revocation"]["outcome"], "revoked");
    assert!(fixture.provider.family_revoked("ada"));
}
