//! Changes of an authenticator, while its sign-ins and removals are under way.

use crate::support::{
    Bench, LONG, authenticator_key, authorize_url, change, completed, failed, key, me, visit,
};
use serde_json::json;
use valetkey_agent::{AgentError, AuthenticatorChange};
use valetkey_core::draft::DraftInput;
use valetkey_core::name::ProfileName;
use valetkey_demo_provider::{DemoProvider, Endpoint, Fault, Settings};
use valetkey_vault::store::testing::Fault as StoreFault;

#[tokio::test]
async fn two_changes_of_an_authenticator_side_by_side_both_count() {
    let bench = Bench::start().await;
    let key = authenticator_key("demo");
    let disable = AuthenticatorChange {
        is_active: Some(false),
        ..AuthenticatorChange::default()
    };
    let narrow = change(json!({ "scopes": ["openid"] }));
    let (me, agent) = (me(), &bench.agent);
    let (disabled, narrowed) = tokio::join!(
        agent.update_authenticator(&key, disable, &me),
        agent.update_authenticator(&key, narrow, &me),
    );
    disabled.unwrap();
    narrowed.unwrap();
    let now = agent.authenticator(&key).unwrap().authenticator;
    assert!(!now.is_active, "{now:?}");
    assert_eq!(now.scopes.to_string(), "openid");
}

#[tokio::test]
async fn a_sign_in_through_other_servers_than_the_authenticators_is_refused() {
    let bench = Bench::start().await;
    let other = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    let view = bench.begin("demo").await;
    let moved = json!({ "token_url": other.url("/token") });
    bench.update("demo", moved).await;
    visit(authorize_url(&view)).await;
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("`demo` was changed"), "{why}");
    assert!(bench.agent.connections(None).is_empty());
    assert!(bench.store.items().is_empty());
    assert!(bench.provider.family_revoked("ada"), "at its own server");
    assert_eq!(other.count(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_changed_name_or_scope_does_not_end_an_open_sign_in() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let harmless = json!({ "name": "renamed", "scopes": ["openid"] });
    bench.update("demo", harmless).await;
    visit(authorize_url(&view)).await;
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.connection.to_string(), "renamed");
}

#[tokio::test]
async fn a_rename_hides_no_login_behind_one_that_is_being_removed() {
    // The order in which a rename reaches the connections is not fixed.
    for round in 0..8 {
        let bench = Bench::start().await;
        let old = completed(bench.connect("demo").await).id;
        let latch = bench
            .provider
            .latch(|latch| Fault::at(Endpoint::Revoke, latch));
        let agent = bench.agent.clone();
        let removing =
            tokio::spawn(async move { agent.disconnect(&key("demo"), true, &me()).await });
        bench.provider.arrived(Endpoint::Revoke, 1).await;
        let new = completed(bench.connect("demo").await).id;
        assert_ne!(old, new);
        bench.update("demo", json!({ "name": "renamed" })).await;
        assert_eq!(bench.view("renamed").row.id, new, "round {round}");
        latch.release();
        removing.await.unwrap().unwrap();
        assert_eq!(bench.view("renamed").row.id, new, "round {round}");
    }
}

async fn add_with_secret(bench: &Bench) -> Result<(), AgentError> {
    let fields = json!({
        "name": "new", "authenticator_type": "custom", "client_id": "demo",
        "client_secret": "secret",
        "authorize_url": bench.provider.url("/authorize"),
        "token_url": bench.provider.url("/token"),
    });
    let input = DraftInput::from_json(&fields.to_string()).expect("a good draft");
    let profile = ProfileName::default();
    let added = bench.agent.add_authenticator(input, profile, &me()).await;
    added.map(drop)
}

/// Ends the fault, and waits for the call that hung.
async fn keychain_works(bench: &Bench) {
    bench.store.set(StoreFault::None);
    let works = async {
        while bench.agent.status().await.store_problem.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, works).await.expect("it works");
}

#[tokio::test]
async fn the_name_of_an_authenticator_that_was_not_added_is_free() {
    let mut bench = Bench::start().await;
    bench.store.set(StoreFault::HangAtWrite);
    let error = add_with_secret(&bench).await;
    let error = error.expect_err("the keychain hangs");
    assert!(matches!(error, AgentError::KeychainLocked(_)), "{error:?}");
    keychain_works(&bench).await;
    add_with_secret(&bench)
        .await
        .expect("nothing is in the way");
    let key = authenticator_key("new");
    let removed = bench.agent.remove_authenticator(&key, false, &me()).await;
    removed.expect("it has no connection");
    bench.restart().await;
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn an_authenticator_can_be_removed_after_a_sign_in_that_was_not_stored() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    bench.store.set(StoreFault::HangAtWrite);
    visit(authorize_url(&view)).await;
    failed(bench.finished(view.id).await);
    keychain_works(&bench).await;
    let key = authenticator_key("demo");
    let removed = bench.agent.remove_authenticator(&key, false, &me()).await;
    removed.expect("it has no connection");
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn an_account_stays_the_same_when_its_issuer_is_named_later() {
    let bench = Bench::start().await;
    let plain = json!({ "issuer": null, "scopes": ["email", "offline_access"] });
    bench.add("plain", plain).await;
    let first = completed(bench.connect("plain").await);
    assert_eq!(first.account.as_deref(), Some("ada@example.com"));
    let issuer = json!({ "issuer": bench.provider.issuer(), "scopes": ["openid", "email"] });
    bench.update("plain", issuer).await;
    let again = completed(bench.connect("plain").await);
    assert_eq!((again.id, again.renewed), (first.id, true));
    let subject = bench.view("plain").row.account.subject.unwrap();
    assert_eq!(subject.issuer, bench.provider.issuer());
}
