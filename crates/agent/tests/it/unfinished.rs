//! Work that failed on its way is finished while the agent runs, and beside other work.

use serde_json::json;
use valetkey_agent::sign_in::SignInState;
use valetkey_core::connection_state::Status;
use valetkey_core::draft::DraftInput;
use valetkey_core::home::Home;
use valetkey_core::name::ProfileName;
use valetkey_demo_provider::{Fault as ProviderFault, Filter};
use valetkey_vault::Vault;
use valetkey_vault::store::testing::Fault;

use crate::support::{Bench, authorize_url, eventually, key, me, seconds, visit};

#[tokio::test]
async fn a_client_secret_in_doubt_is_removed_while_the_agent_runs() {
    let bench = Bench::start().await;
    bench.store.set(Fault::HangAtWrite);
    let draft = json!({
        "name": "secret", "authenticator_type": "custom", "client_id": "demo-confidential",
        "client_secret": "demo-secret", "authorize_url": bench.provider.url("/authorize"),
        "token_url": bench.provider.url("/token"),
    });
    let serde_json::Value::Object(members) = draft else {
        panic!("an object")
    };
    let input = DraftInput::from_members(members);
    let added = bench
        .agent
        .add_authenticator(input, ProfileName::default(), &me())
        .await;
    assert!(added.is_err(), "{added:?}");
    bench.store.set(Fault::None);
    eventually("the write that hung is done", || {
        bench.store.items().len() == 1
    })
    .await;
    bench.pass(seconds(40), seconds(10)).await;
    eventually("no secret is left", || bench.store.items().is_empty()).await;
}

#[tokio::test]
async fn what_a_failed_sign_in_left_is_removed_while_the_agent_runs() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    bench.store.set(Fault::Locked);
    visit(authorize_url(&view)).await;
    let state = bench.finished(view.id).await;
    assert!(matches!(state, SignInState::Failed(_)), "{state:?}");
    bench.store.set(Fault::None);
    bench.pass(seconds(40), seconds(10)).await;
    bench.agent.shutdown().await;
    let home = Home::at(bench.home.path());
    let vault = Vault::open(&home, bench.store.opener()).await;
    let rows = vault.expect("a vault").connections().await;
    assert_eq!(rows.expect("rows").len(), 0);
}

#[tokio::test]
async fn a_late_reconciliation_leaves_a_running_refresh_alone() {
    let mut bench = Bench::connected().await;
    bench.agent.shutdown().await;
    // As if the process had been killed during a refresh.
    let home = Home::at(bench.home.path());
    let vault = Vault::open(&home, bench.store.opener()).await;
    let vault = vault.expect("a vault");
    let mut row = vault.connections().await.expect("rows").remove(0);
    row.state.status = Status::Refreshing;
    vault.save_connection(&row).await.expect("saved");
    vault.close().await.expect("closed");
    bench.store.set(Fault::Locked);
    bench.start_again().await;
    bench.store.set(Fault::None);
    bench.expire();
    let latch = bench.provider.latch(ProviderFault::refresh);
    let caller = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    for _ in 0..4 {
        bench.clock.advance(seconds(10));
        bench.take_turns().await;
    }
    // Else a crash from here on would go unnoticed.
    let saved = bench.stored("demo").await;
    assert_eq!(saved.state.status, Status::Refreshing);
    assert_eq!(bench.status("demo"), Status::Refreshing);
    latch.release();
    bench.provider.ended(Filter::refreshes(), 1).await;
    drop(caller.await);
    bench.access("demo").await;
    assert_eq!(bench.refreshes(), 1);
    assert!(bench.agent.connection(&key("demo")).is_ok());
}
