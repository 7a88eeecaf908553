//! The in-process handle: load, offline, reset, use without a runtime.

use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;
use valetkey_demo_provider::{DemoProvider, Endpoint, Fault, FaultKind, Filter, Settings};

use crate::app::{App, signed_in, text};

#[tokio::test]
async fn thousand_connections_at_once_are_all_answered() {
    const CONNECTIONS: usize = 1000;
    let (provider, app, _) = signed_in().await;
    let access_token = text(&app.sign_in().await, "access_token").to_owned();
    let latch = provider.latch(|latch| Fault::at(Endpoint::Api, latch));
    let mut responses = JoinSet::new();
    for _ in 0..CONNECTIONS {
        responses.spawn(app.get("/api/me", &access_token).send());
    }
    provider.arrived(Endpoint::Api, CONNECTIONS).await;
    latch.release();
    let answered = responses.join_all().await;
    assert!(
        answered
            .iter()
            .all(|response| response.as_ref().is_ok_and(|a| a.status() == 200))
    );
    assert_eq!(answered.len(), CONNECTIONS);
}

#[tokio::test]
async fn offline_provider_refuses_and_comes_back_with_its_state() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.go_offline().unwrap();
    let new_app = App::of(&provider);
    assert!(
        new_app
            .refresh(&refresh_token)
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
    assert!(
        app.refresh(&refresh_token).send().await.is_err(),
        "open connections are closed"
    );
    provider.go_online().unwrap();
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
async fn reset_clears_grants_faults_log_and_changed_settings() {
    let (provider, app, refresh_token) = signed_in().await;
    provider.update(|settings| settings.discovery = false);
    provider.fault(Fault::at(Endpoint::Token, FaultKind::status(500)).forever());
    provider.reset();
    assert_eq!(provider.count(Filter::all()), 0);
    let refused: Value = app
        .refresh(&refresh_token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(refused["error"], "invalid_grant");
    let discovery = app.url("/.well-known/openid-configuration");
    assert!(
        app.http
            .get(discovery)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[test]
fn provider_serves_tests_without_a_runtime() {
    let provider = DemoProvider::start(Settings::default()).unwrap();
    let url = provider.url("/jwks");
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { reqwest::get(url).await.unwrap().status() })
    });
    provider.wait_arrived(Endpoint::Jwks, 1);
    provider.wait_ended(Endpoint::Jwks, 1);
    assert_eq!(asking.join().unwrap(), StatusCode::OK);
}
