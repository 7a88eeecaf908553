//! Connections that need no person: client credentials, and a token in exchange for another.

mod assertions;
mod token_exchange;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use valetkey_agent::sign_in::{SignInState, SignInView};
use valetkey_agent::{AgentError, protocol::Revocation};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, GrantType, Latch, Settings};

use crate::support::{Bench, authenticator_key, change, completed, eventually, failed, key, me};

fn tokens() -> Filter {
    Filter::grants(GrantType::ClientCredentials)
}

fn exchanges() -> Filter {
    Filter::grants(GrantType::TokenExchange)
}

/// With an authenticator `robot` that asks for itself.
async fn bench() -> Bench {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    bench.add("robot", robot()).await;
    bench
}

fn robot() -> Value {
    json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "client_credentials", "scopes": ["files.read"], "authorize_url": null,
        "device_authorization_url": null, "redirect_uri": null,
    })
}

/// With `robot`, connected.
async fn connected() -> Bench {
    let bench = bench().await;
    let view = bench.begin("robot").await;
    completed(bench.finished(view.id).await);
    bench
}

fn fault(kind: FaultKind) -> Fault {
    Fault {
        grant: Some(GrantType::ClientCredentials),
        ..Fault::at(Endpoint::Token, kind)
    }
}

/// Begun, and its answer is held after the provider has issued a token.
async fn held(bench: &Bench) -> (SignInView, Latch) {
    let latch = bench
        .provider
        .latch(|latch| fault(latch).after_processing());
    let view = bench.begin("robot").await;
    bench.provider.arrived(tokens(), 1).await;
    (view, latch)
}

async fn revoked(bench: &Bench) {
    bench.provider.arrived(Endpoint::Revoke, 1).await;
    let requests = bench.provider.requests(Endpoint::Revoke);
    assert_eq!(requests[0].param("token_type_hint"), Some("access_token"));
}

#[tokio::test]
async fn a_client_connects_without_a_browser_and_is_its_own_account() {
    let bench = bench().await;
    let view = bench.begin("robot").await;
    assert_eq!((view.authorize_url, view.redirect_uri), (None, None));
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.account.as_deref(), Some("demo-confidential"));
    assert_eq!(done.granted.to_string(), "files.read");
    let request = bench.provider.requests(tokens()).remove(0);
    assert_eq!(request.param("scope"), Some("files.read"));
    // The provider sent a refresh token all the same.
    let held = bench.token("robot").await.expect("a token").live;
    assert!(held.grant.refresh_token.is_none());
    assert!(bench.view("robot").row.refreshable);
    assert_eq!(bench.count(EventKind::SignInAuthorized).await, 0);
    // Again: the same client renews its connection.
    let view = bench.begin("robot").await;
    assert!(completed(bench.finished(view.id).await).renewed);
}

#[tokio::test]
async fn many_callers_at_expiry_make_one_request_and_no_refresh() {
    let bench = connected().await;
    let first = bench.access("robot").await;
    bench.expire();
    let calls: Vec<_> = (0..50).map(|_| bench.ask("robot")).collect();
    for call in calls {
        let served = call.await.expect("no panic").expect("a token");
        assert_ne!(served.live.grant.access_token.expose(), first);
    }
    assert_eq!(bench.provider.count(tokens()), 2);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_request() {
    let bench = connected().await;
    let first = bench.access("robot").await;
    bench.expire();
    let latch = bench.provider.latch(fault);
    let call = bench.ask("robot");
    bench.provider.arrived(tokens(), 2).await;
    call.abort();
    latch.release();
    assert_ne!(bench.access("robot").await, first);
    assert_eq!(bench.provider.count(tokens()), 2, "it was joined");
}

#[tokio::test]
async fn its_token_is_renewed_by_the_scheduler_and_survives_a_restart() {
    let mut bench = connected().await;
    bench.access("robot").await;
    bench.restart().await;
    bench
        .pass(
            std::time::Duration::from_hours(1),
            std::time::Duration::from_mins(1),
        )
        .await;
    eventually("asked again", || bench.provider.count(tokens()) >= 2).await;
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_refused_client_is_to_be_mended_and_nobody_is_to_sign_in() {
    let bench = connected().await;
    bench.expire();
    for error in ["invalid_client", "invalid_grant", "unauthorized_client"] {
        bench.provider.fault(fault(FaultKind::OauthError {
            error: error.to_owned(),
            description: None,
            status: None,
        }));
        match bench.token("robot").await.expect_err("refused") {
            AgentError::ClientMisconfigured { reason, .. } => assert!(reason.contains(error)),
            other => panic!("{error}: {other:?}"),
        }
        assert_eq!(bench.status("robot"), Status::Expired);
        bench.clock.jump(jiff::SignedDuration::from_mins(1));
    }
    bench.access("robot").await;
}

#[tokio::test]
async fn a_cancelled_sign_in_gives_its_token_back() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let cancelled = bench.agent.cancel_sign_in(view.id, &me()).await;
    assert!(matches!(
        cancelled.expect("known").state,
        SignInState::Cancelled
    ));
    latch.release();
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn an_authenticator_that_is_removed_or_changed_meanwhile_gets_nothing() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let robot = authenticator_key("robot");
    bench
        .agent
        .remove_authenticator(&robot, true, &me())
        .await
        .expect("removed");
    latch.release();
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::Cancelled
    ));
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());

    let bench = self::bench().await;
    let (view, latch) = held(&bench).await;
    bench.update("robot", json!({ "audience": "others" })).await;
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("was changed during the sign-in"), "{why}");
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn a_disabled_client_is_connected_to_the_end_and_serves_nothing() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let disable = valetkey_agent::AuthenticatorChange {
        is_active: Some(false),
        ..change(json!({}))
    };
    let robot = authenticator_key("robot");
    bench
        .agent
        .update_authenticator(&robot, disable, &me())
        .await
        .expect("disabled");
    latch.release();
    completed(bench.finished(view.id).await);
    assert!(matches!(
        bench.token("robot").await,
        Err(AgentError::Disabled(_))
    ));
    assert!(matches!(
        bench.begin_as("robot", None).await,
        Err(AgentError::Disabled(_))
    ));
}

#[tokio::test]
async fn a_stop_during_the_request_leaves_no_token_behind() {
    let mut bench = bench().await;
    let (view, latch) = held(&bench).await;
    let agent = bench.agent.clone();
    let stop = tokio::spawn(async move { agent.shutdown().await });
    eventually("cancelled", || {
        let view = bench.agent.sign_in(view.id);
        view.is_ok_and(|view| view.state.has_ended())
    })
    .await;
    latch.release();
    stop.await.expect("no panic");
    revoked(&bench).await;
    bench.start_again().await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn a_change_of_client_during_a_renewal_discards_what_comes() {
    let bench = connected().await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| fault(latch).after_processing());
    let call = bench.ask("robot");
    bench.provider.arrived(tokens(), 2).await;
    bench
        .update(
            "robot",
            json!({ "client_id": "another", "client_secret": "x" }),
        )
        .await;
    latch.release();
    let error = call.await.expect("no panic").expect_err("nothing to serve");
    assert!(error.to_string().contains("was changed"), "{error}");
    let error = bench.token("robot").await.expect_err("another client's");
    assert!(
        matches!(error, AgentError::AuthRequired { .. }),
        "{error:?}"
    );
    assert_eq!(bench.status("robot"), Status::NeedsReconnect);
    revoked(&bench).await;
}

#[tokio::test]
async fn disconnecting_revokes_the_access_token() {
    let bench = connected().await;
    let token = bench.access("robot").await;
    // Another connection of the same client does not stand in the way: there is no consent to share.
    bench.add("twin", robot()).await;
    let view = bench.begin("twin").await;
    completed(bench.finished(view.id).await);
    let gone = bench.agent.disconnect(&key("robot"), true, &me()).await;
    assert_eq!(gone.expect("disconnected").revocation, Revocation::Revoked);
    let revoked = bench.provider.requests(Endpoint::Revoke);
    let tokens: Vec<_> = revoked
        .iter()
        .map(|it| it.param("token").unwrap())
        .collect();
    assert_eq!(tokens, [token.as_str()]);
    bench.access("twin").await;
}
