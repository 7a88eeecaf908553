//! The wire formats of GitHub and Slack, and the ways to revoke.

use reqwest::StatusCode;
use serde_json::{Value, json};
use valetkey_demo_provider::{Dialect, RefreshTokens, Revocation};

use crate::app::{App, ada, text};

#[tokio::test]
async fn three_ways_to_revoke_end_the_token() {
    let provider = ada();
    let app = App::of(&provider);
    let tokens = app.sign_in().await;
    let form = [
        ("client_id", "demo"),
        ("token", text(&tokens, "refresh_token")),
    ];
    for _ in 0..2 {
        let response = app
            .http
            .post(app.url("/revoke"))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(provider.families()[0].revoked, Some(Revocation::Client));

    let access_token = text(&app.sign_in().await, "access_token").to_owned();
    let github = || {
        app.http
            .delete(app.url("/applications/demo/token"))
            .basic_auth("demo", Some(""))
            .json(&json!({ "access_token": access_token }))
    };
    assert_eq!(
        github().send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert!(!app.works(&access_token).await);
    assert_eq!(
        github().send().await.unwrap().status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );

    let access_token = text(&app.sign_in().await, "access_token").to_owned();
    let slack = || {
        app.http
            .post(app.url("/api/auth.revoke"))
            .bearer_auth(&access_token)
    };
    let response: Value = slack().send().await.unwrap().json().await.unwrap();
    assert_eq!(response, json!({ "ok": true, "revoked": true }));
    let again: Value = slack().send().await.unwrap().json().await.unwrap();
    assert_eq!(again["ok"], false);
}

#[tokio::test]
async fn github_dialect_answers_200_in_form_or_json_with_its_own_codes() {
    let provider = ada();
    provider.update(|settings| {
        settings.dialect = Dialect::Github;
        settings.refresh_tokens = RefreshTokens::Never;
        settings.access_token_lifetime_seconds = None;
    });
    let app = App::of(&provider);
    let response = app
        .exchange(&app.code().await)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(response.contains("token_type=bearer&") || response.ends_with("token_type=bearer"));
    assert!(!response.contains("refresh_token"));

    let bad = app
        .exchange("nonsense")
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), StatusCode::OK);
    assert_eq!(
        bad.json::<Value>().await.unwrap()["error"],
        "bad_verification_code"
    );
}

#[tokio::test]
async fn slack_dialect_nests_the_tokens_and_refuses_with_ok_false() {
    let provider = ada();
    provider.update(|settings| settings.dialect = Dialect::Slack);
    let app = App::of(&provider);
    let code = app
        .redirected(&[("user_scope", "users:read,files:read")])
        .await
        .required("code");
    let response: Value = app
        .exchange(&code)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let user = &response["authed_user"];
    assert_eq!(
        (&response["ok"], &user["scope"]),
        (&json!(true), &json!("users:read,files:read"))
    );
    assert!(app.works(text(user, "access_token")).await);
    let renewed: Value = app
        .refresh(text(user, "refresh_token"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(renewed["ok"], true);
    let bad: Value = app
        .refresh("nonsense")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        bad,
        json!({ "ok": false, "error": "invalid_refresh_token" })
    );
}
