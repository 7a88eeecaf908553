//! Requests that cannot be understood are refused in the API's own shape.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::fixture::{Fixture, program};

fn post(path: &str) -> http::request::Builder {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .extension(program())
}

const ADD: &str = "/api/v1/oauth/authenticators";

#[tokio::test]
async fn unknown_paths_and_methods_are_told() {
    let fixture = Fixture::new().await;
    let detail = fixture.get("/nothing").await.refused(404, "not_found");
    assert!(
        detail["message"]
            .as_str()
            .unwrap()
            .contains("/api/v1/nothing")
    );
    let path = "/credentials/connections/github/work";
    let detail = fixture.get(path).await.refused(404, "not_found");
    assert!(detail["hint"].as_str().unwrap().contains("%2F"));
    let reply = fixture.ask(&program(), Method::PUT, "/status", None).await;
    reply.refused(405, "invalid_request");
}

#[tokio::test]
async fn bodies_must_be_json_and_say_so() {
    let fixture = Fixture::new().await;
    let form = post(ADD).body(Body::from("a=b")).unwrap();
    fixture.send(form).await.refused(415, "invalid_request");
    let typed = || post(ADD).header("content-type", "application/json; charset=utf-8");
    let torn = typed()
        .body(Body::from("{\"client_secret\": \"hunter2\""))
        .unwrap();
    let detail = fixture.send(torn).await.refused(400, "invalid_request");
    assert!(!detail.to_string().contains("hunter2"), "{detail}");
    let list = typed().body(Body::from("[\"hunter2\"]")).unwrap();
    let detail = fixture.send(list).await.refused(400, "invalid_request");
    assert!(!detail.to_string().contains("hunter2"), "{detail}");
}

/// Serde reads a struct from a list, too.
#[tokio::test]
async fn a_list_is_no_request() {
    let fixture = Fixture::connected().await;
    let path = "/credentials/connections/demo/token";
    for body in [json!([]), json!([60]), json!(null)] {
        let reply = fixture.post(path, body).await;
        reply.refused(400, "invalid_request");
    }
    for notifications in [json!([false]), json!({ "quiet_hours": ["22:00", "07:00"] })] {
        let change = json!({ "notifications": notifications });
        let reply = fixture.patch("/settings", change).await;
        reply.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn mistyped_and_unknown_fields_are_named_but_never_quoted() {
    let fixture = Fixture::new().await;
    let path = "/credentials/connections/demo/token";
    let mistyped = json!({ "min_valid_seconds": "hunter2" });
    let detail = fixture
        .post(path, mistyped)
        .await
        .refused(400, "invalid_request");
    assert!(
        detail["message"].as_str().unwrap().contains("expected u64"),
        "{detail}"
    );
    assert!(!detail.to_string().contains("hunter2"), "{detail}");
    let unknown = fixture.post(path, json!({ "min_ttl": 5 })).await;
    let detail = unknown.refused(400, "invalid_request");
    assert!(
        detail["message"].as_str().unwrap().contains("`min_ttl`"),
        "{detail}"
    );
    let narrowed = fixture
        .post(path, json!({ "resource": "https://api.example.com" }))
        .await;
    narrowed.refused(400, "invalid_request");
    fixture
        .get("/credentials/connections?profil=x")
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let fixture = Fixture::new().await;
    let huge = post(ADD)
        .header("content-type", "application/json")
        .body(Body::from(vec![b' '; (1 << 20) + 1]))
        .unwrap();
    fixture.send(huge).await.refused(413, "invalid_request");
}
