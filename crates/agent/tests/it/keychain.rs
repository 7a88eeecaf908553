//! The keychain: locked, hanging, failing or gone, at every moment of a refresh.

use std::time::Instant;

use crate::support::{Bench, LONG, STORE_LIMIT, eventually, key, me, seconds};
use crate::tokens_by_name::TokensByName as _;
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, TokenRequirements};
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Fault as ProviderFault, FaultKind, Filter, Latch};
use valetkey_vault::store::testing::Fault;

/// A refresh that the provider has carried out, and whose answer waits.
async fn answer_held_back(bench: &Bench) -> Latch {
    let before = bench.refreshes();
    let latch = bench
        .provider
        .latch(|latch| ProviderFault::refresh(latch).after_processing());
    bench.expire();
    bench.ask("demo");
    bench
        .provider
        .arrived(Filter::refreshes(), before + 1)
        .await;
    latch
}

#[tokio::test]
async fn a_locked_keychain_stops_a_refresh_before_anything_is_sent() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    bench.store.set(Fault::Locked);
    bench.clock.jump(jiff::SignedDuration::from_secs(3600 - 30));
    assert_eq!(bench.access("demo").await, old, "served while it lives");
    bench.expire();
    for _ in 0..3 {
        let error = bench.token("demo").await.expect_err("locked");
        assert!(matches!(error, AgentError::KeychainLocked(_)), "{error:?}");
    }
    assert_eq!(bench.refreshes(), 0);
    assert_eq!(bench.count(EventKind::ConnectionPostponed).await, 1);
    assert_eq!(bench.status("demo"), Status::Expired);
    let error = bench.view("demo").row.refresh_error.unwrap();
    assert_eq!(
        error.kind,
        RefreshErrorKind::NotStorable,
        "not the provider's"
    );

    bench.store.set(Fault::None);
    let new = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&new));
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.status("demo"), Status::Active);
}

#[tokio::test]
async fn an_unlocked_keychain_heals_a_login_that_nobody_asks_for() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.store.set(Fault::Locked);
    bench.pass(seconds(3600), seconds(30)).await;
    assert_eq!(bench.refreshes(), 0);
    bench.store.set(Fault::None);
    bench.pass(seconds(15 * 60), seconds(30)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
    eventually("active again", || bench.status("demo") == Status::Active).await;
}

#[tokio::test]
async fn a_grant_that_cannot_be_stored_is_held_served_and_stored_later() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let stored = bench.store.item(bench.grant_item("demo"));
    let latch = answer_held_back(&bench).await;
    bench.store.set(Fault::Locked);
    latch.release();
    let new = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&new));
    assert!(bench.view("demo").unsaved);
    assert_eq!(bench.store.item(bench.grant_item("demo")), stored);

    bench.pass(seconds(60), seconds(5)).await;
    assert_eq!(bench.access("demo").await, new);
    assert_eq!(bench.count(EventKind::GrantUnsaved).await, 1, "told once");
    assert_eq!(bench.count(EventKind::GrantSaved).await, 0);

    bench.store.set(Fault::None);
    bench.pass(seconds(6), seconds(1)).await;
    eventually("stored", || !bench.view("demo").unsaved).await;
    assert_eq!(bench.count(EventKind::GrantSaved).await, 1);
    bench.restart().await;
    assert_eq!(bench.access("demo").await, new);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn no_refresh_is_sent_while_the_last_grant_cannot_be_stored() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let latch = answer_held_back(&bench).await;
    // Reachable and unlocked, and yet nothing can be written.
    bench.store.set(Fault::FailWrites);
    latch.release();
    let held = bench.access("demo").await;
    let refused = bench.agent.refresh_of(&key("demo"), &me()).await;
    assert!(
        matches!(refused, Err(AgentError::KeychainLocked(_))),
        "{refused:?}"
    );
    assert_eq!(bench.access("demo").await, held);
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.count(EventKind::GrantUnsaved).await, 1);
    bench.store.set(Fault::None);
    bench.agent.refresh_of(&key("demo"), &me()).await.unwrap();
    assert_eq!(bench.refreshes(), 2);
    assert!(!bench.view("demo").unsaved);
    assert!(!bench.provider.family_revoked("ada"));
}

#[tokio::test]
async fn a_write_that_fails_once_is_made_up_for() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    bench.store.set(Fault::FailNextWrite);
    let new = bench.access("demo").await;
    assert!(bench.view("demo").unsaved);
    bench.pass(seconds(6), seconds(1)).await;
    eventually("stored", || !bench.view("demo").unsaved).await;
    assert_eq!(bench.access("demo").await, new);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_write_that_reports_failure_but_happened_counts_as_done() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    bench.store.set(Fault::WriteThenFail);
    let new = bench.access("demo").await;
    assert!(!bench.view("demo").unsaved);
    assert_eq!(bench.count(EventKind::GrantUnsaved).await, 0);
    bench.restart().await;
    assert_eq!(bench.access("demo").await, new);
}

#[tokio::test]
async fn a_held_grant_is_stored_at_shutdown() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let latch = answer_held_back(&bench).await;
    bench.store.set(Fault::Locked);
    latch.release();
    let held = bench.access("demo").await;
    assert!(bench.view("demo").unsaved);
    bench.store.set(Fault::None);
    bench.restart().await;
    assert_eq!(bench.access("demo").await, held);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_hanging_keychain_holds_up_only_those_who_need_it() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.add("other", serde_json::json!({})).await;
    bench.connect("other").await;
    bench.expire();
    let cached = bench.access("other").await;
    bench.store.set(Fault::Hang);

    let hung = bench.token("demo").await.expect_err("hangs");
    assert!(matches!(hung, AgentError::KeychainLocked(_)), "{hung:?}");
    let begun = Instant::now();
    let again = bench.token("demo").await.expect_err("still hangs");
    assert!(matches!(again, AgentError::KeychainLocked(_)), "{again:?}");
    assert!(begun.elapsed() < STORE_LIMIT, "later calls fail at once");
    let other = bench
        .agent
        .cached_token_of(&key("other"), &TokenRequirements::default(), &me())
        .expect("from memory");
    assert_eq!(other.live.grant.access_token.expose(), cached);
    assert_eq!(bench.refreshes(), 1);

    bench.store.set(Fault::None);
    let healed = async {
        while bench.token("demo").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, healed).await.expect("heals");
    assert_eq!(bench.refreshes(), 2);
}

#[tokio::test]
async fn a_write_that_hangs_loses_nothing() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let latch = answer_held_back(&bench).await;
    bench.store.set(Fault::Hang);
    latch.release();
    let new = bench.access("demo").await;
    assert!(bench.view("demo").unsaved, "unknown until it is read back");
    bench.store.set(Fault::None);
    bench.pass(seconds(30), seconds(5)).await;
    eventually("stored", || !bench.view("demo").unsaved).await;
    bench.restart().await;
    assert_eq!(bench.access("demo").await, new);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_missing_or_refusing_keychain_is_named() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    for (fault, what_to_do) in [
        (Fault::Denied, "allow Valet Key in the keychain's settings"),
        (Fault::Unavailable, "start a keychain"),
    ] {
        bench.store.set(fault);
        let named = |error: AgentError| {
            let hint = error.hint().unwrap_or_default();
            assert!(hint.starts_with(what_to_do), "{fault:?}: {error:?}");
        };
        named(bench.token("demo").await.expect_err("no keychain"));
        // A login that cannot be stored is not begun.
        named(bench.begin_as("demo", None).await.expect_err("not begun"));
        assert!(bench.agent.status().await.store_problem.is_some());
    }
    bench.store.set(Fault::None);
    assert!(bench.token("demo").await.is_ok());
}

#[tokio::test]
async fn a_garbled_foreign_or_missing_item_means_sign_in_again_once() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.add("other", serde_json::json!({})).await;
    bench.connect("other").await;
    let item = bench.grant_item("demo");
    let foreign = bench.store.item(bench.grant_item("other"));
    let garbled: [Option<&[u8]>; 5] = [
        Some(b"{\"version\":1,\"connection\":"),
        Some(b"\xff\xfe"),
        Some(b"{\"version\":99}"),
        foreign.as_deref(),
        None,
    ];
    for (round, value) in garbled.into_iter().enumerate() {
        bench.restart().await;
        bench.store.tamper(item, value);
        for _ in 0..2 {
            let error = bench.token("demo").await.expect_err("no grant");
            assert!(
                matches!(error, AgentError::AuthRequired { again: true, .. }),
                "{round}: {error:?}"
            );
        }
        assert_eq!(bench.status("demo"), Status::NeedsReconnect);
        let told = bench.count(EventKind::ConnectionNeedsReconnect).await;
        assert_eq!(told, round + 1, "told once");
        assert!(bench.token("other").await.is_ok());
        let SignInState::Completed(done) = bench.connect("demo").await else {
            panic!("not completed")
        };
        assert!(done.renewed);
    }
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_login_whose_item_is_found_again_is_served_again() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let token = bench.access("demo").await;
    let name = bench.grant_item("demo");
    let item = bench.store.item(name);
    for round in 1..=2 {
        bench.restart().await;
        bench.store.tamper(name, None);
        bench.token("demo").await.expect_err("no grant");
        assert_eq!(bench.status("demo"), Status::NeedsReconnect);
        let reads = bench.store.reads();
        bench.token("demo").await.expect_err("still none");
        assert_eq!(bench.store.reads(), reads, "not asked each time");

        bench.store.tamper(name, item.as_deref());
        if round == 1 {
            bench.restart().await;
        } else {
            bench.clock.jump(jiff::SignedDuration::from_secs(31));
        }
        assert_eq!(bench.access("demo").await, token);
        assert_eq!(bench.status("demo"), Status::Active);
        assert_eq!(bench.count(EventKind::ConnectionAdopted).await, round);
    }
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 2);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_refused_login_stays_refused_across_restarts() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let refusal = FaultKind::oauth_error("invalid_grant");
    bench.provider.fault(ProviderFault::refresh(refusal));
    bench.token("demo").await.expect_err("refused");
    bench.restart().await;
    let reads = bench.store.reads();
    let again = bench.token("demo").await.expect_err("still refused");
    assert!(
        matches!(again, AgentError::AuthRequired { again: true, .. }),
        "{again:?}"
    );
    assert_eq!(bench.store.reads(), reads, "the keychain cannot help");
    assert_eq!(bench.refreshes(), 1);
}
