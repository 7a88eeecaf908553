//! The wall clock is set: what counts is the time that really passed.

use jiff::{SignedDuration, Timestamp};
use valetkey_agent::{Check, CheckOutcome};

use crate::support::{Bench, key};

const THREE_HOURS: SignedDuration = SignedDuration::from_hours(3);

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn expires_at(bench: &Bench) -> Timestamp {
    let view = bench.agent.connection(&key("demo")).expect("connected");
    view.row.expires_at.expect("an end")
}

#[tokio::test]
async fn an_expired_token_is_not_served_because_the_clock_was_set_back() {
    let bench = Bench::connected().await;
    let old = bench.access("demo").await;
    bench.clock.set(-THREE_HOURS);
    bench.clock.jump(minutes(30));
    assert_eq!(
        bench.access("demo").await,
        old,
        "half of its lifetime is left"
    );
    bench.clock.jump(minutes(31));
    assert_ne!(bench.access("demo").await, old);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_ends_no_token() {
    let bench = Bench::connected().await;
    let old = bench.access("demo").await;
    let end = expires_at(&bench);
    bench.clock.set(THREE_HOURS);
    assert_eq!(bench.access("demo").await, old);
    assert_eq!(expires_at(&bench), end + THREE_HOURS);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn the_time_that_passed_counts_in_the_same_boot_over_restarts() {
    let mut bench = Bench::connected().await;
    let old = bench.access("demo").await;
    let end = expires_at(&bench);
    bench.agent.shutdown().await;
    bench.clock.set(-THREE_HOURS);
    bench.start_again().await;
    assert_eq!(expires_at(&bench), end - THREE_HOURS);
    assert_eq!(bench.access("demo").await, old);
    assert_eq!(expires_at(&bench), end - THREE_HOURS);
    bench.agent.shutdown().await;
    bench.clock.jump(minutes(61));
    bench.start_again().await;
    assert_ne!(bench.access("demo").await, old);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn after_a_reboot_a_clock_before_the_receipt_means_a_refresh() {
    let mut bench = Bench::connected().await;
    let old = bench.access("demo").await;
    bench.agent.shutdown().await;
    bench.clock.reboot();
    bench.start_again().await;
    assert_eq!(bench.access("demo").await, old, "the clock is right");
    bench.agent.shutdown().await;
    bench.clock.set(-THREE_HOURS);
    bench.clock.reboot();
    bench.start_again().await;
    assert_ne!(bench.access("demo").await, old);
    assert_eq!(bench.refreshes(), 1);
}

async fn clock_check(bench: &Bench) -> Check {
    let checks = bench.agent.doctor().await;
    let clock = checks.into_iter().find(|check| check.name == "clock");
    clock.expect("it is checked")
}

#[tokio::test]
async fn doctor_compares_the_clock_with_what_a_provider_said_last() {
    let bench = Bench::start().await;
    bench.clock.set(minutes(2));
    assert_eq!(
        clock_check(&bench).await.outcome,
        CheckOutcome::Well,
        "nobody said anything"
    );
    bench.connect("demo").await;
    let check = clock_check(&bench).await;
    assert_eq!(check.outcome, CheckOutcome::Warning, "{check:?}");
    assert!(check.message.contains("ahead of 127.0.0.1's"), "{check:?}");
    bench.clock.set(minutes(-2));
    bench.clock.jump(minutes(90));
    let check = clock_check(&bench).await;
    assert_eq!(check.outcome, CheckOutcome::Well, "{check:?}");
    bench.clock.set(-THREE_HOURS);
    let check = clock_check(&bench).await;
    assert_eq!(check.outcome, CheckOutcome::Warning, "{check:?}");
    assert!(check.message.contains("behind 127.0.0.1's"), "{check:?}");
    assert!(check.hint.is_some());
}
