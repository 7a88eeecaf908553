//! Sign in once, get fresh tokens for ever.

use crate::support::{Bench, LONG, authorize_url, key, me, visit};
use crate::tokens_by_name::TokensByName as _;
use valetkey_agent::protocol::TokenTest;
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, Invalidated, TokenRequirements};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Fault, FaultKind, Filter, RefreshTokens, Settings};

#[tokio::test]
async fn a_sign_in_makes_a_connection_that_serves_tokens() {
    let bench = Bench::start().await;
    let SignInState::Completed(done) = bench.connect("demo").await else {
        panic!("not completed")
    };
    assert_eq!(done.connection.to_string(), "demo");
    assert_eq!(done.account.as_deref(), Some("ada@example.com"));
    assert!(!done.renewed);
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
    assert_eq!(bench.status("demo"), Status::Active);
}

#[tokio::test]
async fn a_fresh_token_comes_from_memory() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let reads = bench.store.reads();
    let answer = bench
        .agent
        .cached_token_of(&key("demo"), &TokenRequirements::default(), &me());
    assert!(answer.is_some());
    assert_eq!(bench.store.reads(), reads);
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_rotation_is_followed() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let mut last = bench.access("demo").await;
    for round in 1..=3 {
        bench.expire();
        let next = bench.access("demo").await;
        assert_ne!(next, last);
        assert_eq!(bench.provider.count(Filter::refreshes()), round);
        last = next;
    }
    assert!(!bench.provider.family_revoked("ada"));
}

#[tokio::test]
async fn a_thousand_callers_at_expiry_make_one_request() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let agent = bench.agent.clone();
        callers.spawn(async move {
            agent
                .token_of(&key("demo"), &TokenRequirements::default(), &me())
                .await
        });
    }
    let mut generations = std::collections::BTreeSet::new();
    while let Some(answer) = callers.join_next().await {
        generations.insert(
            answer
                .unwrap()
                .expect("every caller is served")
                .live
                .grant
                .generation,
        );
    }
    assert_eq!(generations.len(), 1);
    assert_eq!(bench.provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_cancel_the_refresh() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let latch = bench.provider.latch(Fault::refresh);
    let agent = bench.agent.clone();
    let caller = tokio::spawn(async move {
        agent
            .token_of(&key("demo"), &TokenRequirements::default(), &me())
            .await
    });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    caller.abort();
    let _ = caller.await;
    latch.release();
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
    assert_eq!(bench.provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let before = bench.access("demo").await;
    bench.restart().await;
    assert_eq!(bench.access("demo").await, before);
    bench.expire();
    bench.restart().await;
    assert_ne!(bench.access("demo").await, before);
}

#[tokio::test]
async fn a_late_report_never_kills_a_newer_token() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let first = bench.token("demo").await.unwrap().live.fingerprint.clone();
    let done = bench
        .agent
        .invalidate_of(&key("demo"), &first, &me())
        .await
        .unwrap();
    assert_eq!(done, Invalidated::Refreshed);
    let again = bench
        .agent
        .invalidate_of(&key("demo"), &first, &me())
        .await
        .unwrap();
    assert_eq!(again, Invalidated::AlreadyNewer);
    assert_eq!(bench.provider.count(Filter::refreshes()), 1);
}

#[tokio::test]
async fn invalid_grant_means_sign_in_again_once_and_connect_mends_it() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.provider.revoke_account("ada");
    bench.expire();
    for _ in 0..3 {
        let error = bench.token("demo").await.expect_err("the grant is dead");
        assert!(
            matches!(error, AgentError::AuthRequired { again: true, .. }),
            "{error:?}"
        );
    }
    assert_eq!(bench.provider.count(Filter::refreshes()), 1);
    assert_eq!(bench.status("demo"), Status::NeedsReconnect);
    // The provider's clock stood still: by ours its id tokens would have ended already.
    bench.clock.jump(jiff::SignedDuration::from_hours(-2));
    let SignInState::Completed(done) = bench.connect("demo").await else {
        panic!("not completed")
    };
    assert!(done.renewed);
    assert_eq!(bench.status("demo"), Status::Active);
}

#[tokio::test]
async fn an_outage_keeps_the_login_and_serves_the_old_token_while_it_lives() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    bench
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).forever());
    // Within the margin: alive, but not fresh.
    bench.clock.jump(jiff::SignedDuration::from_secs(3600 - 30));
    assert_eq!(bench.access("demo").await, old);
    bench.expire();
    bench.try_later().await;
    bench.provider.clear_faults();
    bench.clock.jump(jiff::SignedDuration::from_secs(10));
    let new = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&new));
}

#[tokio::test]
async fn disconnect_revokes_and_forgets() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let token = bench.access("demo").await;
    // The person is told its name, whatever the caller knows it by.
    let by_id = key(&bench.view("demo").row.id.to_string());
    let refused = bench.agent.disconnect(&by_id, false, &me()).await;
    let Err(AgentError::Conflict {
        message, in_use, ..
    }) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(in_use, ["demo"]);
    assert!(message.starts_with("a program used `demo` "), "{message}");
    let gone = bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .unwrap();
    assert_eq!(
        gone.revocation,
        valetkey_agent::protocol::Revocation::Revoked
    );
    assert!(!bench.provider.access_token_lives(&token));
    assert!(bench.store.items().is_empty());
    assert!(bench.token("demo").await.is_err());
}

#[tokio::test]
async fn a_refresh_that_comes_back_after_disconnect_is_revoked() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let agent = bench.agent.clone();
    let caller = tokio::spawn(async move {
        agent
            .token_of(&key("demo"), &TokenRequirements::default(), &me())
            .await
    });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .unwrap();
    latch.release();
    assert!(caller.await.unwrap().is_err());
    assert!(bench.store.items().is_empty());
    assert!(bench.provider.live_refresh_token("ada").is_none());
}

#[tokio::test]
async fn two_accounts_stand_side_by_side() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench
        .provider
        .update(|s| *s = Settings::auto_consent("grace"));
    let SignInState::Completed(done) = bench.connect("demo").await else {
        panic!("not completed")
    };
    assert_eq!(done.connection.to_string(), "demo/grace@example.com");
    assert_ne!(
        bench.access("demo").await,
        bench.access("demo/grace@example.com").await
    );
}

#[tokio::test]
async fn denied_consent_is_no_failure_of_ours() {
    let bench = Bench::start().await;
    bench
        .provider
        .update(|s| s.consent = valetkey_demo_provider::Consent::Deny);
    let state = bench.connect("demo").await;
    assert!(matches!(state, SignInState::Denied(_)), "{state:?}");
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn a_callback_counts_once() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let sent = client.get(authorize_url(&view)).send().await.unwrap();
    let back = sent.headers()["location"].to_str().unwrap().to_owned();
    let forged = back.replace("state=", "state=x");
    assert_eq!(client.get(&forged).send().await.unwrap().status(), 400);
    assert!(!bench.agent.sign_in(view.id).unwrap().state.has_ended());
    let (status, page) = visit(&back).await;
    assert_eq!(status, 200);
    assert!(page.contains("Signed in"), "{page}");
    let done = bench.agent.wait_sign_in(view.id, LONG).await.unwrap();
    assert!(matches!(done.state, SignInState::Completed(_)));
    assert!(
        client.get(&back).send().await.is_err() || bench.provider.count(Filter::exchanges()) == 1
    );
    assert_eq!(bench.provider.count(Filter::exchanges()), 1);
}

#[tokio::test]
async fn a_token_without_an_announced_end_is_refreshed_when_it_was_refused() {
    let bench = Bench::with(Settings {
        access_token_lifetime_seconds: None,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.connect("demo").await;
    let first = bench.token("demo").await.expect("a token").live;
    assert_eq!(first.grant.expires_at, None);

    let refused = &first.fingerprint;
    let invalidated = bench
        .agent
        .invalidate_of(&key("demo"), refused, &me())
        .await;
    assert_eq!(invalidated.expect("refreshed"), Invalidated::Refreshed);
    let second = bench.access("demo").await;
    assert_ne!(second, first.grant.access_token.expose());
    bench
        .agent
        .refresh_of(&key("demo"), &me())
        .await
        .expect("refreshed");
    assert_eq!(bench.refreshes(), 2);
    assert!(!bench.provider.family_revoked("ada"));
}

#[tokio::test]
async fn a_new_sign_in_without_a_refresh_token_keeps_the_one_of_the_same_account() {
    let bench = Bench::with(Settings {
        refresh_tokens: RefreshTokens::Kept,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.connect("demo").await;
    let none = Fault::exchange(FaultKind::without("refresh_token"));
    bench.provider.fault(none);
    bench.connect("demo").await;
    assert!(bench.view("demo").row.refreshable);
    bench.expire();
    bench.access("demo").await;
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_test_of_the_token_is_no_use_of_it() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let tested = bench.agent.test(&key("demo")).await.expect("an answer");
    let accepted = matches!(tested.outcome, TokenTest::Accepted { .. });
    assert!(accepted && !tested.refreshed, "{tested:?}");
    assert_eq!(bench.view("demo").row.used_at, None);
    assert_eq!(bench.count(EventKind::TokenServed).await, 0);
}

#[tokio::test]
async fn what_the_person_renews_is_given_to_nobody_and_a_pause_is_no_hindrance() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.agent.pause(&me()).await.unwrap();
    let before = bench.agent.connection(&key("demo")).unwrap();
    bench.agent.renew(&key("demo")).await.unwrap();
    let after = bench.agent.connection(&key("demo")).unwrap();
    assert!(after.row.state.generation > before.row.state.generation);
    assert_eq!((bench.refreshes(), after.row.used_at), (1, None));
    assert_eq!(bench.count(EventKind::TokenServed).await, 0);
}
