//! Back-off: how soon a refresh is sent again, who waits for that, and who is told.

use jiff::SignedDuration;
use serde_json::json;
use valetkey_agent::{AgentError, Clock};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{DemoProvider, Fault, FaultKind, Filter, Settings};

use crate::support::{Bench, eventually, key, me, seconds};

#[tokio::test]
async fn a_page_that_is_not_there_ends_no_login() {
    for status in [404, 405, 410] {
        let bench = Bench::connected().await;
        bench.expire();
        bench
            .provider
            .fault(Fault::refresh(FaultKind::status(status)).forever());
        for _ in 0..12 {
            bench.try_later().await;
            bench.pass(seconds(600), seconds(300)).await;
        }
        bench.provider.clear_faults();
        bench.pass(seconds(1800), seconds(300)).await;
        eventually("renewed", || bench.status("demo") == Status::Active).await;
        bench.access("demo").await;
    }
}

#[tokio::test]
async fn a_client_that_was_refused_is_tried_again_after_a_day() {
    let bench = Bench::connected().await;
    bench.expire();
    bench
        .provider
        .fault(Fault::refresh(FaultKind::oauth_error("invalid_client")));
    let refused = bench
        .token("demo")
        .await
        .expect_err("the client is refused");
    assert!(
        matches!(refused, AgentError::ClientMisconfigured { .. }),
        "{refused:?}"
    );
    bench.pass(seconds(12 * 3600), seconds(1800)).await;
    assert_eq!(bench.refreshes(), 1, "not within half a day");
    bench.pass(seconds(13 * 3600), seconds(1800)).await;
    bench.provider.ended(Filter::refreshes(), 2).await;
    eventually("active", || bench.status("demo") == Status::Active).await;
}

#[tokio::test]
async fn no_wish_of_the_provider_ends_the_least_pause() {
    let bench = Bench::connected().await;
    bench.expire();
    let busy = FaultKind::Status {
        status: 503,
        retry_after: Some("0".to_owned()),
    };
    bench.provider.fault(Fault::refresh(busy).forever());
    let begun = bench.clock.uptime();
    for _ in 0..20 {
        let wait = bench.try_later().await.expect("a term");
        assert!(wait >= SignedDuration::from_secs(1), "{wait:?}");
    }
    let asked = bench.clock.uptime().saturating_sub(begun);
    assert!(
        bench.refreshes() as u64 <= 1 + asked.as_secs() / 5,
        "{} requests in {asked:?}",
        bench.refreshes()
    );
}

#[tokio::test]
async fn a_pause_that_the_provider_asked_for_outlasts_a_restart() {
    let mut bench = Bench::connected().await;
    bench.expire();
    let busy = FaultKind::Status {
        status: 429,
        retry_after: Some("600".to_owned()),
    };
    bench.provider.fault(Fault::refresh(busy));
    bench.try_later().await;
    bench.restart().await;
    let wait = bench.try_later().await.expect("a term");
    assert!(wait > SignedDuration::from_mins(9), "{wait:?}");
    assert_eq!(bench.refreshes(), 1);
    bench.pass(seconds(630), seconds(10)).await;
    bench.access("demo").await;
}

#[tokio::test]
async fn one_answer_of_an_overloaded_provider_fails_nobody() {
    let bench = Bench::connected().await;
    bench.expire();
    bench.provider.fault(Fault::refresh(FaultKind::status(503)));
    let waiting: Vec<_> = (0..100).map(|_| bench.ask("demo")).collect();
    bench.provider.ended(Filter::refreshes(), 1).await;
    bench.settle().await;
    // Who comes now finds that nothing may be sent for a second.
    let late = bench.ask("demo");
    bench.take_turns().await;
    assert_eq!(bench.refreshes(), 1);
    bench.clock.advance(seconds(1));
    for caller in waiting.into_iter().chain([late]) {
        let served = caller.await.expect("no panic");
        assert!(served.is_ok(), "{served:?}");
    }
    assert_eq!(bench.refreshes(), 2);
    assert_eq!(bench.count(EventKind::TokenRefused).await, 0);
}

#[tokio::test]
async fn a_caller_waits_15_s_for_an_overloaded_provider_and_no_longer() {
    let bench = Bench::connected().await;
    bench.expire();
    bench
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).forever());
    let begun = bench.clock.uptime();
    bench.try_later().await;
    let waited = bench.clock.uptime().saturating_sub(begun);
    assert!(waited <= seconds(16), "{waited:?}");
    assert!(
        (2..=4).contains(&bench.refreshes()),
        "{}",
        bench.refreshes()
    );
}

#[tokio::test]
async fn what_changes_while_a_caller_waits_for_a_retry_counts() {
    for disconnected in [false, true] {
        let bench = Bench::connected().await;
        bench.expire();
        bench.provider.fault(Fault::refresh(FaultKind::status(503)));
        let caller = bench.ask("demo");
        bench.provider.ended(Filter::refreshes(), 1).await;
        bench.settle().await;
        if disconnected {
            let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
            gone.expect("disconnected");
        } else {
            bench.agent.pause(&me()).await.expect("paused");
        }
        bench.clock.advance(seconds(2));
        let served = caller.await.expect("no panic");
        let as_it_is = match &served {
            Err(AgentError::NotFound { .. }) => disconnected,
            Err(AgentError::Paused) => !disconnected,
            _ => false,
        };
        assert!(as_it_is, "disconnected {disconnected}: {served:?}");
        let expected = if disconnected { 1 } else { 2 };
        assert_eq!(bench.refreshes(), expected);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_missing_for_a_day_is_told_once() {
    let bench = Bench::connected().await;
    for told in 1..=2 {
        bench.expire();
        bench
            .provider
            .fault(Fault::refresh(FaultKind::status(404)).forever());
        bench.pass(seconds(22 * 3600), seconds(600)).await;
        let before = bench.count(EventKind::ConnectionUnavailable).await;
        assert_eq!(before, told - 1, "not within a day");
        bench.pass(seconds(8 * 3600), seconds(600)).await;
        let after = bench.count(EventKind::ConnectionUnavailable).await;
        assert_eq!(after, told);
        bench.provider.clear_faults();
        bench.pass(seconds(1800), seconds(300)).await;
        eventually("renewed", || bench.status("demo") == Status::Active).await;
    }
    // A machine without network says nothing about the provider.
    bench.expire();
    bench.provider.go_offline().expect("offline");
    bench.pass(seconds(30 * 3600), seconds(600)).await;
    assert_eq!(bench.count(EventKind::ConnectionUnavailable).await, 2);
}

#[tokio::test]
async fn success_at_one_provider_ends_no_back_off_at_another() {
    let bench = Bench::connected().await;
    let other = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    // Another host name, since back-off belongs to a host.
    let at = |path: &str| other.url(path).replace("127.0.0.1", "localhost");
    let fields = json!({
        "name": "other", "authorize_url": at("/authorize"), "token_url": at("/token"),
        "revocation_url": null, "userinfo_url": null, "issuer": null, "scopes": ["email", "offline_access"],
    });
    bench.add("other", fields).await;
    bench.connect("other").await;
    bench.expire();
    other.fault(Fault::refresh(FaultKind::status(503)).forever());
    drop(bench.token_in_time("other").await.expect_err("down"));
    for _ in 0..30 {
        bench.agent.renew(&key("demo")).await.expect("renewed");
        bench.pass(seconds(1), seconds(1)).await;
    }
    let asked = other.count(Filter::refreshes());
    assert!(asked <= 5, "{asked} requests in half a minute");
}

#[tokio::test]
async fn a_start_spreads_the_refreshes_that_are_overdue() {
    let mut bench = Bench::connected().await;
    let mut names = Vec::new();
    for number in 0..12 {
        let name = format!("more-{number}");
        // Without userinfo there is one connection per authenticator.
        bench.add(&name, json!({})).await;
        bench.connect(&name).await;
        names.push(name);
    }
    let before = bench.refreshes();
    bench.agent.shutdown().await;
    bench.clock.jump(SignedDuration::from_hours(30));
    bench.start_again().await;
    bench.settle().await;
    let at_once = bench.refreshes() - before;
    assert!(at_once <= 6, "{at_once} of 13 at once");
    bench.pass(seconds(15), seconds(1)).await;
    bench
        .provider
        .ended(Filter::refreshes(), before + names.len() + 1)
        .await;
}
