//! A provider that is slow, away, overloaded or not itself: the login survives.

use crate::support::{Bench, eventually, key, me, seconds};
use crate::tokens_by_name::TokensByName as _;
use jiff::SignedDuration;
use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::SignInState;
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, Settings};

fn too_many(retry_after: &str) -> FaultKind {
    FaultKind::Status {
        status: 429,
        retry_after: Some(retry_after.to_owned()),
    }
}

#[tokio::test]
async fn a_slow_provider_is_waited_for() {
    let bench = Bench::connected().await;
    bench.expire();
    let slow = FaultKind::Latency { ms: 300 };
    bench.provider.fault(Fault::refresh(slow));
    assert!(bench.token("demo").await.is_ok());
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn while_a_refresh_hangs_the_old_token_is_served_and_others_are_too() {
    let bench = Bench::connected().await;
    bench.add("other", json!({})).await;
    bench.connect("other").await;
    let old = bench.access("demo").await;
    bench.clock.jump(SignedDuration::from_secs(3600 - 30));
    bench.provider.fault(Fault::refresh(FaultKind::Hang));
    let waiting = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let other = bench.access("other").await;
    assert!(bench.provider.access_token_lives(&other));
    bench.clock.advance(seconds(5));
    let served = waiting.await.unwrap().expect("the old one lives");
    assert_eq!(served.live.grant.access_token.expose(), old);
}

#[tokio::test]
async fn a_hanging_refresh_is_told_in_time_and_its_late_answer_is_not_lost() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let asked = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench.clock.advance(seconds(15));
    let told = asked.await.unwrap().expect_err("nothing came yet");
    let later = matches!(told, AgentError::ProviderUnreachable { .. });
    assert!(later, "{told:?}");

    // Whoever asks again waits for the same request: the old refresh token is not sent twice.
    let forced = {
        let agent = bench.agent.clone();
        tokio::spawn(async move { agent.refresh_of(&key("demo"), &me()).await })
    };
    let asked = bench.ask("demo");
    bench.take_turns().await;
    latch.release();
    let [asked, forced] = [asked.await.unwrap(), forced.await.unwrap()];
    let token = asked.expect("the late answer").live;
    assert_eq!(token.fingerprint, forced.unwrap().live.fingerprint);
    let access = token.grant.access_token.expose();
    assert!(bench.provider.access_token_lives(access));
    assert_eq!(bench.refreshes(), 1);
    assert!(!bench.provider.family_revoked("ada"));
    bench
        .agent
        .refresh_of(&key("demo"), &me())
        .await
        .expect("the rotated token was kept");
}

#[tokio::test]
async fn retry_after_is_kept_in_every_spelling() {
    let spellings: [fn(jiff::Timestamp) -> String; 5] = [
        |_| "40".to_owned(),
        |_| " 40.0 ".to_owned(),
        |now| http_date(now, "%a, %d %b %Y %H:%M:%S GMT"),
        |now| http_date(now, "%A, %d-%b-%y %H:%M:%S GMT"),
        |now| (now + SignedDuration::from_secs(40)).to_string(),
    ];
    let bench = Bench::connected().await;
    for (round, spelling) in spellings.into_iter().enumerate() {
        bench.expire();
        let text = spelling(valetkey_agent::Clock::now(&*bench.clock));
        bench.provider.fault(Fault::refresh(too_many(&text)));
        let wait = bench.try_later().await.expect("a term").as_secs();
        assert!((38..=40).contains(&wait), "{text}: {wait}");
        let sent = bench.refreshes();
        assert_eq!(sent, 2 * round + 1, "{text}");
        bench.pass(seconds(20), seconds(5)).await;
        bench.try_later().await;
        assert_eq!(bench.refreshes(), sent, "{text}: nothing before that time");
        bench.pass(seconds(21), seconds(1)).await;
        bench.provider.ended(Filter::refreshes(), sent + 1).await;
        assert!(bench.token("demo").await.is_ok(), "{text}");
    }
    let postponed = bench.count(EventKind::ConnectionPostponed).await;
    assert_eq!(postponed, spellings.len());
}

fn http_date(now: jiff::Timestamp, format: &str) -> String {
    (now + SignedDuration::from_secs(40))
        .strftime(format)
        .to_string()
}

#[tokio::test]
async fn a_wake_does_not_shorten_what_the_provider_asked_for() {
    let bench = Bench::connected().await;
    bench.expire();
    bench.provider.fault(Fault::refresh(too_many("600")));
    bench.try_later().await;
    for _ in 0..3 {
        bench.clock.jump(SignedDuration::from_secs(60));
        bench.pass(seconds(31), seconds(31)).await;
    }
    bench.try_later().await;
    assert_eq!(bench.refreshes(), 1);
    bench.pass(seconds(400), seconds(20)).await;
    bench.provider.arrived(Filter::refreshes(), 2).await;
}

#[tokio::test]
async fn what_is_no_answer_postpones_and_heals() {
    let elsewhere = |bench: &Bench, status| FaultKind::Redirect {
        status,
        location: bench.provider.url("/api/me"),
    };
    let garbled = FaultKind::Raw {
        status: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: "[1, 2".to_owned(),
    };
    let bench = Bench::connected().await;
    let kinds = [
        FaultKind::status(500),
        FaultKind::status(503),
        FaultKind::status(408),
        FaultKind::Html { status: 200 },
        FaultKind::Html { status: 502 },
        elsewhere(&bench, 302),
        elsewhere(&bench, 307),
        FaultKind::Truncated,
        FaultKind::Huge {
            bytes: 8 * 1024 * 1024,
        },
        FaultKind::Empty { status: 503 },
        FaultKind::Close,
        garbled,
    ];
    for (round, kind) in kinds.into_iter().enumerate() {
        bench.clock.jump(SignedDuration::from_secs(3600 - 30));
        let old = bench.access("demo").await;
        bench.expire();
        bench.provider.fault(Fault::refresh(kind.clone()).forever());
        bench.try_later().await;
        assert_ne!(bench.status("demo"), Status::NeedsReconnect, "{kind:?}");
        bench.provider.clear_faults();
        bench.clock.jump(SignedDuration::from_secs(6));
        assert_ne!(bench.access("demo").await, old, "{kind:?}");
        assert_eq!(bench.status("demo"), Status::Active, "{kind:?}");
        let postponed = bench.count(EventKind::ConnectionPostponed).await;
        assert_eq!(postponed, round + 1, "{kind:?}");
    }
    assert_eq!(bench.provider.count(Endpoint::Api), 0, "never followed");
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 0);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more_and_grace_heals_it() {
    let bench = Bench::with(Settings {
        grace_seconds: 60.0,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.connect("demo").await;
    for lost in [FaultKind::Close, FaultKind::Truncated] {
        bench.expire();
        let before = bench.refreshes();
        bench
            .provider
            .fault(Fault::refresh(lost).after_processing());
        let token = bench.access("demo").await;
        assert!(bench.provider.access_token_lives(&token));
        assert_eq!(bench.refreshes(), before + 2);
    }
    assert!(!bench.provider.family_revoked("ada"));
}

#[tokio::test]
async fn a_lost_answer_without_grace_means_sign_in_again_once() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let lost = Fault::refresh(FaultKind::Close).after_processing();
    bench.provider.fault(lost);
    for _ in 0..3 {
        let failed = bench.token("demo").await.expect_err("lost");
        assert!(
            matches!(failed, AgentError::AuthRequired { again: true, .. }),
            "{failed:?}"
        );
    }
    bench.pass(seconds(2 * 3600), seconds(300)).await;
    assert_eq!(bench.refreshes(), 2, "no loop");
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 1);
    // The provider's clock stood still: by ours its id tokens would have ended already.
    bench.clock.jump(SignedDuration::from_hours(-4));
    let state = bench.connect("demo").await;
    assert!(matches!(state, SignInState::Completed(_)), "{state:?}");
    assert!(bench.token("demo").await.is_ok());
}

#[tokio::test]
async fn an_outage_that_outlasts_the_token_is_told_step_by_step_and_heals() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    bench.provider.go_offline().unwrap();
    bench.pass(seconds(3590), seconds(10)).await;
    assert_eq!(bench.access("demo").await, old, "served while it lives");
    assert_eq!(bench.count(EventKind::ConnectionPostponed).await, 1);
    assert_eq!(bench.count(EventKind::ConnectionExpired).await, 0);
    bench.pass(seconds(2 * 3600), seconds(60)).await;
    bench.try_later().await;
    assert_eq!(bench.status("demo"), Status::Expired);
    assert_eq!(bench.count(EventKind::ConnectionPostponed).await, 1);
    assert_eq!(bench.count(EventKind::ConnectionExpired).await, 1);
    bench.provider.go_online().unwrap();
    bench.pass(seconds(16 * 60), seconds(30)).await;
    bench.provider.ended(Filter::refreshes(), 1).await;
    eventually("active", || bench.status("demo") == Status::Active).await;
    assert_eq!(bench.count(EventKind::ConnectionRefreshed).await, 1);
}

#[tokio::test]
async fn one_answer_of_the_network_ends_the_wait_of_all() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.add("other", json!({})).await;
    bench.connect("other").await;
    bench.provider.go_offline().unwrap();
    bench.pass(seconds(2 * 3600), seconds(300)).await;
    // One was tried just now, so that it rests for some seconds, and the other was not.
    bench.clock.jump(SignedDuration::from_secs(6));
    bench.try_later().await;
    bench.provider.go_online().unwrap();
    assert!(bench.token("other").await.is_ok());
    bench.pass(seconds(6), seconds(1)).await;
    bench.provider.ended(Filter::refreshes(), 2).await;
    eventually("active", || bench.status("demo") == Status::Active).await;
}
