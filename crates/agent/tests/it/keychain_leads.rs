//! The keychain leads: no token is handed out before it is stored, or the store has refused it.

use crate::support::{Bench, authorize_url, completed, eventually, key, me};
use crate::tokens_by_name::TokensByName as _;
use valetkey_agent::{AgentError, TokenRequirements};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_core::stored_grant::StoredGrant;
use valetkey_demo_provider::{Fault as ProviderFault, Filter};
use valetkey_vault::store::testing::Fault;

/// The access token that a caller gets from memory now.
fn cached(bench: &Bench) -> Option<String> {
    let answer = bench
        .agent
        .cached_token_of(&key("demo"), &TokenRequirements::default(), &me());
    answer.map(|answer| answer.live.grant.access_token.expose().to_owned())
}

/// The provider carries out a refresh, and the write of what it brought hangs.
async fn write_hangs(bench: &Bench) {
    let latch = bench
        .provider
        .latch(|latch| ProviderFault::refresh(latch).after_processing());
    let agent = bench.agent.clone();
    tokio::spawn(async move { agent.refresh_of(&key("demo"), &me()).await });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench.store.set(Fault::Hang);
    latch.release();
    eventually("the write hangs", || bench.store.is_hanging()).await;
}

fn stored_token(bench: &Bench) -> String {
    let item = bench.store.item(bench.grant_item("demo")).expect("an item");
    let stored = StoredGrant::from_item(&item).expect("a grant");
    stored.grant.access_token.expose().to_owned()
}

#[tokio::test]
async fn while_a_new_token_is_written_the_old_one_is_served() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    write_hangs(&bench).await;
    assert_eq!(cached(&bench), Some(old.clone()), "not yet stored");
    assert_eq!(bench.status("demo"), Status::Refreshing);
    assert!(!bench.view("demo").unsaved, "nobody knows yet");
    bench.store.set(Fault::None);
    eventually("served", || cached(&bench).is_some_and(|new| new != old)).await;
    assert_eq!(cached(&bench), Some(stored_token(&bench)));
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn without_an_old_token_callers_wait_until_the_new_one_is_stored() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    write_hangs(&bench).await;
    assert_eq!(cached(&bench), None, "not yet stored");
    let waiting = bench.ask("demo");
    bench.store.set(Fault::None);
    let answer = waiting.await.expect("no panic").expect("a token");
    let stored = stored_token(&bench);
    assert_eq!(answer.live.grant.access_token.expose(), stored);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_renewed_login_is_served_once_it_is_stored_and_costs_no_refresh() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    let view = bench.begin("demo").await;
    bench.store.set(Fault::Hang);
    let page = authorize_url(&view).to_owned();
    let browser = tokio::spawn(async move { crate::support::visit(&page).await });
    eventually("the write hangs", || bench.store.is_hanging()).await;
    assert_eq!(cached(&bench), Some(old.clone()), "not yet stored");
    let agent = bench.agent.clone();
    let forced = tokio::spawn(async move { agent.refresh_of(&key("demo"), &me()).await });
    tokio::task::yield_now().await;
    bench.store.set(Fault::None);
    browser.await.expect("no panic");
    assert!(completed(bench.finished(view.id).await).renewed);
    let new = forced.await.expect("no panic").expect("a token");
    let new = new.live.grant.access_token.expose().to_owned();
    assert_ne!(new, old);
    assert_eq!(new, stored_token(&bench));
    assert_eq!(bench.access("demo").await, new);
    assert_eq!(bench.refreshes(), 0, "the sign-in brought a newer one");
}

#[tokio::test]
async fn a_login_removed_while_it_is_written_leaves_nothing_behind() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let item = bench.grant_item("demo");
    write_hangs(&bench).await;
    let agent = bench.agent.clone();
    let removal = tokio::spawn(async move { agent.disconnect(&key("demo"), true, &me()).await });
    tokio::task::yield_now().await;
    bench.store.set(Fault::None);
    removal.await.expect("no panic").expect("removed");
    assert_eq!(bench.store.item(item), None);
    assert_eq!(bench.provider.live_refresh_token("ada"), None);
    let gone = bench.token("demo").await;
    assert!(
        matches!(gone, Err(AgentError::AuthRequired { again: false, .. })),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_stop_waits_for_the_write_under_way() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    write_hangs(&bench).await;
    let agent = bench.agent.clone();
    let stop = tokio::spawn(async move { agent.shutdown().await });
    tokio::task::yield_now().await;
    bench.store.set(Fault::None);
    stop.await.expect("no panic");
    bench.start_again().await;
    let new = bench.access("demo").await;
    assert_ne!(new, old);
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.count(EventKind::GrantUnsaved).await, 0);
}
