//! Every fault, as a client sees it.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, IdTokenFlaw, Outcome};

use crate::app::{App, ada, signed_in, text};

/// The response of a refresh to which the fault applies; the refresh after it must succeed.
async fn faulty_refresh(kind: FaultKind) -> Response {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::refresh(kind));
    let response = app.refresh(&refresh_token).send().await.unwrap();
    let next = app.refresh(&refresh_token).send().await.unwrap();
    assert_eq!(
        next.status(),
        StatusCode::OK,
        "the fault processed the request"
    );
    response
}

/// The token response changed by a patch.
async fn edited(patch: Value) -> Value {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::refresh(FaultKind::Edit { patch }));
    app.refresh(&refresh_token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn throttled_response_carries_retry_after_verbatim() {
    for after in ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"] {
        let kind = FaultKind::Status {
            status: 429,
            retry_after: Some(after.to_owned()),
        };
        let response = faulty_refresh(kind).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], after);
    }
}

#[tokio::test]
async fn gateway_error_captive_portal_and_redirect_are_produced() {
    assert_eq!(
        faulty_refresh(FaultKind::status(503)).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );

    let portal = faulty_refresh(FaultKind::Html { status: 200 }).await;
    assert_eq!(portal.status(), StatusCode::OK);
    assert!(portal.text().await.unwrap().starts_with("<!doctype html>"));

    let location = "http://127.0.0.1:9/elsewhere".to_owned();
    let moved = faulty_refresh(FaultKind::Redirect {
        status: 307,
        location: location.clone(),
    })
    .await;
    assert_eq!(moved.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(moved.headers()["location"], *location);
}

#[tokio::test]
async fn empty_raw_and_error_bodies_are_produced() {
    let empty = faulty_refresh(FaultKind::Empty { status: 400 }).await;
    assert_eq!(
        (empty.status(), empty.bytes().await.unwrap().len()),
        (StatusCode::BAD_REQUEST, 0)
    );

    let raw = faulty_refresh(FaultKind::Raw {
        status: 418,
        headers: [("x-odd".to_owned(), "yes".to_owned())].into(),
        body: "tea".to_owned(),
    })
    .await;
    assert_eq!(
        (raw.status(), &raw.headers()["x-odd"]),
        (StatusCode::IM_A_TEAPOT, &"yes".parse().unwrap())
    );
    assert_eq!(raw.text().await.unwrap(), "tea");

    let oauth_error = faulty_refresh(FaultKind::oauth_error("invalid_grant")).await;
    assert_eq!(oauth_error.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        oauth_error.json::<Value>().await.unwrap(),
        json!({ "error": "invalid_grant" })
    );

    let error = "invalid_grant".to_owned();
    let with_status_200 = FaultKind::OauthError {
        error,
        description: None,
        status: Some(200),
    };
    assert_eq!(
        faulty_refresh(with_status_200).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn truncated_body_is_shorter_than_its_content_length() {
    let response = faulty_refresh(FaultKind::Truncated).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.content_length().unwrap() > 0);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn huge_body_is_valid_json_with_the_right_members() {
    let (provider, app, refresh_token) = signed_in().await;
    let fault = Fault::refresh(FaultKind::Huge { bytes: 5_000_000 });
    provider.fault(fault.after_processing());
    let body = app
        .refresh(&refresh_token)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(body.len() > 5_000_000);
    let tokens: Value = serde_json::from_slice(&body).unwrap();
    assert!(app.works(text(&tokens, "access_token")).await);
}

#[tokio::test]
async fn token_response_is_changed_member_by_member() {
    assert_eq!(
        edited(json!({ "expires_in": "3600" })).await["expires_in"],
        "3600"
    );
    assert_eq!(
        edited(json!({ "expires_in": null }))
            .await
            .get("expires_in"),
        None
    );
    assert_eq!(edited(json!({ "scope": null })).await.get("scope"), None);
    assert_eq!(
        edited(json!({ "token_type": "mac" })).await["token_type"],
        "mac"
    );
}

#[tokio::test]
async fn redirect_is_changed_or_carries_an_error() {
    let provider = ada();
    let app = App::of(&provider);
    let next = |kind| provider.fault(Fault::at(Endpoint::Authorize, kind));

    next(FaultKind::set("iss", "http://evil.example"));
    assert_eq!(
        app.redirected(&[]).await.get("iss"),
        Some("http://evil.example")
    );
    next(FaultKind::without("iss"));
    let back = app.redirected(&[]).await;
    assert_eq!((back.get("iss"), back.get("state")), (None, Some("st4te")));
    next(FaultKind::oauth_error("temporarily_unavailable"));
    assert_eq!(
        app.redirected(&[]).await.get("error"),
        Some("temporarily_unavailable")
    );
    assert_eq!(app.redirected(&[]).await.get("error"), None);
}

#[tokio::test]
async fn id_token_has_the_given_flaw() {
    use base64::Engine as _;
    let provider = ada();
    let app = App::of(&provider);
    for (flaw, claim, value) in [
        (IdTokenFlaw::WrongNonce, "nonce", json!("another-nonce")),
        (IdTokenFlaw::MissingNonce, "nonce", Value::Null),
        (IdTokenFlaw::WrongAudience, "aud", json!("another-client")),
        (IdTokenFlaw::WrongSubject, "sub", json!("mallory")),
    ] {
        provider.fault(Fault::exchange(FaultKind::IdToken { flaw }));
        let tokens = app.sign_in().await;
        let claims = text(&tokens, "id_token").split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(claims)
            .unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims.get(claim).unwrap_or(&Value::Null),
            &value,
            "{flaw:?}"
        );
    }
}

#[tokio::test]
async fn lost_response_has_spent_the_token_unless_within_the_grace_period() {
    for (grace_seconds, accepted) in [(0.0, false), (60.0, true)] {
        let (provider, app, refresh_token) = signed_in().await;
        provider.update(|settings| settings.grace_seconds = grace_seconds);
        provider.fault(Fault::refresh(FaultKind::Close).after_processing());
        assert!(app.refresh(&refresh_token).send().await.is_err());
        assert_eq!(
            provider.requests(Filter::refreshes())[0].outcome,
            Outcome::Closed
        );
        assert_eq!(provider.families()[0].rotations, 1);
        let again = app.refresh(&refresh_token).send().await.unwrap();
        assert_eq!(again.status().is_success(), accepted);
        assert_eq!(provider.family_revoked("ada"), !accepted);
    }
}

#[tokio::test]
async fn request_closed_before_processing_changes_nothing() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::refresh(FaultKind::Close));
    assert!(app.refresh(&refresh_token).send().await.is_err());
    assert_eq!(provider.families()[0].rotations, 0);
    assert!(
        app.refresh(&refresh_token)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn latency_delays_at_least_as_long_as_set() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::refresh(FaultKind::Latency { ms: 120 }));
    let start = Instant::now();
    assert!(
        app.refresh(&refresh_token)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn hanging_request_ends_when_the_client_disconnects() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.fault(Fault::refresh(FaultKind::Hang));
    let hanging = tokio::spawn(app.refresh(&refresh_token).send());
    provider.arrived(Filter::refreshes(), 1).await;
    assert_eq!(
        provider.requests(Filter::refreshes())[0].outcome,
        Outcome::Pending
    );
    hanging.abort();
    provider.ended(Filter::refreshes(), 1).await;
    assert_eq!(
        provider.requests(Filter::refreshes())[0].outcome,
        Outcome::Abandoned
    );
    assert!(
        app.refresh(&refresh_token)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn gate_holds_until_released_before_or_after_processing() {
    for after_processing in [false, true] {
        let (provider, app, refresh_token) = signed_in().await;
        let latch = provider.latch(|latch| Fault {
            after_processing,
            ..Fault::refresh(latch)
        });
        provider.fault(Fault::refresh(FaultKind::status(503)));
        let waiting = tokio::spawn(app.refresh(&refresh_token).send());
        provider.arrived(Filter::refreshes(), 1).await;
        assert_eq!(
            provider.requests(Filter::refreshes())[0].outcome,
            Outcome::Pending
        );
        latch.release();
        let response = waiting.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
