use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey_core::home::Home;
use valetkey_vault::Vault;
use valetkey_vault::store::testing::{Fault, TestStore};

use super::*;
use crate::clock::TestClock;
use crate::state::Config;

fn input(members: Value) -> DraftInput {
    let Value::Object(members) = members else {
        panic!("an object")
    };
    DraftInput::from_members(members)
}

#[tokio::test]
async fn only_a_write_that_fails_leaves_something_to_finish() {
    let home = TempDir::new().expect("a folder");
    let store = TestStore::default();
    let vault = Vault::open(&Home::at(home.path()), store.opener()).await;
    let config = Config {
        clock: Arc::new(TestClock::new(Timestamp::now())),
        version: "test",
        store: "memory",
        access: crate::access::AccessConfig::default(),
    };
    let agent = Agent::start(vault.expect("a vault"), config).await;
    let agent = agent.expect("an agent");
    let who = Actor::agent();
    let add = async |members: Value| {
        agent
            .add_authenticator(input(members), ProfileName::default(), &who)
            .await
    };
    let whole = |name: &str| {
        json!({
            "name": name, "authenticator_type": "custom", "client_id": "c", "client_secret": "s",
            "authorize_url": "https://a.example/a", "token_url": "https://a.example/t",
        })
    };
    add(whole("one")).await.expect("added");
    let unfinished = || agent.inner.unfinished.load(Ordering::SeqCst);

    add(json!({})).await.expect_err("incomplete");
    add(whole("one")).await.expect_err("the name is taken");
    let key = AuthenticatorKey::Name(ProfileName::default(), "one".parse().expect("a name"));
    let change = AuthenticatorChange {
        input: input(json!({"token_url": "https://b.example/t"})),
        ..AuthenticatorChange::default()
    };
    let bound = agent.update_authenticator(&key, change, &who).await;
    bound.expect_err("the secret would be sent to another server");
    assert!(!unfinished());

    store.set(Fault::FailWrites);
    add(whole("two")).await.expect_err("not stored");
    assert!(unfinished());
}
