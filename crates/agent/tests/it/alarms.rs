//! The alarm clock: refreshes before anybody asks, also across sleep, and rests when nothing is due.

use std::time::Duration;

use crate::support::{Bench, eventually, key, me, seconds};
use jiff::SignedDuration;
use serde_json::json;
use valetkey_agent::{AgentError, ConnectionChange};
use valetkey_core::connection::KeepWarm;
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Fault, FaultKind, Filter, RefreshTokens, Settings};
use valetkey_vault::EventFilter;

const HOUR: u64 = 3600;

/// A connection at a provider whose refresh tokens are known to live for half a year unused.
async fn long_lived(keep_warm: KeepWarm) -> Bench {
    let bench = Bench::start().await;
    let client = json!({
        "authenticator_type": "google",
        "client_id": "demo-confidential",
        "client_secret": "demo-secret",
    });
    bench.add("google", client).await;
    bench.connect("google").await;
    let change = ConnectionChange {
        keep_warm: Some(keep_warm),
        ..ConnectionChange::default()
    };
    bench
        .agent
        .update_connection(&key("google"), change, &me())
        .await
        .expect("a change");
    bench
}

#[tokio::test]
async fn a_token_is_refreshed_five_minutes_before_its_end() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.pass(seconds(HOUR - 360), seconds(60)).await;
    assert_eq!(bench.refreshes(), 0);
    bench.pass(seconds(60), seconds(10)).await;
    bench.provider.ended(Filter::refreshes(), 1).await;
    eventually("refreshed", || {
        bench.view("demo").row.state.generation.0 == 2
    })
    .await;
    bench.pass(seconds(HOUR - 400), seconds(60)).await;
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_short_token_is_refreshed_after_four_fifths_of_its_life() {
    let bench = Bench::with(Settings {
        access_token_lifetime_seconds: Some(100.0),
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.connect("demo").await;
    bench.pass(seconds(77), seconds(7)).await;
    assert_eq!(bench.refreshes(), 0);
    bench.pass(seconds(4), seconds(1)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
}

#[tokio::test]
async fn a_login_that_was_not_used_for_a_day_rests_until_it_is_used() {
    let bench = long_lived(KeepWarm::WhenUsed).await;
    bench.pass(seconds(12 * HOUR), seconds(300)).await;
    assert!(bench.refreshes() >= 9, "{}", bench.refreshes());
    bench.pass(seconds(14 * HOUR), seconds(300)).await;
    let rested = bench.refreshes();
    bench.pass(seconds(6 * HOUR), seconds(300)).await;
    assert_eq!(bench.refreshes(), rested);
    assert_eq!(bench.status("google"), Status::Expired);

    assert!(bench.token("google").await.is_ok());
    assert_eq!(bench.refreshes(), rested + 1);
    bench.pass(seconds(2 * HOUR), seconds(300)).await;
    assert!(bench.refreshes() > rested + 1, "warm again");
}

#[tokio::test]
async fn a_login_may_be_kept_warm_always_or_never() {
    let always = long_lived(KeepWarm::Always).await;
    always.pass(seconds(26 * HOUR), seconds(300)).await;
    let before = always.refreshes();
    always.pass(seconds(6 * HOUR), seconds(300)).await;
    assert!(always.refreshes() >= before + 4, "unused, and still warm");

    let never = long_lived(KeepWarm::OnDemand).await;
    never.pass(seconds(6 * HOUR), seconds(600)).await;
    assert_eq!(never.refreshes(), 0);
    assert_eq!(never.status("google"), Status::Expired);
    assert!(never.token("google").await.is_ok());
    assert_eq!(never.refreshes(), 1);
}

#[tokio::test]
async fn a_login_whose_refresh_token_may_die_with_the_access_token_is_kept_warm() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.pass(seconds(26 * HOUR), seconds(300)).await;
    let before = bench.refreshes();
    bench.pass(seconds(6 * HOUR), seconds(300)).await;
    assert!(bench.refreshes() >= before + 4, "unused, and still warm");
}

#[tokio::test]
async fn an_outage_is_met_with_pauses_that_grow_to_a_quarter_of_an_hour() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let outage = Fault::refresh(FaultKind::status(503)).forever();
    bench.provider.fault(outage);
    bench.pass(seconds(HOUR - 240), seconds(30)).await;
    bench.pass(seconds(600), seconds(5)).await;
    let at_first = bench.refreshes();
    assert!((6..=12).contains(&at_first), "{at_first}");
    bench.pass(seconds(3 * HOUR), seconds(30)).await;
    let later = bench.refreshes() - at_first;
    assert!((9..=26).contains(&later), "{later}");
    assert_eq!(bench.count(EventKind::ConnectionPostponed).await, 1);
}

#[tokio::test]
async fn between_a_failed_refresh_and_the_next_the_alarm_rests() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).forever());
    bench.clock.advance(seconds(HOUR - 240));
    bench.provider.ended(Filter::refreshes(), 1).await;
    bench.settle().await;
    // For a second nothing is sent.
    bench.clock.advance(Duration::from_millis(990));
    bench.take_turns().await;
    let before = bench.clock.sleeps();
    for _ in 0..20 {
        bench.take_turns().await;
    }
    let rounds = bench.clock.sleeps() - before;
    assert!(rounds <= 2, "{rounds}");
    assert_eq!(bench.refreshes(), 1);
    bench.clock.advance(seconds(5));
    bench.provider.arrived(Filter::refreshes(), 2).await;
}

#[tokio::test]
async fn a_wake_refreshes_each_login_once_and_forgets_none() {
    let bench = Bench::start().await;
    let names = ["demo", "b", "c", "d"];
    for name in &names[1..] {
        bench.add(name, json!({})).await;
    }
    for name in names {
        bench.connect(name).await;
    }
    bench.clock.jump(SignedDuration::from_hours(10));
    bench.pass(seconds(10 * 60 + 15), seconds(5)).await;
    bench.provider.ended(Filter::refreshes(), names.len()).await;
    for name in names {
        let active = || bench.status(name) == Status::Active;
        eventually("active", active).await;
    }
    bench.pass(seconds(HOUR / 2), seconds(30)).await;
    assert_eq!(bench.refreshes(), names.len(), "each once");
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_no_refresh_and_makes_no_storm() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.pass(seconds(60), seconds(30)).await;
    bench.clock.set(SignedDuration::from_hours(-1));
    bench.pass(seconds(HOUR / 2), seconds(30)).await;
    assert_eq!(bench.refreshes(), 0);
    bench.pass(seconds(HOUR / 2), seconds(30)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
    assert!(bench.token("demo").await.is_ok());
    bench.pass(seconds(HOUR / 2), seconds(30)).await;
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_refreshed_needs_the_person_at_its_end() {
    let bench = Bench::with(Settings {
        refresh_tokens: RefreshTokens::Never,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.connect("demo").await;
    bench.pass(seconds(HOUR - 30), seconds(60)).await;
    assert!(bench.token("demo").await.is_ok(), "to its last minute");
    assert_eq!(bench.status("demo"), Status::Active);
    bench.pass(seconds(HOUR), seconds(30)).await;
    assert_eq!(bench.status("demo"), Status::NeedsReconnect);
    let error = bench.token("demo").await.expect_err("ended");
    assert!(
        matches!(error, AgentError::AuthRequired { again: true, .. }),
        "{error:?}"
    );
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 1);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn while_nothing_is_due_nothing_is_written() {
    let bench = long_lived(KeepWarm::OnDemand).await;
    bench.pass(seconds(2 * HOUR), seconds(600)).await;
    let all = EventFilter {
        limit: 10_000,
        ..EventFilter::default()
    };
    let state = async || {
        let events = bench.agent.events(all.clone()).await.expect("events").len();
        let mut files: Vec<(std::path::PathBuf, Vec<u8>)> = std::fs::read_dir(bench.home.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
            .collect();
        files.sort();
        (
            events,
            bench.store.writes(),
            bench.provider.count(Filter::all()),
            files,
        )
    };
    let before = state().await;
    bench.pass(seconds(24 * HOUR), seconds(600)).await;
    assert!(before == state().await, "a day in which nothing was due");
}
