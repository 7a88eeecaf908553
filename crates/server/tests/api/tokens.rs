//! Handing out tokens.

use serde_json::json;
use valetkey_api::core::secret::Fingerprint;
use valetkey_api::token::TokenResponse;
use valetkey_demo_provider::{Fault, FaultKind, Filter, RefreshTokens, Settings};

use crate::house::House;

const TOKEN: &str = "/credentials/connections/demo/token";

#[tokio::test]
async fn a_program_gets_a_token_with_all_that_belongs_to_it() {
    let house = House::connected().await;
    let reply = house.post(TOKEN, json!({})).await.is(200);
    let documented: TokenResponse = serde_json::from_value(reply.clone()).unwrap();
    assert_eq!(serde_json::to_value(documented).unwrap(), reply);
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(reply["token_type"], "Bearer");
    assert_eq!(reply["connection"], "demo");
    assert_eq!(reply["account"], "ada@example.com");
    assert_eq!(reply["fingerprint"], Fingerprint::of(token).as_str());
    assert!(reply["expires_in"].as_i64().unwrap() > 0);
    let again = house.post(TOKEN, json!({})).await.is(200);
    assert_eq!(again["access_token"], token, "from memory");
    assert_eq!(house.provider.count(Filter::refreshes()), 0);
}

#[tokio::test]
async fn a_connection_is_found_by_id_and_by_label() {
    let house = House::connected().await;
    let patched = house
        .patch(
            "/credentials/connections/demo",
            json!({ "account": "work" }),
        )
        .await;
    assert_eq!(patched.is(200)["name"], "demo/work");
    let id = house.id_of("demo%2Fwork").await;
    for name in ["demo%2Fwork", &id] {
        let path = format!("/credentials/connections/{name}/token");
        house.post(&path, json!({})).await.is(200);
    }
    let cleared = house
        .patch(
            &format!("/credentials/connections/{id}"),
            json!({ "account": null }),
        )
        .await;
    assert_eq!(cleared.is(200)["name"], "demo");
}

#[tokio::test]
async fn refresh_and_invalidate_bring_a_new_token() {
    let house = House::connected().await;
    let first = house.post(TOKEN, json!({})).await.is(200);
    let refreshed = house
        .post("/credentials/connections/demo/refresh", json!({}))
        .await
        .is(200);
    assert_ne!(first["access_token"], refreshed["access_token"]);
    let report = |of: &serde_json::Value| json!({ "fingerprint": of["fingerprint"] });
    let path = "/credentials/connections/demo/invalidate";
    let late = house.post(path, report(&first)).await.is(200);
    assert_eq!(late["was_current"], false);
    let current = house.post(path, report(&refreshed)).await.is(200);
    assert_eq!(current["was_current"], true);
    let newest = house.post(TOKEN, json!({})).await.is(200);
    assert_ne!(newest["access_token"], refreshed["access_token"]);
}

#[tokio::test]
async fn scopes_that_are_not_granted_are_named() {
    let house = House::connected().await;
    let asked = json!({ "scopes": ["email", "calendar"] });
    let detail = house
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
async fn a_dead_login_says_sign_in_again() {
    let house = House::connected().await;
    house
        .provider
        .fault(Fault::refresh(FaultKind::oauth_error("invalid_grant")).forever());
    let path = "/credentials/connections/demo/refresh";
    let detail = house
        .post(path, json!({}))
        .await
        .refused(409, "auth_required");
    assert_eq!(detail["hint"], "run `valetkey connect demo`");
    let view = house.get("/credentials/connections/demo").await.is(200);
    assert_eq!(view["status"], "needs_reconnect");
}

#[tokio::test]
async fn what_never_was_signed_in_is_told_from_what_never_was() {
    let house = House::new().await;
    house.add("demo").await;
    let detail = house
        .post(TOKEN, json!({}))
        .await
        .refused(409, "auth_required");
    assert_eq!(detail["message"], "`demo` needs you to sign in");
    let path = "/credentials/connections/other/token";
    house.post(path, json!({})).await.refused(404, "not_found");
    let path = "/credentials/connections/a%20b/token";
    house
        .post(path, json!({}))
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn an_outage_is_told_with_when_to_try_again() {
    let house = House::connected().await;
    house
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).forever());
    let path = "/credentials/connections/demo/refresh";
    let detail = house
        .post(path, json!({}))
        .await
        .refused(503, "provider_unreachable");
    assert!(detail["retry_after"].as_u64().unwrap() > 0, "{detail}");
}

#[tokio::test]
async fn pausing_stops_all_handing_out() {
    let house = House::connected().await;
    house.post("/pause", json!({})).await.is(200);
    house.post(TOKEN, json!({})).await.refused(503, "paused");
    let status = house.post("/resume", json!({})).await.is(200);
    assert_eq!(status["paused"], false);
    house.post(TOKEN, json!({})).await.is(200);
}

#[tokio::test]
async fn a_connection_is_tested_without_handing_out_its_token() {
    let house = House::connected().await;
    let path = "/credentials/connections/demo/test";
    let tested = house.post(path, json!({})).await.is(200);
    assert_eq!(tested["method"], "userinfo");
    assert_eq!(tested["account"], "ada@example.com");
    assert!(tested.get("access_token").is_none());
}

#[tokio::test]
async fn a_disabled_authenticator_hands_out_nothing_until_it_is_enabled() {
    let house = House::connected().await;
    let token = house.post(TOKEN, json!({})).await.is(200);
    let authenticator = "/oauth/authenticators/demo";
    let disabled = json!({ "is_active": false });
    house.patch(authenticator, disabled).await.is(200);
    let report = json!({ "fingerprint": token["fingerprint"] });
    for (action, body) in [
        ("token", json!({})),
        ("refresh", json!({})),
        ("test", json!({})),
        ("invalidate", report),
    ] {
        let path = format!("/credentials/connections/demo/{action}");
        let refused = house.post(&path, body).await;
        let refused = refused.refused(501, "not_configured");
        assert_eq!(refused["message"], "`demo` is disabled", "{action}");
        assert_eq!(refused["hint"], "run `valetkey enable demo`");
    }
    let sign_in = json!({ "authenticator": "demo" });
    let begun = house.post("/credentials/connections", sign_in).await;
    begun.refused(501, "not_configured");
    assert_eq!(house.provider.count(Filter::refreshes()), 0);
    let enabled = json!({ "is_active": true });
    house.patch(authenticator, enabled).await.is(200);
    let again = house.post(TOKEN, json!({})).await.is(200);
    assert_eq!(again["access_token"], token["access_token"]);
}

#[tokio::test]
async fn a_login_without_a_refresh_token_says_what_can_be_done() {
    let house = House::with(Settings {
        refresh_tokens: RefreshTokens::Never,
        ..Settings::auto_consent("ada")
    })
    .await;
    house.add("demo").await;
    house.connect("demo").await;
    let token = house.post(TOKEN, json!({})).await.is(200);
    let refused = house
        .post("/credentials/connections/demo/refresh", json!({}))
        .await
        .refused(501, "not_configured");
    assert_eq!(refused["message"], "`demo` has no refresh token");
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("`valetkey connect demo`"), "{hint}");
    house.post(TOKEN, json!({})).await.is(200);

    let path = "/credentials/connections/demo/invalidate";
    let late = house.post(path, json!({ "fingerprint": "00" })).await;
    assert_eq!(late.is(200)["was_current"], false);
    house.post(TOKEN, json!({})).await.is(200);
    let report = json!({ "fingerprint": token["fingerprint"] });
    for _ in 0..2 {
        let refused = house.post(path, report.clone()).await;
        let refused = refused.refused(409, "auth_required");
        assert_eq!(refused["hint"], "run `valetkey connect demo`");
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("no refresh token"), "{reason}");
    }
    let view = house.get("/credentials/connections/demo").await.is(200);
    assert_eq!(view["status"], "needs_reconnect");
    house
        .post(TOKEN, json!({}))
        .await
        .refused(409, "auth_required");
    let renewed = house.connect("demo").await;
    assert_eq!(renewed["renewed"], true);
    house.post(TOKEN, json!({})).await.is(200);
}
