//! The audit log names connections and callers, also after they were removed.

use std::time::Duration;

use crate::support::{Bench, LONG, key, me};
use crate::tokens_by_name::TokensByName as _;
use serde_json::json;
use valetkey_agent::{Actor, AgentError, TokenRequirements};
use valetkey_core::actor;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::settings::RetentionDays;
use valetkey_vault::store::testing::Fault;
use valetkey_vault::{EventFilter, ItemName};

async fn events(bench: &Bench, kinds: &[EventKind]) -> Vec<Event> {
    let filter = EventFilter {
        kinds: kinds.to_vec(),
        limit: 20_000,
        ..EventFilter::default()
    };
    let found = bench.agent.events(filter).await.expect("events");
    found.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn each_step_of_a_sign_in_names_its_authenticator() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let cancelled = bench.begin("demo").await;
    let cancelled = bench.agent.cancel_sign_in(cancelled.id, &me()).await;
    let authenticator = bench.view("demo").row.authenticator;
    let steps = [
        EventKind::SignInStarted,
        EventKind::SignInAuthorized,
        EventKind::SignInCompleted,
        EventKind::SignInCancelled,
    ];
    let found = events(&bench, &steps).await;
    assert_eq!(found.len(), 5, "{cancelled:?}");
    for event in found {
        assert_eq!(event.authenticator, Some(authenticator), "{event:?}");
    }
}

#[tokio::test]
async fn served_and_refused_tokens_keep_their_names_after_their_connection_is_removed() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let authenticator = bench.view("demo").row.authenticator;
    bench.token("demo").await.expect("a token");
    bench.agent.pause(&me()).await.expect("paused");
    bench.token("demo").await.expect_err("paused");
    let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
    gone.expect("disconnected");
    let served = events(&bench, &[EventKind::TokenServed]).await.remove(0);
    assert_eq!(served.detail["connection"], json!("demo"));
    let refused = events(&bench, &[EventKind::TokenRefused]).await.remove(0);
    assert_eq!(refused.detail["connection"], json!("demo"));
    assert_eq!(refused.authenticator, Some(authenticator));
}

#[tokio::test]
async fn every_served_token_is_logged_in_order_under_its_caller() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    // Each caller twice, and more than one batch.
    let callers: Vec<_> = (0..2500)
        .map(|n| actor::Actor::Process {
            pid: Some(n / 2),
            executable: None,
        })
        .collect();
    for caller in &callers {
        let who = Actor::from(caller.clone());
        let answer = bench
            .agent
            .cached_token_of(&key("demo"), &TokenRequirements::default(), &who);
        answer.expect("a token from memory");
    }
    let served = events(&bench, &[EventKind::TokenServed]).await;
    let logged: Vec<_> = served
        .into_iter()
        .map(|event| event.actor.expect("a name"))
        .collect();
    assert_eq!(logged, callers);
}

/// More than the queue holds, faster than it is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_token_served_under_load_is_recorded_or_counted() {
    const CALLERS: usize = 4;
    const EACH: usize = 12_000;
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.token("demo").await.expect("a token");
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let agent = bench.agent.clone();
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    agent
                        .cached_token_of(&key("demo"), &TokenRequirements::default(), &me())
                        .expect("a token from memory");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().expect("served");
    }
    let (mut recorded, mut counted) = (0, 0);
    let mut after = EventId(0);
    loop {
        let page = EventFilter {
            after: Some(after),
            limit: 10_000,
            ..EventFilter::default()
        };
        let page = bench.agent.events(page).await.expect("events");
        let Some((last, _)) = page.last() else {
            break;
        };
        after = *last;
        for (_, event) in page {
            match event.kind {
                EventKind::TokenServed => recorded += 1,
                EventKind::TokensUnrecorded => {
                    counted += event.detail["count"].as_u64().expect("a number");
                }
                _ => {}
            }
        }
    }
    let served = u64::try_from(CALLERS * EACH + 1).expect("few");
    assert_eq!(recorded + counted, served, "{counted} counted");
}

/// Followers are notified once for each transaction.
#[tokio::test]
async fn served_tokens_under_load_are_written_in_full_batches() {
    const BATCH: usize = 512;
    const ROUNDS: usize = 20;
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.token("demo").await.expect("a token");
    events(&bench, &[]).await;
    let mut transactions = bench.agent.follow();
    let started = std::time::Instant::now();
    let serve = || {
        let token = bench
            .agent
            .cached_token_of(&key("demo"), &TokenRequirements::default(), &me());
        token.expect("a token from memory");
    };
    let mut count = 0;
    for _ in 0..ROUNDS {
        (0..BATCH).for_each(|_| serve());
        // A token served while a batch is written must not cause another write.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        serve();
        transactions.recv().await.expect("a transaction");
        count += 1;
        // Gives it time to write again, if it did.
        for _ in 0..20 {
            let _ = bench.agent.status().await;
        }
    }
    let served = events(&bench, &[EventKind::TokenServed]).await;
    assert_eq!(served.len(), ROUNDS * (BATCH + 1) + 1);
    while transactions.try_recv().is_ok() {
        count += 1;
    }
    let seconds = usize::try_from(started.elapsed().as_secs()).expect("few");
    assert!(count <= ROUNDS + 2 + seconds, "{count} transactions");
}

#[tokio::test]
async fn events_are_deleted_after_the_retention_daily_and_when_it_is_shortened() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.token("demo").await.expect("a token");
    let day = Duration::from_hours(24);
    let served = async || events(&bench, &[EventKind::TokenServed]).await.len();
    let pruned = async || {
        while served().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    bench.clock.advance(89 * day);
    bench.take_turns().await;
    assert_eq!(served().await, 1, "kept for 90 days");
    bench.clock.advance(2 * day);
    let in_time = tokio::time::timeout(LONG, pruned()).await;
    in_time.expect("deleted after a day");

    bench.token("demo").await.expect("a token");
    bench.clock.advance(20 * day);
    bench.take_turns().await;
    assert_eq!(served().await, 1);
    let shorter = RetentionDays::try_from(10).expect("days");
    bench
        .agent
        .change_settings(move |settings| settings.retention_days = shorter, &me())
        .await
        .expect("changed");
    let in_time = tokio::time::timeout(LONG, pruned()).await;
    in_time.expect("deleted at once");
}

/// Hand-outs are written behind the reply, and changes at once: the log keeps their order all the same.
#[tokio::test]
async fn lines_stand_in_the_order_in_which_things_happened() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let before = bench.agent.events(EventFilter::default()).await.unwrap();
    let (last, _) = before.last().unwrap();
    bench.token("demo").await.unwrap();
    bench.agent.pause(&me()).await.unwrap();
    bench.token("demo").await.unwrap_err();
    bench.agent.resume(&me()).await.unwrap();
    bench.token("demo").await.unwrap();
    let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
    gone.unwrap();
    bench.token("demo").await.unwrap_err();
    let after = EventFilter {
        after: Some(*last),
        ..EventFilter::default()
    };
    let found = bench.agent.events(after).await.unwrap();
    let kinds: Vec<_> = found.into_iter().map(|(_, event)| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::TokenServed,
            EventKind::Paused,
            EventKind::TokenRefused,
            EventKind::Resumed,
            EventKind::TokenServed,
            EventKind::ConnectionRemoving,
            EventKind::ConnectionRemoved,
        ]
    );
}

#[tokio::test]
async fn the_keychain_learns_the_end_of_the_log_a_minute_after_something_happened() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let anchor = || bench.store.item(ItemName::AuditLog);
    let first = anchor();
    assert!(first.is_some(), "made at the first start");
    let minute = Duration::from_mins(1);
    let anchored = async |before: &Option<Vec<u8>>| {
        while anchor() == *before {
            tokio::task::yield_now().await;
        }
        anchor()
    };
    // The task may still be on its way to its sleep.
    bench.take_turns().await;
    bench.clock.advance(minute);
    let second = tokio::time::timeout(LONG, anchored(&first)).await.unwrap();
    bench.token("demo").await.unwrap();
    assert!(bench.agent.check_log().await.unwrap().problems.is_empty());
    bench.take_turns().await;
    assert_eq!(anchor(), second, "not at once");
    bench.clock.advance(minute);
    let third = tokio::time::timeout(LONG, anchored(&second)).await.unwrap();
    bench.clock.advance(minute);
    bench.take_turns().await;
    assert_eq!(anchor(), third, "nothing happened");
    bench.agent.shutdown().await;
    assert_ne!(anchor(), third, "at the stop");
}

#[tokio::test]
async fn a_start_with_a_locked_keychain_is_logged_and_chained_later() {
    let mut bench = Bench::start().await;
    bench.agent.shutdown().await;
    bench.store.set(Fault::Locked);
    bench.start_again().await;
    let locked = bench.agent.check_log().await;
    assert!(
        matches!(locked, Err(AgentError::KeychainLocked(_))),
        "{locked:?}"
    );
    bench.store.set(Fault::None);
    let check = bench.agent.check_log().await.unwrap();
    assert_eq!(
        (check.problems, check.unclean_ends, check.late),
        (vec![], 0, 1)
    );
}
