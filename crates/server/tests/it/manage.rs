//! Authenticators, sign-ins, keys, settings: what a person does.

use http::StatusCode;
use serde_json::json;
use valetkey_demo_provider::{Consent, Settings};

use crate::fixture::{Fixture, visit};

#[tokio::test]
async fn everything_wrong_with_an_authenticator_is_named_at_once() {
    let fixture = Fixture::new().await;
    let draft = json!({ "authenticator_type": "custom", "scopes": ["a b"], "token_url": "http://evil.test" });
    let reply = fixture.post("/oauth/authenticators", draft).await;
    let problems = reply.refused(400, "invalid_request")["problems"].clone();
    let fields: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["field"].as_str().unwrap())
        .collect();
    for field in ["client_id", "scopes", "token_url", "authorize_url"] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
}

#[tokio::test]
async fn an_authenticator_is_added_changed_disabled_and_removed() {
    let fixture = Fixture::connected().await;
    let path = "/oauth/authenticators/demo";
    fixture
        .post("/oauth/authenticators", fixture.draft("demo"))
        .await
        .refused(409, "conflict");
    let changed = fixture
        .patch(path, json!({ "is_active": false, "scopes": ["openid"] }))
        .await
        .is(200);
    assert_eq!(changed["authenticator"]["is_active"], false);
    assert_eq!(changed["authenticator"]["connections"], json!(["demo"]));
    fixture
        .patch(path, json!({ "is_active": "no" }))
        .await
        .refused(400, "invalid_request");
    let active = fixture
        .get("/oauth/authenticators?include_disabled=false")
        .await
        .is(200);
    assert_eq!(active["authenticators"], json!([]));
    let sign_in = json!({ "authenticator": "demo" });
    let disabled = fixture
        .post("/credentials/connections", sign_in)
        .await
        .refused(409, "not_configured");
    assert_eq!(disabled["hint"], "run `valetkey enable demo`");
    let in_use = fixture.delete(path).await.refused(409, "conflict");
    assert_eq!(in_use["in_use"][0]["name"], "demo");
    let gone = fixture
        .delete("/oauth/authenticators/demo?force=true")
        .await
        .is(200);
    assert_eq!(gone["disconnected"][0]["revocation"]["outcome"], "revoked");
    fixture.get(path).await.refused(404, "not_found");
}

#[tokio::test]
async fn logins_stay_with_their_servers_unless_forced() {
    let fixture = Fixture::connected().await;
    let path = "/oauth/authenticators/demo";
    for field in [
        "authorize_url",
        "token_url",
        "revocation_url",
        "userinfo_url",
        "issuer",
    ] {
        let change = json!({ field: "https://other.example/x" });
        let refused = fixture.patch(path, change).await.refused(409, "conflict");
        assert_eq!(refused["in_use"][0]["name"], "demo", "{field}");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("https://other.example"), "{message}");
    }
    let near = json!({ "revocation_url": fixture.provider.url("/elsewhere") });
    fixture.patch(path, near).await.is(200);
    let change = json!({ "revocation_url": "https://other.example/x" });
    let forced = fixture
        .patch("/oauth/authenticators/demo?force=true", change)
        .await
        .is(200);
    let endpoints = &forced["authenticator"]["endpoints"];
    assert_eq!(endpoints["revocation_url"], "https://other.example/x");
}

#[tokio::test]
async fn a_stored_secret_stays_with_its_servers_unless_it_is_given_again() {
    let fixture = Fixture::new().await;
    fixture.add("demo").await;
    let path = "/oauth/authenticators/demo";
    let other = json!({ "token_url": "https://other.example/x" });
    fixture.patch(path, other).await.is(200);
    let back = json!({ "token_url": fixture.provider.url("/token"), "client_secret": "s1" });
    fixture.patch(path, back).await.is(200);

    let mut change = json!({ "token_url": "https://third.example/x" });
    let refused = fixture.patch(path, change.clone()).await;
    let refused = refused.refused(409, "conflict");
    assert!(
        refused["hint"]
            .as_str()
            .unwrap()
            .contains("--client-secret-stdin")
    );
    change["client_secret"] = json!("s2");
    fixture.patch(path, change).await.is(200);
}

#[tokio::test]
async fn profiles_keep_names_apart() {
    let fixture = Fixture::new().await;
    fixture.add("demo").await;
    let staged = fixture
        .post(
            "/oauth/authenticators?profile=staging",
            fixture.draft("demo"),
        )
        .await;
    assert_eq!(staged.is(201)["authenticator"]["profile"], "staging");
    let all = fixture.get("/oauth/authenticators").await.is(200);
    assert_eq!(all["authenticators"].as_array().unwrap().len(), 2);
    let path = "/oauth/authenticators/demo?profile=nowhere";
    fixture.get(path).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_denied_sign_in_says_so() {
    let fixture = Fixture::with(Settings {
        consent: Consent::Deny,
        ..Settings::default()
    })
    .await;
    fixture.add("demo").await;
    let request = json!({ "authenticator": "demo" });
    let begun = fixture
        .post("/credentials/connections", request)
        .await
        .is(202);
    visit(begun["authorize_url"].as_str().unwrap()).await;
    let path = format!(
        "/credentials/sessions/{}?wait=30",
        begun["session_id"].as_str().unwrap()
    );
    let ended = fixture.get(&path).await.is(200);
    assert_eq!(ended["state"], "denied");
    assert_eq!(ended["error"]["code"], "access_denied");
}

#[tokio::test]
async fn a_sign_in_is_cancelled_or_finished_by_pasting() {
    let fixture = Fixture::new().await;
    fixture.add("demo").await;
    let request = json!({ "authenticator": "demo", "method": "paste", "reason": "for\u{7}tests" });
    let begun = fixture
        .post("/credentials/connections", request.clone())
        .await
        .is(202);
    let session = format!(
        "/credentials/sessions/{}",
        begun["session_id"].as_str().unwrap()
    );
    let waiting = fixture.get(&session).await.is(200);
    assert_eq!(waiting["state"], "started");
    assert_eq!(waiting["reason"], "for tests");
    let callback = format!("{session}/callback");
    let wrong = json!({ "url": "http://127.0.0.1/callback?code=x&state=y" });
    fixture
        .post(&callback, wrong)
        .await
        .refused(400, "invalid_request");

    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let asked = client
        .get(begun["authorize_url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let back = asked.headers()["location"].to_str().unwrap();
    let done = fixture
        .post(&callback, json!({ "url": back }))
        .await
        .is(200);
    assert_eq!(done["state"], "completed");
    assert_eq!(done["connection"]["name"], "demo");

    let begun = fixture
        .post("/credentials/connections", request)
        .await
        .is(202);
    let session = format!(
        "/credentials/sessions/{}",
        begun["session_id"].as_str().unwrap()
    );
    assert_eq!(fixture.delete(&session).await.is(200)["state"], "cancelled");
    fixture
        .get("/credentials/sessions/nonsense")
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn removing_an_authenticator_ends_its_sign_ins() {
    let fixture = Fixture::new().await;
    let added = fixture.add("demo").await;
    let other = fixture.add("other").await;
    let mut sessions = Vec::new();
    for request in [
        json!({ "authenticator": "demo/work", "profile": "default" }),
        json!({ "authenticator": "other" }),
    ] {
        let begun = fixture.post("/credentials/connections", request).await;
        let id = begun.is(202)["session_id"].as_str().unwrap().to_owned();
        sessions.push(format!("/credentials/sessions/{id}"));
    }
    let waiting = fixture.get(&sessions[0]).await.is(200);
    assert_eq!(waiting["account"], "work");
    assert_eq!(
        waiting["authenticator_id"], added["authenticator"]["id"],
        "{waiting:#}"
    );
    fixture.delete("/oauth/authenticators/demo").await.is(200);
    let ended = fixture.get(&sessions[0]).await.is(200);
    assert_eq!(ended["state"], "cancelled");
    let log = fixture.get("/events?kind=sign_in.cancelled").await.is(200);
    let told = &log["events"][0];
    assert_eq!(
        told["authenticator_id"], added["authenticator"]["id"],
        "{log:#}"
    );
    let goes_on = fixture.get(&sessions[1]).await.is(200);
    assert_eq!(goes_on["state"], "started");
    assert_eq!(goes_on["authenticator_id"], other["authenticator"]["id"]);
}

#[tokio::test]
async fn disconnecting_what_was_just_used_needs_force() {
    let fixture = Fixture::connected().await;
    fixture
        .post("/credentials/connections/demo/token", json!({}))
        .await
        .is(200);
    let path = "/credentials/connections/demo";
    fixture.delete(path).await.refused(409, "conflict");
    let gone = fixture
        .delete("/credentials/connections/demo?force=true")
        .await
        .is(200);
    assert_eq!(gone["revocation"]["outcome"], "revoked");
    assert_eq!(fixture.get(path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_key_is_shown_once_listed_and_revoked() {
    let fixture = Fixture::connected().await;
    let new = json!({ "connections": ["demo"], "expires_in": 3600 });
    let made = fixture.post("/clients", new).await.is(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("vk_") && key.len() >= 43, "256 bits: {key}");
    assert_eq!(made["client"]["name"], "key-1");
    let list = fixture.get("/clients").await.is(200);
    assert_eq!(list["clients"][0]["connections"][0]["name"], "demo");
    assert!(!list.to_string().contains(key));
    fixture
        .post("/clients", json!({ "name": "key-1" }))
        .await
        .refused(409, "conflict");
    let second = fixture.post("/clients", json!({})).await.is(201);
    assert_eq!(second["client"]["name"], "key-2");
    fixture.delete("/clients/key-1").await.is(200);
    fixture
        .delete("/clients/key-1")
        .await
        .refused(404, "not_found");
    let forever = json!({ "expires_in": u64::MAX });
    fixture
        .post("/clients", forever)
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn the_agent_tells_how_it_is() {
    let fixture = Fixture::connected().await;
    let status = fixture.get("/status").await.is(200);
    assert_eq!(status["connections"]["active"], 1);
    assert_eq!(status["secret_store"]["kind"], "memory");
    assert_eq!(status["secret_store"]["state"], "ready");
    let set = fixture
        .patch("/settings", json!({ "browser": "firefox %s" }))
        .await
        .is(200);
    assert_eq!(set["browser"], "firefox %s");
    let unset = fixture
        .patch("/settings", json!({ "browser": null }))
        .await
        .is(200);
    assert_eq!(unset["browser"], json!(null));
    let report = fixture.post("/doctor", json!({})).await.is(200);
    let names: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "keychain_write",
            "keychain_read",
            "keychain_delete",
            "database",
            "clock",
            "disk",
            "socket",
            "port"
        ]
    );
    let providers = fixture.get("/oauth/providers").await.is(200);
    assert_eq!(providers["providers"].as_array().unwrap().len(), 47);
    assert_eq!(providers["providers"][0]["id"], "airtable");
    assert!(!fixture.app.stop().is_requested());
    fixture.post("/shutdown", json!({})).await.is(202);
    assert!(fixture.app.stop().is_requested());
}

#[tokio::test]
async fn a_provider_without_an_authenticator_is_answered_with_the_command_that_adds_one() {
    let fixture = Fixture::new().await;
    let begin = |name| fixture.post("/credentials/connections", json!({ "authenticator": name }));
    let detail = begin("github").await.refused(404, "not_found");
    let hint = detail["hint"].as_str().unwrap();
    assert!(hint.contains("`valetkey add github "), "{hint}");
    let detail = begin("nonesuch").await.refused(404, "not_found");
    let hint = detail["hint"].as_str().unwrap();
    assert!(hint.contains("`valetkey list`"), "{hint}");
}
