//! Handing out tokens.

use serde_json::json;
use valetkey_api::core::secret::Fingerprint;
use valetkey_api::token::TokenResponse;
use valetkey_demo_provider::{Fault, FaultKind, Filter, RefreshTokens, Settings};

use crate::fixture::Fixture;

const TOKEN: &str = "/credentials/connections/demo/token";

#[tokio::test]
async fn a_program_gets_a_token_with_all_that_belongs_to_it() {
    let fixture = Fixture::connected().await;
    let reply = fixture.post(TOKEN, json!({})).await.is(200);
    let documented: TokenResponse = serde_json::from_value(reply.clone()).unwrap();
    assert_eq!(serde_json::to_value(documented).unwrap(), reply);
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(reply["token_type"], "Bearer");
    assert_eq!(reply["connection"], "demo");
    assert_eq!(reply["account"], "ada@example.com");
    assert_eq!(reply["fingerprint"], Fingerprint::of(token).as_str());
    assert!(reply["expires_in"].as_i64().unwrap() > 0);
    let again = fixture.post(TOKEN, json!({})).await.is(200);
    assert_eq!(again["access_token"], token, "from memory");
    assert_eq!(fixture.provider.count(Filter::refreshes()), 0);
}

#[tokio::test]
async fn a_connection_is_found_by_id_and_by_label() {
    let fixture = Fixture::connected().await;
    let patched = fixture
        .patch(
            "/credentials/connections/demo",
            json!({ "account": "work" }),
        )
        .await;
    assert_eq!(patched.is(200)["name"], "demo/work");
    let id = fixture.id_of("demo%2Fwork").await;
    for name in ["demo%2Fwork", &id] {
        let path = format!("/credentials/connections/{name}/token");
        fixture.post(&path, json!({})).await.is(200);
    }
    let cleared = fixture
        .patch(
            &format!("/credentials/connections/{id}"),
            json!({ "account": null }),
        )
        .await;
    assert_eq!(cleared.is(200)["name"], "demo");
}

#[tokio::test]
async fn refresh_and_invalidate_bring_a_new_token() {
    let fixture = Fixture::connected().await;
    let first = fixture.post(TOKEN, json!({})).await.is(200);
    let refreshed = fixture
        .post("/credentials/connections/demo/refresh", json!({}))
        .await
        .is(200);
    assert_ne!(first["access_token"], refreshed["access_token"]);
    let report = |of: &serde_json::Value| json!({ "fingerprint": of["fingerprint"] });
    let path = "/credentials/connections/demo/invalidate";
    let late = fixture.post(path, report(&first)).await.is(200);
    assert_eq!(late["was_current"], false);
    let current = fixture.post(path, report(&refreshed)).await.is(200);
    assert_eq!(current["was_current"], true);
    let newest = fixture.post(TOKEN, json!({})).await.is(200);
    assert_ne!(newest["access_token"], refreshed["access_token"]);
}

#[tokio::test]
async fn scopes_that_are_not_granted_are_named() {
    let fixture = Fixture::connected().await;
    let asked = json!({ "scopes": ["email", "calendar"] });
    let detail = fixture
        .post(TOKEN, asked)
        .await
        .refused(403, "insufficient_scope");
    assert_eq!(detail["missing_scopes"], json!(["calendar"]));
    assert!(
        detail["hint"]
            .as_str()
            .unwrap()
            .contains("--scopes calendar")
    );
}

#[tokio::test]
async fn numbers_beyond_the_document_are_refused() {
    let fixture = Fixture::connected().await;
    for asked in [
        json!({ "wait_seconds": 61 }),
        json!({ "min_valid_seconds": 1_u64 << 63 }),
    ] {
        let refused = fixture.post(TOKEN, asked).await;
        refused.refused(400, "invalid_request");
    }
    let session = format!("/credentials/sessions/{:032x}?wait=61", 1);
    let refused = fixture.get(&session).await;
    refused.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_dead_login_says_sign_in_again() {
    let fixture = Fixture::connected().await;
    fixture
        .provider
        .fault(Fault::refresh(FaultKind::oauth_error("invalid_grant")).forever());
    let path = "/credentials/connections/demo/refresh";
    let detail = fixture
        .post(path, json!({}))
        .await
        .refused(409, "auth_required");
    assert_eq!(detail["hint"], "run `valetkey connect demo`");
    let view = fixture.get("/credentials/connections/demo").await.is(200);
    assert_eq!(view["status"], "needs_reconnect");
}

#[tokio::test]
async fn what_never_was_signed_in_is_told_from_what_never_was() {
    let fixture = Fixture::new().await;
    fixture.add("demo").await;
    let detail = fixture
        .post(TOKEN, json!({}))
        .await
        .refused(409, "auth_required");
    assert_eq!(detail["message"], "`demo` needs you to sign in");
    let path = "/credentials/connections/other/token";
    fixture
        .post(path, json!({}))
        .await
        .refused(404, "not_found");
    let path = "/credentials/connections/a%20b/token";
    fixture
        .post(path, json!({}))
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn an_outage_is_told_with_when_to_try_again() {
    let fixture = Fixture::connected().await;
    fixture
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).forever());
    let path = "/credentials/connections/demo/refresh";
    let detail = fixture
        .post(path, json!({}))
        .await
        .refused(503, "provider_unreachable");
    assert!(detail["retry_after"].as_u64().unwrap() > 0, "{detail}");
}

#[tokio::test]
async fn pausing_stops_all_handing_out() {
    let fixture = Fixture::connected().await;
    fixture.post("/pause", json!({})).await.is(200);
    fixture.post(TOKEN, json!({})).await.refused(503, "paused");
    let status = fixture.post("/resume", json!({})).await.is(200);
    assert_eq!(status["paused"], false);
    fixture.post(TOKEN, json!({})).await.is(200);
}

#[tokio::test]
async fn a_connection_is_tested_without_handing_out_its_token() {
    let fixture = Fixture::connected().await;
    let path = "/credentials/connections/demo/test";
    let tested = fixture.post(path, json!({})).await.is(200);
    assert_eq!(tested["method"], "userinfo");
    assert_eq!(tested["account"], "ada@example.com");
    assert!(tested.get("access_token").is_none());
}

#[tokio::test]
async fn a_disabled_authenticator_hands_out_nothing_until_it_is_enabled() {
    let fixture = Fixture::connected().await;
    let token = fixture.post(TOKEN, json!({})).await.is(200);
    let authenticator = "/oauth/authenticators/demo";
    let disabled = json!({ "is_active": false });
    fixture.patch(authenticator, disabled).await.is(200);
    let report = json!({ "fingerprint": token["fingerprint"] });
    for (action, body) in [
        ("token", json!({})),
        ("refresh", json!({})),
        ("test", json!({})),
        ("invalidate", report),
    ] {
        let path = format!("/credentials/connections/demo/{action}");
        let refused = fixture.post(&path, body).await;
        let refused = refused.refused(409, "not_configured");
        assert_eq!(refused["message"], "`demo` is disabled", "{action}");
        assert_eq!(refused["hint"], "run `valetkey enable demo`");
    }
    let sign_in = json!({ "authenticator": "demo" });
    let begun = fixture.post("/credentials/connections", sign_in).await;
    begun.refused(409, "not_configured");
    assert_eq!(fixture.provider.count(Filter::refreshes()), 0);
    let enabled = json!({ "is_active": true });
    fixture.patch(authenticator, enabled).await.is(200);
    let again = fixture.post(TOKEN, json!({})).await.is(200);
    assert_eq!(again["access_token"], token["access_token"]);
}

#[tokio::test]
async fn a_login_without_a_refresh_token_says_what_can_be_done() {
    let fixture = Fixture::with(Settings {
        refresh_tokens: RefreshTokens::Never,
        ..Settings::auto_consent("ada")
    })
    .await;
    fixture.add("demo").await;
    fixture.connect("demo").await;
    let token = fixture.post(TOKEN, json!({})).await.is(200);
    let refused = fixture
        .post("/credentials/connections/demo/refresh", json!({}))
        .await
        .refused(409, "not_configured");
    assert_eq!(refused["message"], "`demo` has no refresh token");
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("`valetkey connect demo`"), "{hint}");
    fixture.post(TOKEN, json!({})).await.is(200);

    let path = "/credentials/connections/demo/invalidate";
    let late = fixture.post(path, json!({ "fingerprint": "00" })).await;
    assert_eq!(late.is(200)["was_current"], false);
    fixture.post(TOKEN, json!({})).await.is(200);
    let report = json!({ "fingerprint": token["fingerprint"] });
    for _ in 0..2 {
        let refused = fixture.post(path, report.clone()).await;
        let refused = refused.refused(409, "auth_required");
        assert_eq!(refused["hint"], "run `valetkey connect demo`");
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("no refresh token"), "{reason}");
    }
    let view = fixture.get("/credentials/connections/demo").await.is(200);
    assert_eq!(view["status"], "needs_reconnect");
    fixture
        .post(TOKEN, json!({}))
        .await
        .refused(409, "auth_required");
    let renewed = fixture.connect("demo").await;
    assert_eq!(renewed["renewed"], true);
    fixture.post(TOKEN, json!({})).await.is(200);
}
