//! Two connections by the consent of one account to one client, at a provider where the revocation
//! of any token ends the whole consent.

use crate::support::{Bench, completed, key, me};
use serde_json::json;
use valetkey_agent::protocol::Revocation;
use valetkey_demo_provider::{Client, Consent, Endpoint, RevocationScope, Settings};

/// `demo` and `other` are signed in by one account; `other` is a client with these changes.
async fn connected(other: serde_json::Value) -> Bench {
    let bench = Bench::with(Settings {
        revocation_scope: RevocationScope::Consent,
        clients: vec![Client::public("demo"), Client::public("other-client")],
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.add("other", other).await;
    completed(bench.connect("demo").await);
    completed(bench.connect("other").await);
    bench
}

async fn disconnect(bench: &Bench, name: &str) -> Revocation {
    let disconnected = bench.agent.disconnect(&key(name), true, &me()).await;
    disconnected.expect("disconnected").revocation
}

async fn assert_refreshes(bench: &Bench, name: &str) {
    bench.expire();
    let token = bench.access(name).await;
    assert!(bench.provider.access_token_lives(&token));
}

#[tokio::test]
async fn disconnecting_one_leaves_the_other_valid_and_says_that_nothing_was_revoked() {
    let bench = connected(json!({})).await;
    let Revocation::NotPossible(why) = disconnect(&bench, "demo").await else {
        panic!("the consent of the other connection was revoked");
    };
    assert!(why.contains("`other`"), "{why}");
    assert_eq!(bench.provider.count(Endpoint::Revoke), 0);
    assert_refreshes(&bench, "other").await;
}

#[tokio::test]
async fn the_last_one_is_revoked() {
    let bench = connected(json!({})).await;
    disconnect(&bench, "demo").await;
    assert_eq!(disconnect(&bench, "other").await, Revocation::Revoked);
    let families = bench.provider.families();
    assert!(families.iter().all(|family| family.revoked.is_some()));
}

#[tokio::test]
async fn a_connection_of_another_client_or_account_does_not_prevent_the_revocation() {
    let bench = connected(json!({ "client_id": "other-client" })).await;
    bench
        .add("third", json!({ "client_id": "other-client" }))
        .await;
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow("grace"));
    completed(bench.connect("third").await);
    assert_eq!(disconnect(&bench, "demo").await, Revocation::Revoked);
    assert_refreshes(&bench, "other").await;
    assert_eq!(disconnect(&bench, "other").await, Revocation::Revoked);
    assert_refreshes(&bench, "third").await;
}
