//! One exit for tokens: what changed while a caller waited counts, and nothing is asked for twice.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use jiff::SignedDuration;
use tokio::task::JoinHandle;
use valetkey_agent::{AgentError, AuthenticatorChange, ServedToken, TokenRequirements};
use valetkey_core::connection_state::Status;
use valetkey_demo_provider::{Fault, Filter, Latch};

use crate::support::{Bench, authenticator_key, eventually, key, me, seconds};
use crate::tokens_by_name::TokensByName as _;

/// More than any token of the demo provider lives: it must be refreshed, and the old one is valid.
fn longer_than_it_lives() -> TokenRequirements {
    TokenRequirements {
        min_valid: Some(SignedDuration::from_hours(48)),
        ..TokenRequirements::default()
    }
}

/// A caller waits for a refresh that the provider holds; its old token is still valid.
async fn waiting(bench: &Bench) -> (Latch, JoinHandle<Result<ServedToken, AgentError>>) {
    let latch = bench.provider.latch(Fault::refresh);
    let agent = bench.agent.clone();
    let caller = tokio::spawn(async move {
        agent
            .token_of(&key("demo"), &longer_than_it_lives(), &me())
            .await
    });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    (latch, caller)
}

async fn disable(bench: &Bench) {
    let change = AuthenticatorChange {
        is_active: Some(false),
        ..AuthenticatorChange::default()
    };
    let name = authenticator_key("demo");
    bench
        .agent
        .update_authenticator(&name, change, &me())
        .await
        .expect("disabled");
}

#[tokio::test]
async fn a_caller_that_waits_gets_no_old_token_after_a_disconnect() {
    let bench = Bench::connected().await;
    let (latch, caller) = waiting(&bench).await;
    bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .expect("disconnected");
    bench.clock.advance(seconds(6));
    let served = caller.await.expect("no panic");
    assert!(
        matches!(served, Err(AgentError::NotFound { .. })),
        "{served:?}"
    );
    latch.release();
}

#[tokio::test]
async fn what_arrives_after_a_disconnect_is_revoked_itself() {
    let bench = Bench::connected().await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let agent = bench.agent.clone();
    let any = TokenRequirements::default();
    let caller = tokio::spawn(async move { agent.token_of(&key("demo"), &any, &me()).await });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
    gone.expect("disconnected");
    let known = bench.revoked_tokens();
    latch.release();
    let _ = caller.await;
    eventually("revoked", || bench.revoked_tokens().len() > known.len()).await;
}

#[tokio::test]
async fn a_caller_that_waits_gets_no_token_after_a_pause() {
    for released in [false, true] {
        let bench = Bench::connected().await;
        let (latch, caller) = waiting(&bench).await;
        bench.agent.pause(&me()).await.expect("paused");
        if released {
            latch.release();
        } else {
            bench.clock.advance(seconds(6));
        }
        let served = caller.await.expect("no panic");
        assert!(
            matches!(served, Err(AgentError::Paused)),
            "released {released}: {served:?}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_waits_gets_no_token_of_an_authenticator_that_was_disabled() {
    for released in [false, true] {
        let bench = Bench::connected().await;
        let (latch, caller) = waiting(&bench).await;
        disable(&bench).await;
        if released {
            latch.release();
        } else {
            bench.clock.advance(seconds(6));
        }
        let served = caller.await.expect("no panic");
        assert!(
            matches!(served, Err(AgentError::Disabled(_))),
            "released {released}: {served:?}"
        );
    }
}

#[tokio::test]
async fn a_wish_for_more_than_the_provider_gives_is_one_refresh() {
    let bench = Bench::connected().await;
    for _ in 0..20 {
        let served = bench
            .agent
            .token_of(&key("demo"), &longer_than_it_lives(), &me())
            .await
            .expect("the best that there is");
        let end = served.live.grant.expires_at.expect("an end");
        assert!(end > served.at);
    }
    assert_eq!(bench.refreshes(), 1);
    // At the usual time it is refreshed as always.
    bench.expire();
    bench.access("demo").await;
    assert_eq!(bench.refreshes(), 2);
}

#[tokio::test]
async fn a_caller_that_hangs_up_during_the_first_load_leaves_memory_as_the_disk_is() {
    for polls in 1..10 {
        let bench = Bench::connected().await;
        let name = bench.grant_item("demo");
        let item = bench.store.item(name).expect("an item");
        bench.store.tamper(name, None);
        let mut bench = bench;
        bench.restart().await;
        let lost = bench.token("demo").await.expect_err("its item is gone");
        assert!(matches!(lost, AgentError::AuthRequired { .. }), "{lost:?}");
        bench.store.tamper(name, Some(&item));
        bench.clock.advance(seconds(31));
        {
            let (agent, demo, who) = (&bench.agent, key("demo"), me());
            let requirements = TokenRequirements::default();
            let call = agent.token_of(&demo, &requirements, &who);
            let mut call = pin!(call);
            for _ in 0..polls {
                let mut first = true;
                poll_fn(|context| {
                    if !std::mem::take(&mut first) {
                        return Poll::Ready(());
                    }
                    match call.as_mut().poll(context) {
                        Poll::Ready(_) => Poll::Ready(()),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await;
                if bench.status("demo") == Status::Active {
                    break;
                }
            }
            // The caller hangs up here.
        }
        bench.settle().await;
        bench.clock.advance(seconds(31));
        let demo = bench.token("demo").await;
        assert!(demo.is_ok(), "hung up after {polls} polls: {demo:?}");
        eventually("active", || bench.status("demo") == Status::Active).await;
    }
}
