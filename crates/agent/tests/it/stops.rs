//! A stop in good order loses no login, whatever is under way.

use crate::support::{Bench, LONG, seconds};
use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_agent::AgentError;
use valetkey_demo_provider::{Fault, FaultKind, Filter};

/// Begins to stop; returns once it waits for what was sent.
async fn stopping(bench: &Bench) -> JoinHandle<()> {
    let agent = bench.agent.clone();
    let stop = tokio::spawn(async move { agent.shutdown().await });
    while !matches!(
        bench.begin_as("nobody", None).await,
        Err(AgentError::Stopping)
    ) {
        tokio::task::yield_now().await;
    }
    bench.take_turns().await;
    stop
}

async fn ended(stop: JoinHandle<()>) {
    let in_time = tokio::time::timeout(LONG, stop).await;
    in_time.expect("the stop ends").expect("no panic");
}

#[tokio::test]
async fn a_refresh_that_was_sent_is_waited_for_as_long_as_it_may_take() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let asked = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let stop = stopping(&bench).await;
    // Two requests of 30 s, if the first answer is lost.
    bench.clock.advance(seconds(60));
    bench.take_turns().await;
    latch.release();
    ended(stop).await;
    drop(asked);

    bench.start_again().await;
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
    bench.expire();
    bench.access("demo").await;
    assert!(!bench.provider.family_revoked("ada"));
}

#[tokio::test]
async fn an_alarm_that_is_due_while_the_agent_stops_sends_nothing() {
    let mut bench = Bench::start().await;
    bench.add("other", json!({})).await;
    bench.connect("demo").await;
    bench.pass(seconds(600), seconds(60)).await;
    bench.connect("other").await;
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    bench.pass(seconds(3600 - 300 - 600), seconds(60)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let stop = stopping(&bench).await;
    bench.clock.jump(jiff::SignedDuration::from_mins(10));
    for _ in 0..5 {
        bench.clock.advance(seconds(5));
        bench.take_turns().await;
    }
    assert_eq!(bench.refreshes(), 1, "only what was sent before");
    latch.release();
    ended(stop).await;

    bench.start_again().await;
    for name in ["demo", "other"] {
        bench.expire();
        bench.access(name).await;
    }
    assert!(
        bench
            .provider
            .families()
            .iter()
            .all(|family| family.revoked.is_none())
    );
}

#[tokio::test]
async fn a_provider_that_never_answers_does_not_keep_the_agent_from_stopping() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    bench.provider.fault(Fault::refresh(FaultKind::Hang));
    let asked = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let stop = stopping(&bench).await;
    bench.clock.advance(seconds(140));
    ended(stop).await;
    drop(asked);
    bench.start_again().await;
    bench.access("demo").await;
}
