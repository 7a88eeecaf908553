//! A pause withholds tokens and takes them out of memory; none is lost by it.

use valetkey_agent::{Absence, AgentError};
use valetkey_core::event::EventKind;
use valetkey_core::id::Generation;
use valetkey_core::settings::Settings;
use valetkey_demo_provider::{Endpoint, Fault, Filter};
use valetkey_vault::store::testing::Fault as StoreFault;

use crate::support::{Bench, authorize_url, eventually, key, me, seconds, visit};

/// Whether memory has the grant: else the keychain is asked for it.
async fn is_in_memory(bench: &Bench) -> bool {
    let reads = bench.store.reads();
    bench.token("demo").await.expect("a token");
    bench.store.reads() == reads
}

#[tokio::test]
async fn a_pause_takes_tokens_out_of_memory_and_a_resume_loads_them_again() {
    let bench = Bench::connected().await;
    assert!(is_in_memory(&bench).await);
    bench.agent.pause(&me()).await.unwrap();
    assert!(matches!(bench.token("demo").await, Err(AgentError::Paused)));
    bench.agent.resume(&me()).await.unwrap();
    assert!(!is_in_memory(&bench).await);
    assert!(is_in_memory(&bench).await);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn what_a_running_refresh_brings_is_stored_and_not_kept() {
    let bench = Bench::connected().await;
    bench.expire();
    let latch = bench.provider.latch(Fault::refresh);
    let asking = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench.agent.pause(&me()).await.unwrap();
    latch.release();
    let answer = asking.await.unwrap();
    assert!(matches!(answer, Err(AgentError::Paused)), "{answer:?}");
    let row = bench.stored("demo").await;
    assert_eq!(row.state.generation, Generation(2));
    bench.settle().await;
    bench.agent.resume(&me()).await.unwrap();
    assert!(!is_in_memory(&bench).await);
    assert_eq!(bench.refreshes(), 1, "its grant was in the keychain");
}

#[tokio::test]
async fn a_grant_that_is_not_stored_yet_outlives_a_pause() {
    let bench = Bench::connected().await;
    bench.expire();
    bench.store.set(StoreFault::FailWrites);
    bench.token("demo").await.unwrap();
    assert!(bench.view("demo").unsaved);
    bench.agent.pause(&me()).await.unwrap();
    assert!(bench.view("demo").unsaved);
    bench.store.set(StoreFault::None);
    bench.pass(seconds(20), seconds(5)).await;
    eventually("stored", || !bench.view("demo").unsaved).await;
    bench.settle().await;
    bench.agent.resume(&me()).await.unwrap();
    assert!(!is_in_memory(&bench).await, "stored, then forgotten");
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn a_sign_in_during_a_pause_is_stored_and_not_kept() {
    let bench = Bench::start().await;
    bench.agent.pause(&me()).await.unwrap();
    let view = bench.begin("demo").await;
    visit(authorize_url(&view)).await;
    bench.finished(view.id).await;
    bench.settle().await;
    bench.agent.resume(&me()).await.unwrap();
    assert!(!is_in_memory(&bench).await);
}

#[tokio::test]
async fn a_disconnect_during_a_pause_still_revokes() {
    let bench = Bench::connected().await;
    bench.agent.pause(&me()).await.unwrap();
    let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
    gone.unwrap();
    let revocations = Filter::from(Endpoint::Revoke);
    assert!(bench.provider.count(revocations) > 0);
}

#[tokio::test]
async fn logins_stay_valid_through_a_pause() {
    let bench = Bench::connected().await;
    bench.token("demo").await.unwrap();
    bench.agent.pause(&me()).await.unwrap();
    bench.pass(seconds(3_500), seconds(60)).await;
    bench.provider.ended(Filter::refreshes(), 1).await;
    bench.settle().await;
    bench.agent.resume(&me()).await.unwrap();
    assert!(!is_in_memory(&bench).await);
}

#[tokio::test]
async fn a_lock_pauses_if_the_setting_says_so_and_an_unlock_resumes_only_what_a_lock_paused() {
    let mut bench = Bench::connected().await;
    lock(&bench, true).await;
    assert!(!bench.agent.is_paused(), "off at first");
    let on = |settings: &mut Settings| settings.pause_on_lock = true;
    bench.agent.change_settings(on, &me()).await.unwrap();
    lock(&bench, true).await;
    assert!(bench.agent.is_paused());
    // Also one that another run paused.
    bench.restart().await;
    assert!(bench.agent.is_paused());
    lock(&bench, false).await;
    assert!(!bench.agent.is_paused());
    // The person's own pause stays, before the lock or during it.
    for during in [false, true] {
        if during {
            lock(&bench, true).await;
        }
        bench.agent.pause(&me()).await.unwrap();
        if !during {
            lock(&bench, true).await;
        }
        lock(&bench, false).await;
        assert!(bench.agent.is_paused(), "{during}");
        bench.agent.resume(&me()).await.unwrap();
    }
    // A resume during the lock stays, too.
    lock(&bench, true).await;
    bench.agent.resume(&me()).await.unwrap();
    lock(&bench, false).await;
    assert!(!bench.agent.is_paused());
    assert_eq!(bench.count(EventKind::Paused).await, 4);
    assert_eq!(bench.count(EventKind::Resumed).await, 4);
}

#[tokio::test]
async fn an_idle_session_pauses_if_the_setting_says_so_until_it_is_used_again() {
    let mut bench = Bench::connected().await;
    idle(&bench, true).await;
    assert!(!bench.agent.is_paused(), "off at first");
    let on = |settings: &mut Settings| settings.pause_on_idle = true;
    bench.agent.change_settings(on, &me()).await.unwrap();
    lock(&bench, true).await;
    assert!(!bench.agent.is_paused(), "each has its own setting");
    idle(&bench, true).await;
    assert!(bench.agent.is_paused());
    lock(&bench, false).await;
    assert!(bench.agent.is_paused(), "only what it paused");
    bench.restart().await;
    assert!(bench.agent.is_paused());
    idle(&bench, false).await;
    assert!(!bench.agent.is_paused());
}

#[tokio::test]
async fn a_pause_by_lock_and_idleness_ends_with_the_last_of_them() {
    let bench = Bench::connected().await;
    let on = |settings: &mut Settings| {
        settings.pause_on_idle = true;
        settings.pause_on_lock = true;
    };
    bench.agent.change_settings(on, &me()).await.unwrap();
    for idle_ends_first in [true, false] {
        idle(&bench, true).await;
        lock(&bench, true).await;
        if idle_ends_first {
            idle(&bench, false).await;
        } else {
            lock(&bench, false).await;
        }
        assert!(bench.agent.is_paused(), "{idle_ends_first}");
        if idle_ends_first {
            lock(&bench, false).await;
        } else {
            idle(&bench, false).await;
        }
        assert!(!bench.agent.is_paused(), "{idle_ends_first}");
    }
    assert_eq!(bench.count(EventKind::Paused).await, 2);
    assert_eq!(bench.count(EventKind::Resumed).await, 2);
    // The person's own pause outlives both.
    idle(&bench, true).await;
    bench.agent.pause(&me()).await.unwrap();
    lock(&bench, true).await;
    idle(&bench, false).await;
    lock(&bench, false).await;
    assert!(bench.agent.is_paused());
}

async fn idle(bench: &Bench, begins: bool) {
    let who = me();
    let told = bench.agent.session_absence(Absence::Idle, begins, &who);
    told.await.expect("the agent runs");
}

async fn lock(bench: &Bench, begins: bool) {
    let who = me();
    let told = bench.agent.session_absence(Absence::Lock, begins, &who);
    told.await.expect("the agent runs");
}
