//! The keychain around start, sign-in and a lost database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::access::requester;
use crate::support::{
    Bench, authenticator_key, authorize_url, eventually, key, me, seconds, visit,
};
use serde_json::json;
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{
    AgentError, AuthenticatorChange, CheckOutcome, ConnectionChange, MethodsChange,
    TokenRequirements,
};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_core::home::Home;
use valetkey_core::proxy_settings::Methods;
use valetkey_demo_provider::Filter;
use valetkey_vault::store::testing::{Fault, TestStore};
use valetkey_vault::{ItemName, SecretStore, StoreError, StoreOpener};
use zeroize::Zeroizing;

/// A store that counts what it is asked, refused or not.
struct Counted {
    store: TestStore,
    calls: Arc<AtomicUsize>,
}

impl Counted {
    fn opener(store: &TestStore) -> (StoreOpener, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Self {
            store: store.clone(),
            calls: Arc::clone(&calls),
        };
        let opener = StoreOpener::new(move |_, _| Ok(Box::new(counted)));
        (opener, calls)
    }

    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

impl SecretStore for Counted {
    fn check(&mut self) -> Result<(), StoreError> {
        self.count();
        self.store.check()
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.count();
        self.store.read(item)
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        self.count();
        self.store.write(item, value)
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.count();
        self.store.delete(item)
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        self.count();
        self.store.list()
    }
}

#[tokio::test]
async fn an_agent_that_starts_locked_serves_once_unlocked() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let token = bench.access("demo").await;
    bench.store.set(Fault::Locked);
    bench.restart().await;
    let error = bench.token("demo").await.expect_err("locked");
    assert!(matches!(error, AgentError::KeychainLocked(_)), "{error:?}");
    assert_eq!(bench.status("demo"), Status::Active, "nothing is lost");
    bench.store.set(Fault::None);
    assert_eq!(bench.access("demo").await, token);
}

#[tokio::test]
async fn a_locked_keychain_is_not_asked_without_pause() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.agent.shutdown().await;
    bench.expire();
    bench.store.set(Fault::Locked);
    let (opener, calls) = Counted::opener(&bench.store);
    bench.restart_on(opener).await;
    // The refresh is overdue, and its grant cannot even be read.
    bench.pass(seconds(10), seconds(1)).await;
    let before = calls.load(Ordering::Relaxed);
    for _ in 0..5 {
        bench.settle().await;
    }
    // `settle` itself asks six times.
    let asked = calls.load(Ordering::Relaxed) - before;
    assert!(asked <= 5 * 6, "{asked} calls while no time passed");
    bench.store.set(Fault::None);
    bench.pass(seconds(15 * 60), seconds(30)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
}

#[tokio::test]
async fn a_client_secret_that_is_gone_is_named_and_not_asked_for_without_pause() {
    let mut bench = Bench::start().await;
    let confidential = json!({ "client_id": "demo-confidential", "client_secret": "demo-secret" });
    bench.add("secret", confidential).await;
    bench.connect("secret").await;
    bench.agent.shutdown().await;
    let is_secret = |item: &ItemName| matches!(item, ItemName::ClientSecret(_));
    let item = bench.store.items().into_iter().find(is_secret);
    bench.store.tamper(item.expect("a client secret"), None);
    bench.expire();
    let (opener, calls) = Counted::opener(&bench.store);
    bench.restart_on(opener).await;
    let error = bench.token("secret").await.expect_err("no secret");
    assert!(
        matches!(error, AgentError::ClientMisconfigured { .. }),
        "{error:?}"
    );
    let before = calls.load(Ordering::Relaxed);
    for _ in 0..5 {
        bench.settle().await;
    }
    let asked = calls.load(Ordering::Relaxed) - before;
    assert!(asked <= 5 * 6, "{asked} calls while no time passed");
    assert_eq!(bench.count(EventKind::ConnectionMisconfigured).await, 1);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_deleted_database_is_rebuilt_from_the_keychain() {
    let mut bench = Bench::start().await;
    let confidential = json!({ "client_id": "demo-confidential", "client_secret": "demo-secret" });
    bench.add("secret", confidential).await;
    for name in ["demo", "secret"] {
        bench.connect(name).await;
    }
    let token = bench.access("demo").await;
    let ids = [bench.view("demo").row.id, bench.view("secret").row.id];
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.start_again().await;
    assert_eq!(bench.access("demo").await, token);
    assert_eq!(bench.view("demo").row.id, ids[0]);
    assert_eq!(bench.view("secret").row.id, ids[1]);
    assert_eq!(bench.count(EventKind::ConnectionAdopted).await, 2);
    bench.expire();
    for name in ["demo", "secret"] {
        let new = bench.access(name).await;
        assert!(bench.provider.access_token_lives(&new), "{name}");
    }
    // The provider's clock stood still: by ours its id tokens would have ended already.
    bench.clock.jump(jiff::SignedDuration::from_hours(-2));
    let SignInState::Completed(done) = bench.connect("secret").await else {
        panic!("not completed")
    };
    assert!(done.renewed, "authenticator and account are known again");
}

async fn narrow(bench: &Bench) {
    let methods = Methods::parse(&["GET".to_owned()]).expect("a method");
    let change = ConnectionChange {
        proxy_only: Some(true),
        methods: MethodsChange::Only(methods),
        ..ConnectionChange::default()
    };
    bench
        .agent
        .update_connection(&key("demo"), change, &me())
        .await
        .expect("narrowed");
}

/// Loses the database; what the proxy may do then is what it could do before.
async fn lose_database(bench: &mut Bench) {
    let before = bench.view("demo");
    assert!(before.row.proxy.only);
    assert_eq!(before.api_hosts[0].authority(), "narrow.test");
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.start_again().await;
    let after = bench.view("demo");
    assert_eq!(after.row.proxy, before.row.proxy);
    assert_eq!(after.api_hosts, before.api_hosts);
}

#[tokio::test]
async fn a_lost_database_widens_nothing_at_the_proxy() {
    let mut bench = Bench::start().await;
    bench
        .update("demo", json!({ "api_hosts": ["narrow.test", "wide.test"] }))
        .await;
    bench.connect("demo").await;
    narrow(&bench).await;
    bench
        .update("demo", json!({ "api_hosts": ["narrow.test"] }))
        .await;
    lose_database(&mut bench).await;
    let error = bench.token("demo").await.expect_err("proxy only");
    assert!(matches!(error, AgentError::ProxyOnly(_)), "{error:?}");
}

/// The rules are lost with it, and whether the app ever ran.
#[tokio::test]
async fn a_lost_database_lets_no_program_have_what_it_was_not_allowed() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let program = requester("/bin/tool", None);
    let asked = TokenRequirements::default();
    let id = bench.view("demo").row.id;
    bench.agent.token(id, &asked, &program).await.unwrap();
    for fault in [Fault::None, Fault::Locked] {
        bench.agent.shutdown().await;
        bench.delete_database();
        bench.store.set(fault);
        bench.start_again().await;
        bench.store.set(Fault::None);
        eventually("found again", || {
            bench.clock.advance(seconds(60));
            bench.agent.connection(&key("demo")).is_ok()
        })
        .await;
        let refused = bench.agent.token(id, &asked, &program).await.unwrap_err();
        assert!(matches!(refused, AgentError::NotAllowed(_)), "{refused:?}");
        bench.restart().await;
        let refused = bench.agent.token(id, &asked, &program).await.unwrap_err();
        assert!(matches!(refused, AgentError::NotAllowed(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_changed_while_the_keychain_cannot_be_written_follows() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.agent.pause(&me()).await.unwrap();
    narrow(&bench).await;
    bench.agent.resume(&me()).await.unwrap();
    bench.restart().await;
    bench.store.set(Fault::Locked);
    bench
        .update("demo", json!({ "api_hosts": ["narrow.test"] }))
        .await;
    bench.store.set(Fault::None);
    // Loads the item; nothing is refreshed.
    bench.agent.test(&key("demo")).await.unwrap();
    assert_eq!(bench.refreshes(), 0);
    lose_database(&mut bench).await;
}

#[tokio::test]
async fn a_disabled_authenticator_stays_disabled_without_its_database() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let disable = AuthenticatorChange {
        is_active: Some(false),
        ..AuthenticatorChange::default()
    };
    bench
        .agent
        .update_authenticator(&authenticator_key("demo"), disable, &me())
        .await
        .unwrap();
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.start_again().await;
    let error = bench.token("demo").await.expect_err("disabled");
    assert!(matches!(error, AgentError::Disabled(_)), "{error:?}");
}

#[tokio::test]
async fn items_are_adopted_and_kept_warm_once_the_keychain_is_unlocked() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.store.set(Fault::Locked);
    bench.start_again().await;
    assert!(bench.agent.connections(None).is_empty());
    bench.store.set(Fault::None);
    bench.pass(seconds(31), seconds(31)).await;
    let known = || !bench.agent.connections(None).is_empty();
    eventually("adopted", known).await;
    assert_eq!(bench.refreshes(), 0);
    bench.pass(seconds(56 * 60), seconds(30)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
}

#[tokio::test]
async fn a_late_reconciliation_leaves_a_running_sign_in_alone() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.store.set(Fault::Locked);
    bench.start_again().await;
    bench.add("second", json!({})).await;
    bench.store.set(Fault::None);
    let view = bench.begin("second").await;
    bench.pass(seconds(40), seconds(10)).await;
    assert_eq!(bench.agent.connections(None).len(), 1, "adopted");
    assert_eq!(bench.count(EventKind::SignInFailed).await, 0);
    visit(authorize_url(&view)).await;
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::Completed(_)
    ));
}

#[tokio::test]
async fn a_sign_in_whose_grant_cannot_be_stored_leaves_nothing_behind() {
    for fault in [Fault::FailWrites, Fault::Locked] {
        let mut bench = Bench::start().await;
        let view = bench.begin("demo").await;
        bench.store.set(fault);
        visit(authorize_url(&view)).await;
        let state = bench.finished(view.id).await;
        assert!(
            matches!(state, SignInState::Failed(_)),
            "{fault:?}: {state:?}"
        );
        assert!(bench.agent.connections(None).is_empty());
        assert!(
            bench.provider.family_revoked("ada"),
            "{fault:?}: a grant that nobody keeps does not stay alive"
        );
        bench.store.set(Fault::None);
        // Rows are read by age; the one that goes must not take the name with it in either order.
        bench.clock.jump(jiff::SignedDuration::from_secs(-1));
        let again = bench.connect("demo").await;
        assert!(
            matches!(again, SignInState::Completed(_)),
            "{fault:?}: {again:?}"
        );
        bench.restart().await;
        let one = || bench.agent.connections(None).len() == 1;
        eventually("what was left is removed", one).await;
        assert_eq!(bench.store.items().len(), 1);
        assert!(bench.token("demo").await.is_ok());
    }
}

#[tokio::test]
async fn a_renewal_that_cannot_be_stored_is_held_until_it_can() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let old = bench.access("demo").await;
    let view = bench.begin("demo").await;
    bench.store.set(Fault::Locked);
    visit(authorize_url(&view)).await;
    let SignInState::Completed(done) = bench.finished(view.id).await else {
        panic!("not completed")
    };
    assert!(done.renewed);
    let new = bench.access("demo").await;
    assert_ne!(new, old);
    assert!(bench.view("demo").unsaved);
    assert_eq!(bench.count(EventKind::GrantUnsaved).await, 1);
    bench.store.set(Fault::None);
    bench.pass(seconds(10), seconds(5)).await;
    eventually("stored", || !bench.view("demo").unsaved).await;
    bench.restart().await;
    assert_eq!(bench.access("demo").await, new);
}

#[tokio::test]
async fn a_locked_keychain_refuses_a_disconnect_and_changes_nothing() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.store.set(Fault::Locked);
    let refused = bench.agent.disconnect(&key("demo"), true, &me()).await;
    assert!(
        matches!(refused, Err(AgentError::KeychainLocked(_))),
        "{refused:?}"
    );
    assert_eq!(bench.status("demo"), Status::Active);
    assert!(!bench.provider.family_revoked("ada"));
    bench.store.set(Fault::None);
    bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .unwrap();
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn a_database_that_was_damaged_is_told_by_the_doctor() {
    let mut bench = Bench::connected().await;
    bench.agent.shutdown().await;
    let database = Home::at(bench.home.path()).database();
    std::fs::write(&database, "no database ".repeat(1000)).expect("a file");
    bench.start_again().await;
    let checks = bench.agent.doctor().await;
    let check = checks.iter().find(|check| check.name == "database");
    let check = check.expect("a check");
    assert_eq!(check.outcome, CheckOutcome::Warning, "{check:?}");
    assert!(check.message.contains(".corrupt-"), "{check:?}");
    assert!(bench.agent.connection(&key("demo")).is_ok(), "taken over");
}
