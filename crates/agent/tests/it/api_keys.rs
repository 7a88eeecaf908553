//! Connections from a key that the person has already. A token of the demo provider is as good as a key:
//! its userinfo endpoint takes it.

mod life;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use valetkey_agent::protocol::Revocation;
use valetkey_agent::sign_in::{Completed, KeyOptions, SignInState, SignInView};
use valetkey_agent::{AgentError, OAuthOffer};
use valetkey_core::event::EventKind;
use valetkey_core::grant::GrantKind;
use valetkey_core::secret::PastedSecret;
use valetkey_demo_provider::{Consent, Endpoint, Fault, FaultKind, Filter, Latch};
use valetkey_vault::store::testing::Fault as StoreFault;

use crate::support::{Bench, authenticator_key, completed, failed, key, me};
use crate::tokens_by_name::TokensByName as _;

/// An authenticator `acme` without a client, and a key of ada's.
async fn acme() -> (Bench, String) {
    let bench = Bench::start().await;
    let key = key_of(&bench, "ada").await;
    bench.add("acme", without_client(&bench)).await;
    (bench, key)
}

fn without_client(bench: &Bench) -> serde_json::Value {
    let host = bench.provider.url("/");
    json!({
        "client_id": null, "authorize_url": null, "token_url": null, "revocation_url": null,
        "device_authorization_url": null, "scopes": null, "api_keys_only": true,
        "api_hosts": [host.trim_start_matches("http://").trim_end_matches('/')],
    })
}

/// A token of this account that no connection has.
async fn key_of(bench: &Bench, account: &str) -> String {
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow(account));
    bench.add(account, json!({})).await;
    bench.connect(account).await;
    bench.access(account).await
}

fn options(authenticator: &str, key: &str) -> KeyOptions {
    KeyOptions {
        authenticator: authenticator_key(authenticator),
        account: None,
        replace: false,
        key: PastedSecret::new(key),
        expires_at: None,
        reason: None,
    }
}

async fn give(bench: &Bench, options: KeyOptions) -> SignInState {
    let view = bench.agent.connect_with_key(options, &me()).await;
    let view = view.expect("it begins");
    assert_eq!(view.authorize_url, None);
    bench.finished(view.id).await
}

async fn connected(bench: &Bench, authenticator: &str, key: &str) -> Completed {
    completed(give(bench, options(authenticator, key)).await)
}

#[tokio::test]
async fn a_key_is_asked_about_stored_and_served() {
    let (mut bench, secret) = acme().await;
    let done = connected(&bench, "acme", &format!("  {secret}\n")).await;
    assert_eq!(done.account.as_deref(), Some("ada@example.com"));
    assert_eq!((done.renewed, done.unverified), (false, None));
    bench.restart().await;
    let row = bench.stored("acme").await;
    assert_eq!((row.kind, row.refreshable), (GrantKind::ApiKey, false));
    assert_eq!(bench.access("acme").await, secret);
    let about = bench.view("acme").api_key.expect("a key");
    assert_eq!((about.name.as_str(), about.oauth), ("API key", None));
    bench.clock.jump(jiff::SignedDuration::from_hours(24 * 365));
    assert_eq!(bench.access("acme").await, secret, "it has no end");
    let refreshed = bench.agent.refresh_of(&key("acme"), &me()).await;
    assert!(
        matches!(refreshed, Err(AgentError::NotRefreshable(_))),
        "{refreshed:?}"
    );
    let gone = bench.agent.disconnect(&key("acme"), true, &me()).await;
    let Revocation::NotPossible(why) = gone.expect("disconnected").revocation else {
        panic!("a key is the person's own");
    };
    assert!(why.contains("is still valid"), "{why}");
    assert!(bench.provider.access_token_lives(&secret));
}

#[tokio::test]
async fn a_lost_database_still_knows_that_it_is_a_key() {
    let (mut bench, secret) = acme().await;
    connected(&bench, "acme", &secret).await;
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.start_again().await;
    assert_eq!(bench.view("acme").row.kind, GrantKind::ApiKey);
}

#[tokio::test]
async fn a_refused_key_leaves_nothing() {
    let (bench, _) = acme().await;
    let items = bench.store.items().len();
    let why = failed(give(&bench, options("acme", "not-a-key-of-theirs")).await);
    assert_eq!(why, "acme refused this API key; nothing was stored");
    assert!(bench.agent.connection(&key("acme")).is_err());
    assert_eq!(bench.store.items().len(), items);
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anybody_is_asked() {
    let (bench, secret) = acme().await;
    let asked = bench.provider.count(Endpoint::Userinfo);
    for wrong in [String::new(), format!("Authorization: Bearer {secret}")] {
        let refused = bench
            .agent
            .connect_with_key(options("acme", &wrong), &me())
            .await;
        let refused = refused.expect_err("no key");
        assert!(
            matches!(refused, AgentError::InvalidRequest { .. }),
            "{refused:?}"
        );
        assert!(!format!("{refused:?}").contains(&secret));
    }
    let ended = KeyOptions {
        expires_at: Some(Timestamp::UNIX_EPOCH),
        ..options("acme", &secret)
    };
    let refused = bench.agent.connect_with_key(ended, &me()).await;
    assert!(
        matches!(refused, Err(AgentError::InvalidRequest { .. })),
        "{refused:?}"
    );
    assert_eq!(bench.provider.count(Endpoint::Userinfo), asked);
}

#[tokio::test]
async fn a_key_that_could_not_be_tried_is_stored_and_said_to_be_unverified() {
    let (bench, secret) = acme().await;
    for status in [503, 403] {
        let fault = Fault::at(Endpoint::Userinfo, FaultKind::status(status));
        bench.provider.fault(fault);
        let done = connected(&bench, "acme", &secret).await;
        assert_eq!(done.unverified, Some(format!("HTTP {status}")));
        assert_eq!(done.account, None);
    }
    let known = connected(&bench, "acme", &secret).await;
    assert!(known.renewed && known.account.is_some(), "{known:?}");
    assert_eq!(known.replaced_key, None, "it is the same");
}

#[tokio::test]
async fn two_imports_of_one_key_make_one_connection() {
    let (bench, secret) = acme().await;
    let latch = bench
        .provider
        .latch(|latch| Fault::at(Endpoint::Userinfo, latch).times(2));
    let asked = bench.provider.count(Endpoint::Userinfo);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let view = bench
            .agent
            .connect_with_key(options("acme", &secret), &me())
            .await;
        ids.push(view.expect("it begins").id);
    }
    bench
        .provider
        .arrived(Filter::from(Endpoint::Userinfo), asked + 2)
        .await;
    latch.release();
    let mut renewed = Vec::new();
    for id in ids {
        renewed.push(completed(bench.finished(id).await).renewed);
    }
    renewed.sort_unstable();
    assert_eq!(renewed, [false, true]);
    let rows = bench.agent.connections(None);
    let own = rows
        .iter()
        .filter(|view| view.name.authenticator.as_str() == "acme");
    assert_eq!(own.count(), 1);
    assert_eq!(bench.access("acme").await, secret);
}

/// A key that is given, while the answer about it is held back.
async fn held(bench: &Bench, secret: &str) -> (Latch, SignInView) {
    let asked = bench.provider.count(Endpoint::Userinfo);
    let latch = bench
        .provider
        .latch(|latch| Fault::at(Endpoint::Userinfo, latch));
    let given = bench
        .agent
        .connect_with_key(options("acme", secret), &me())
        .await;
    bench
        .provider
        .arrived(Filter::from(Endpoint::Userinfo), asked + 1)
        .await;
    (latch, given.expect("it begins"))
}

#[tokio::test]
async fn an_authenticator_that_is_removed_during_the_check_keeps_nothing() {
    let (bench, secret) = acme().await;
    let items = bench.store.items().len();
    let (latch, view) = held(&bench, &secret).await;
    let (agent, acme) = (&bench.agent, authenticator_key("acme"));
    let removed = agent.remove_authenticator(&acme, false, &me()).await;
    removed.expect("it has no connections");
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("there is no authenticator"), "{why}");
    assert_eq!(bench.store.items().len(), items);
}

#[tokio::test]
async fn hosts_that_change_during_the_check_do_not_get_the_key() {
    let (bench, secret) = acme().await;
    let (latch, view) = held(&bench, &secret).await;
    bench
        .update("acme", json!({"api_hosts": ["evil.example"]}))
        .await;
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("was changed meanwhile"), "{why}");
    assert!(bench.agent.connection(&key("acme")).is_err());
}

#[tokio::test]
async fn a_catalogue_id_is_enough_and_goes_again_if_the_key_does() {
    let bench = Bench::start().await;
    bench.store.set(StoreFault::FailWrites);
    let state = give(&bench, options("google", "a-key-of-google")).await;
    assert!(matches!(state, SignInState::Failed(_)), "{state:?}");
    bench.store.set(StoreFault::None);
    let gone = async || {
        bench
            .agent
            .authenticator(&authenticator_key("google"))
            .is_err()
    };
    for _ in 0..200 {
        if gone().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(gone().await);
    let done = connected(&bench, "google", "a-key-of-google").await;
    assert_eq!(done.account, None);
    let about = bench.view("google").api_key.expect("a key");
    assert_eq!(about.oauth, Some(OAuthOffer::NeedsClient));
    let unknown = bench
        .agent
        .connect_with_key(options("zendesk", "a-key-of-zendesk"), &me())
        .await;
    let unknown = unknown.expect_err("which of them");
    assert!(
        unknown.hint().unwrap().contains("--set subdomain=..."),
        "{unknown:?}"
    );
    assert!(
        bench
            .agent
            .connect_with_key(options("nowhere", "a-key-of-nobody"), &me())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn no_key_is_in_an_event_or_in_the_database() {
    let (bench, _) = acme().await;
    let secret = "planted-key-4711-of-nobody";
    for status in [503, 401] {
        bench
            .provider
            .fault(Fault::at(Endpoint::Userinfo, FaultKind::status(status)));
        give(&bench, options("acme", secret)).await;
    }
    assert!(bench.count(EventKind::SignInFailed).await > 0);
    let events = bench
        .agent
        .events(valetkey_vault::EventFilter::default())
        .await;
    assert!(!format!("{events:?}").contains(secret));
    let agent = Arc::new(bench.agent.clone());
    agent.shutdown().await;
    let files = std::fs::read_dir(bench.home.path()).unwrap().flatten();
    for file in files.filter(|it| it.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes
            .windows(secret.len())
            .any(|it| it == secret.as_bytes());
        assert!(!found, "{}", file.path().display());
    }
}
