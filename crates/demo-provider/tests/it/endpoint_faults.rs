//! Endpoints that are unavailable for a while, or work differently from what the client expects.

use reqwest::StatusCode;
use serde_json::Value;
use valetkey_demo_provider::{
    Client, DemoProvider, Endpoint, Fault, FaultKind, Filter, Outcome, RefreshTokens,
    RevocationScope, Settings,
};

use crate::app::{App, ada, signed_in, text};

async fn refresh_status(app: &App, refresh_token: &str) -> StatusCode {
    let response = app.refresh(refresh_token).send().await.unwrap();
    response.status()
}

async fn revoke_status(app: &App, refresh_token: &str) -> StatusCode {
    let form = [("client_id", "demo"), ("token", refresh_token)];
    let request = app.http.post(app.url("/revoke")).form(&form);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn token_endpoint_is_missing_until_the_faults_are_cleared() {
    let page_not_found = FaultKind::Raw {
        status: 404,
        headers: [("content-type".to_owned(), "text/plain".to_owned())].into(),
        body: "404 page not found\n".to_owned(),
    };
    for (kind, status) in [
        (page_not_found, 404),
        (FaultKind::Html { status: 404 }, 404),
        (FaultKind::status(405), 405),
        (FaultKind::status(410), 410),
        (FaultKind::Html { status: 200 }, 200),
    ] {
        let (provider, app, refresh_token) = signed_in().await;
        provider.fault(Fault::refresh(kind.clone()).forever());
        for _ in 0..3 {
            let response = app.refresh(&refresh_token).send().await.unwrap();
            assert_eq!(response.status(), status, "{kind:?}");
            let body = response.text().await.unwrap();
            assert!(serde_json::from_str::<Value>(&body).is_err(), "{body}");
        }
        assert_eq!(provider.count(Filter::refreshes()), 3);
        provider.clear_faults();
        assert_eq!(refresh_status(&app, &refresh_token).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn single_503_is_followed_by_success() {
    let (provider, app, refresh_token) = signed_in().await;
    for retry_after in [None, Some("0"), Some("86400")] {
        provider.update(|settings| settings.refresh_tokens = RefreshTokens::Kept);
        provider.fault(Fault::refresh(FaultKind::Status {
            status: 503,
            retry_after: retry_after.map(ToOwned::to_owned),
        }));
        let response = app.refresh(&refresh_token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let header = response.headers().get("retry-after");
        assert_eq!(header.map(|it| it.to_str().unwrap()), retry_after);
        assert_eq!(refresh_status(&app, &refresh_token).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn userinfo_fails_once() {
    let provider = ada();
    let app = App::of(&provider);
    let access_token = text(&app.sign_in().await, "access_token").to_owned();
    provider.fault(Fault::at(Endpoint::Userinfo, FaultKind::status(503)));
    for status in [503, 200] {
        let response = app.get("/userinfo", &access_token).send().await.unwrap();
        assert_eq!(response.status(), status);
    }
    assert_eq!(provider.count(Endpoint::Userinfo), 2);
}

#[tokio::test]
async fn revocation_endpoint_answers_any_status_and_revokes_nothing() {
    for status in [404, 405, 200, 503] {
        let (provider, app, refresh_token) = signed_in().await;
        provider.fault(Fault::at(Endpoint::Revoke, FaultKind::status(status)));
        assert_eq!(revoke_status(&app, &refresh_token).await, status);
        assert!(!provider.family_revoked("ada"), "{status}");
        assert_eq!(revoke_status(&app, &refresh_token).await, 200);
        assert!(provider.family_revoked("ada"));
    }
}

#[tokio::test]
async fn revocation_endpoint_hangs_until_the_client_disconnects() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::at(Endpoint::Revoke, FaultKind::Hang));
    let hanging = tokio::spawn(async move { revoke_status(&app, &refresh_token).await });
    provider.arrived(Endpoint::Revoke, 1).await;
    hanging.abort();
    provider.ended(Endpoint::Revoke, 1).await;
    let outcome = provider.requests(Endpoint::Revoke)[0].outcome;
    assert_eq!(outcome, Outcome::Abandoned);
    assert!(!provider.family_revoked("ada"));
}

#[tokio::test]
async fn revocation_ends_one_grant_or_the_whole_consent() {
    for (scope, other_grant_is_valid) in [
        (RevocationScope::Grant, true),
        (RevocationScope::Consent, false),
    ] {
        let (provider, app, refresh_token) = signed_in().await;
        let other = text(&app.sign_in().await, "access_token").to_owned();
        provider.update(|settings| settings.revocation_scope = scope);
        assert_eq!(revoke_status(&app, &refresh_token).await, 200);
        assert_eq!(app.works(&other).await, other_grant_is_valid, "{scope:?}");
    }
}

#[tokio::test]
async fn client_is_refused_until_its_registration_is_restored() {
    let (provider, app, refresh_token) = signed_in().await;
    let registered = vec![Client::public("demo")];
    provider.update(|settings| settings.clients = vec![Client::confidential("demo", "secret")]);
    let response = app.refresh(&refresh_token).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "invalid_client");
    provider.update(|settings| settings.clients = registered);
    assert_eq!(refresh_status(&app, &refresh_token).await, StatusCode::OK);
}

#[tokio::test]
async fn refresh_token_of_another_provider_is_refused_and_logged() {
    let (_provider, app, refresh_token) = signed_in().await;
    let other = DemoProvider::start(Settings::auto_consent("ada")).unwrap();
    let response = App::of(&other).refresh(&refresh_token).send().await;
    assert_eq!(response.unwrap().status(), StatusCode::BAD_REQUEST);
    let received = other.requests(Filter::refreshes());
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].param("refresh_token"), Some(&*refresh_token));
    assert_eq!(refresh_status(&app, &refresh_token).await, StatusCode::OK);
}
