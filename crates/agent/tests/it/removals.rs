//! Removals that fail or are interrupted: nothing is forgotten, and the report is true.

use tokio::task::JoinHandle;
use valetkey_agent::protocol::Revocation;
use valetkey_agent::{AgentError, Disconnected};
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Endpoint, Fault as ProviderFault, Filter, Latch};
use valetkey_vault::store::testing::Fault;

use crate::support::{Bench, authenticator_key, eventually, key, me, seconds};

/// A disconnect that waits for the provider's answer to its revocation.
async fn revoking(bench: &Bench) -> (Latch, JoinHandle<Result<Disconnected, AgentError>>) {
    let latch = bench
        .provider
        .latch(|latch| ProviderFault::at(Endpoint::Revoke, latch));
    let (agent, demo) = (bench.agent.clone(), key("demo"));
    let call = tokio::spawn(async move { agent.disconnect(&demo, true, &me()).await });
    bench
        .provider
        .arrived(Filter::from(Endpoint::Revoke), 1)
        .await;
    (latch, call)
}

#[tokio::test]
async fn a_disconnect_that_failed_still_revokes_the_next_time() {
    let bench = Bench::connected().await;
    let token = bench.access("demo").await;
    let (latch, first) = revoking(&bench).await;
    bench.store.set(Fault::Locked);
    bench.provider.fault(ProviderFault::at(
        Endpoint::Revoke,
        valetkey_demo_provider::FaultKind::status(503),
    ));
    latch.release();
    let failed = first.await.expect("no panic").expect_err("locked");
    assert!(
        matches!(failed, AgentError::KeychainLocked(_)),
        "{failed:?}"
    );
    bench.store.set(Fault::None);
    let id = bench
        .agent
        .connections(None)
        .first()
        .map(|view| view.row.id);
    let again = match id {
        Some(id) => {
            let key = valetkey_agent::ConnectionKey::Id(id);
            bench.agent.disconnect(&key, true, &me()).await
        }
        None => panic!("the row is still there"),
    };
    let again = again.expect("disconnected");
    assert_eq!(again.revocation, Revocation::Revoked);
    assert!(!bench.provider.access_token_lives(&token));
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn an_authenticator_goes_although_its_connection_is_disconnected_meanwhile() {
    let bench = Bench::connected().await;
    let (latch, disconnect) = revoking(&bench).await;
    let agent = bench.agent.clone();
    let removal = tokio::spawn(async move {
        let demo = authenticator_key("demo");
        agent.remove_authenticator(&demo, true, &me()).await
    });
    bench.take_turns().await;
    latch.release();
    disconnect.await.expect("no panic").expect("disconnected");
    let removed = removal.await.expect("no panic").expect("removed");
    assert!(removed.is_empty(), "{removed:?}");
    assert!(bench.agent.authenticators(None, true).is_empty());
}

#[tokio::test]
async fn a_removal_that_could_not_be_finished_is_retried_while_the_agent_runs() {
    let mut bench = Bench::connected().await;
    let (latch, first) = revoking(&bench).await;
    bench.store.set(Fault::Locked);
    latch.release();
    drop(first.await.expect("no panic").expect_err("locked"));
    // The keychain is still locked when the agent starts the next time, and is unlocked later.
    bench.restart().await;
    bench.settle().await;
    bench.store.set(Fault::None);
    bench.pass(seconds(120), seconds(10)).await;
    eventually("removed", || bench.agent.connections(None).is_empty()).await;
    eventually("no item is left", || bench.store.items().is_empty()).await;
    assert_eq!(bench.count(EventKind::ConnectionRemoved).await, 1);
}

#[tokio::test]
async fn the_name_of_a_removed_connection_is_known_after_a_restart() {
    let mut bench = Bench::connected().await;
    let id = bench.view("demo").row.id;
    assert_eq!(bench.agent.removed_name(id), None, "it is there");
    let removed = bench.agent.disconnect(&key("demo"), true, &me()).await;
    removed.expect("disconnected");
    let name = Some("demo".to_owned());
    assert_eq!(bench.agent.removed_name(id), name);
    bench.restart().await;
    assert_eq!(bench.agent.removed_name(id), name);
}
