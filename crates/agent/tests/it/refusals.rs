//! What a provider says when it refuses, and what that means for the login.

use crate::support::{Bench, eventually, seconds};
use jiff::SignedDuration;
use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Fault, FaultKind, Filter};

#[tokio::test]
async fn odd_but_usable_answers_are_used() {
    let edits = [
        FaultKind::set("expires_in", "1800"),
        FaultKind::set("expires_in", 1800.7),
        FaultKind::set("token_type", "bearer"),
        FaultKind::without("token_type"),
        FaultKind::without("scope"),
        FaultKind::set("scope", json!(["openid", "email", "offline_access"])),
        FaultKind::without("id_token"),
    ];
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let scopes = bench.view("demo").row.scopes;
    for edit in edits {
        bench.expire();
        bench.provider.fault(Fault::refresh(edit.clone()));
        let token = bench.access("demo").await;
        assert!(bench.provider.access_token_lives(&token), "{edit:?}");
        let row = bench.view("demo").row;
        assert!(row.expires_at.is_some(), "{edit:?}");
        assert_eq!(row.scopes, scopes, "{edit:?}");
    }
    bench.expire();
    let endless = FaultKind::without("expires_in");
    bench.provider.fault(Fault::refresh(endless));
    let token = bench.access("demo").await;
    assert_eq!(bench.view("demo").row.expires_at, None);
    bench.expire();
    assert_eq!(bench.access("demo").await, token, "no end was announced");
}

#[tokio::test]
async fn an_error_in_a_success_is_an_error() {
    for (error, again) in [("invalid_grant", true), ("temporarily_unavailable", false)] {
        let bench = Bench::connected().await;
        bench.expire();
        let refusal = FaultKind::OauthError {
            error: error.to_owned(),
            description: Some("no".to_owned()),
            status: Some(200),
        };
        bench.provider.fault(Fault::refresh(refusal).forever());
        let failed = bench.token_in_time("demo").await.expect_err("an error");
        let sign_in = matches!(failed, AgentError::AuthRequired { .. });
        assert_eq!(sign_in, again, "{error}: {failed:?}");
        assert_eq!(bench.refreshes() == 1, again, "{error}");
    }
}

#[tokio::test]
async fn each_dialect_of_a_dead_grant_means_sign_in_again_once() {
    let dead = [
        ("invalid_grant", 400),
        ("invalid_grant", 403),
        ("bad_refresh_token", 200),
        ("invalid_refresh_token", 200),
        ("token_revoked", 401),
        ("interaction_required", 400),
    ];
    for (error, status) in dead {
        let bench = Bench::connected().await;
        bench.expire();
        let refusal = FaultKind::OauthError {
            error: error.to_owned(),
            description: None,
            status: Some(status),
        };
        bench.provider.fault(Fault::refresh(refusal).forever());
        for _ in 0..3 {
            let failed = bench.token("demo").await.expect_err("dead");
            let again = matches!(failed, AgentError::AuthRequired { again: true, .. });
            assert!(again, "{error}: {failed:?}");
        }
        bench.pass(seconds(3600), seconds(300)).await;
        assert_eq!(bench.refreshes(), 1, "{error}");
        let told = bench.count(EventKind::ConnectionNeedsReconnect).await;
        assert_eq!(told, 1, "{error}");
    }
}

#[tokio::test]
async fn what_nobody_understands_is_asked_once_more_minutes_later() {
    let strange = [
        FaultKind::oauth_error("flux_capacitor_empty"),
        FaultKind::Empty { status: 400 },
        FaultKind::Empty { status: 200 },
        FaultKind::without("access_token"),
    ];
    for kind in strange {
        let bench = Bench::connected().await;
        bench.expire();
        bench.provider.fault(Fault::refresh(kind.clone()).forever());
        let wait = bench.try_later().await.expect("a term");
        assert_eq!(wait, SignedDuration::from_mins(3), "{kind:?}");
        bench.pass(seconds(170), seconds(10)).await;
        bench.try_later().await;
        assert_eq!(bench.refreshes(), 1, "{kind:?}");
        bench.pass(seconds(20), seconds(5)).await;
        bench.provider.arrived(Filter::refreshes(), 2).await;
        eventually("sign in again", || {
            bench.status("demo") == Status::NeedsReconnect
        })
        .await;
        bench.pass(seconds(3600), seconds(300)).await;
        assert_eq!(bench.refreshes(), 2, "{kind:?}");
        let told = bench.count(EventKind::ConnectionNeedsReconnect).await;
        assert_eq!(told, 1, "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_not_understood_once_heals_if_it_was_a_whim() {
    let bench = Bench::connected().await;
    bench.expire();
    let whim = FaultKind::oauth_error("flux_capacitor_empty");
    bench.provider.fault(Fault::refresh(whim));
    bench.try_later().await;
    bench.pass(seconds(190), seconds(10)).await;
    bench.provider.ended(Filter::refreshes(), 2).await;
    assert!(bench.token("demo").await.is_ok());
    assert_eq!(bench.status("demo"), Status::Active);
}

#[tokio::test]
async fn a_restart_does_not_shorten_the_pause_after_what_was_not_understood() {
    let mut bench = Bench::connected().await;
    bench.expire();
    let odd = Fault::refresh(FaultKind::oauth_error("odd")).forever();
    bench.provider.fault(odd);
    bench.try_later().await;
    assert_eq!(bench.refreshes(), 1);
    bench.restart().await;
    bench.try_later().await;
    assert_eq!(bench.refreshes(), 1, "not before its time");
    bench.provider.clear_faults();
    bench.clock.advance(seconds(185));
    bench.provider.ended(Filter::refreshes(), 2).await;
    assert!(bench.token("demo").await.is_ok());
}
