//! A caller that hangs up leaves nothing half done: what is on the disk is in memory too.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::support::{Bench, LONG, authenticator_key, eventually, key, me};
use serde_json::{Map, Value, json};
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AuthenticatorChange, ConnectionChange, LabelChange, LinkTarget, NewKey};
use valetkey_core::draft::DraftInput;
use valetkey_core::event::EventKind;
use valetkey_core::name::ProfileName;
use valetkey_core::scope::Scopes;
use valetkey_vault::EventFilter;

/// Asks, and hangs up before the answer can be there: a call is begun when it is polled.
async fn hang_up<T>(call: impl Future<Output = T>) {
    let mut call = pin!(call);
    let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
    assert!(begun, "answered before the caller hung up");
}

fn draft(bench: &Bench, fields: Value) -> DraftInput {
    let mut members = Map::from_iter([
        (
            "authorize_url".to_owned(),
            bench.provider.url("/authorize").into(),
        ),
        ("token_url".to_owned(), bench.provider.url("/token").into()),
    ]);
    let Value::Object(more) = fields else {
        panic!("an object")
    };
    members.extend(more);
    DraftInput::from_members(members)
}

#[tokio::test]
async fn an_authenticator_is_added_and_changed_to_the_end() {
    let mut bench = Bench::start().await;
    let fields = json!({
        "name": "new", "authenticator_type": "custom", "client_id": "demo-confidential",
        "client_secret": "demo-secret",
    });
    let profile = ProfileName::default();
    let added = draft(&bench, fields);
    hang_up(bench.agent.add_authenticator(added, profile, &me())).await;
    let agent = bench.agent.clone();
    let found = |name: &str| agent.authenticator(&authenticator_key(name)).ok();
    eventually("added", || found("new").is_some()).await;

    let change = Map::from_iter([("name".to_owned(), Value::from("renamed"))]);
    let change = AuthenticatorChange {
        input: DraftInput::from_members(change),
        is_active: Some(false),
        ..AuthenticatorChange::default()
    };
    let old = authenticator_key("new");
    hang_up(bench.agent.update_authenticator(&old, change, &me())).await;
    eventually("renamed", || found("renamed").is_some()).await;
    assert!(found("new").is_none());

    bench.restart().await;
    let kept = bench.agent.authenticator(&authenticator_key("renamed"));
    let kept = kept.expect("kept").authenticator;
    assert!(kept.has_secret && !kept.is_active, "{kept:?}");
}

#[tokio::test]
async fn a_connection_is_renamed_to_the_end() {
    let mut bench = Bench::start().await;
    bench.connect("demo").await;
    let change = ConnectionChange {
        label: LabelChange::Set("work".parse().expect("a label")),
        ..ConnectionChange::default()
    };
    hang_up(bench.agent.update_connection(&key("demo"), change, &me())).await;
    let agent = bench.agent.clone();
    let renamed = || agent.connection(&key("demo/work")).is_ok();
    eventually("renamed", renamed).await;
    bench.restart().await;
    bench.access("demo/work").await;
}

#[tokio::test]
async fn a_key_that_is_revoked_is_revoked_to_the_end() {
    let bench = Bench::start().await;
    let ask = NewKey {
        name: "ci".to_owned(),
        connections: None,
        manage: false,
        expires_at: None,
    };
    let (_, text) = bench.agent.create_key(ask, &me()).await.expect("a key");
    hang_up(bench.agent.revoke_key("ci", &me())).await;
    eventually("revoked", || bench.agent.verify_key(text.expose()).is_err()).await;
}

#[tokio::test]
async fn a_sign_in_is_cancelled_to_the_end() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    hang_up(bench.agent.cancel_sign_in(view.id, &me())).await;
    let state = bench.finished(view.id).await;
    assert!(matches!(state, SignInState::Cancelled), "{state:?}");
}

#[tokio::test]
async fn who_reads_the_log_and_hangs_up_loses_none_of_it() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    for _ in 0..3 {
        bench.access("demo").await;
    }
    hang_up(bench.agent.events(EventFilter::default())).await;
    assert_eq!(bench.count(EventKind::TokenServed).await, 3);
}

/// A link begins one sign-in, also where the first who followed it has hung up.
#[tokio::test]
async fn a_link_knows_the_sign_in_of_a_caller_that_hung_up() {
    let bench = Bench::start().await;
    let target = LinkTarget {
        profile: ProfileName::default(),
        connection: "demo".parse().expect("a name"),
        scopes: Scopes::default(),
        reason: None,
        asked_by: "key ci".to_owned(),
    };
    let nonce = bench.agent.connect_link(target);
    hang_up(bench.agent.follow_connect_link(&nonce, &me())).await;
    let follow = async || bench.agent.follow_connect_link(&nonce, &me()).await;
    let (first, second) = tokio::join!(follow(), follow());
    let first = first.expect("its sign-in");
    assert_eq!(second.expect("its sign-in").id, first.id);
    let started = EventFilter {
        kinds: vec![EventKind::SignInStarted],
        ..EventFilter::default()
    };
    let started = bench.agent.events(started).await.expect("read");
    assert_eq!(started.len(), 1);
}

#[tokio::test]
async fn a_sign_in_is_begun_to_the_end() {
    let bench = Bench::start().await;
    hang_up(bench.begin_as("demo", None)).await;
    let begun = async {
        while bench.count(EventKind::SignInStarted).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, begun).await.expect("begun");
}
