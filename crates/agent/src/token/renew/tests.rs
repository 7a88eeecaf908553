//! Interleavings of reports, which run as tasks for callers outside.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey_core::draft::DraftInput;
use valetkey_core::home::Home;
use valetkey_core::name::ProfileName;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{DemoProvider, Filter, RefreshTokens, Settings};
use valetkey_vault::Vault;
use valetkey_vault::store::testing::TestStore;

use super::*;
use crate::access::AccessConfig;
use crate::clock::TestClock;
use crate::key::AuthenticatorKey;
use crate::sign_in::{SignInMethod, SignInOptions, SignInState};
use crate::state::Config;

/// An agent with one connection.
async fn connected(provider: &DemoProvider, home: &TempDir) -> (Agent, ConnectionId) {
    let vault = Vault::open(&Home::at(home.path()), TestStore::default().opener()).await;
    let config = Config {
        clock: Arc::new(TestClock::new(Timestamp::now())),
        version: "test",
        store: "memory",
        access: AccessConfig::default(),
    };
    let agent = Agent::start(vault.expect("a vault"), config).await;
    let agent = agent.expect("an agent");
    let draft = json!({
        "name": "demo", "authenticator_type": "custom", "client_id": "demo",
        "authorize_url": provider.url("/authorize"), "token_url": provider.url("/token"),
        "scopes": ["email", "offline_access"],
    });
    let Value::Object(members) = draft else {
        panic!("an object")
    };
    let who = Actor::agent();
    let input = DraftInput::from_members(members);
    let added = agent.add_authenticator(input, ProfileName::default(), &who);
    let (view, _) = added.await.expect("added");
    let options = SignInOptions {
        authenticator: AuthenticatorKey::Id(view.authenticator.id),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Browser,
        reason: None,
    };
    let sign_in = agent.begin_sign_in(options, &who).await.expect("begun");
    let page = reqwest::get(sign_in.authorize_url.expect("a URL")).await;
    page.expect("a page");
    let end = agent
        .wait_sign_in(sign_in.id, Duration::from_secs(30))
        .await;
    match end.expect("an end").state {
        SignInState::Completed(done) => (agent, done.id),
        other => panic!("not connected: {other:?}"),
    }
}

/// Polls `call` so often, then lets `between` run to its end, then finishes `call`. None if `call`
/// ended before.
async fn interrupted<T>(
    polls: usize,
    call: impl Future<Output = T>,
    between: impl Future<Output = ()>,
) -> Option<T> {
    let mut call = pin!(call);
    for _ in 0..polls {
        let woken = AtomicBool::new(false);
        let pending = std::future::poll_fn(|context| {
            if woken.swap(true, Ordering::Relaxed) {
                return Poll::Ready(true);
            }
            match call.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(false),
                // Goes on once the call can, as its task would.
                Poll::Pending => Poll::Pending,
            }
        });
        if !pending.await {
            return None;
        }
    }
    between.await;
    Some(call.await)
}

#[tokio::test]
async fn two_reports_of_one_refused_token_make_one_refresh() {
    let mut interleaved = 0;
    for polls in 1..12 {
        let provider = DemoProvider::start(Settings {
            refresh_tokens: RefreshTokens::Kept,
            ..Settings::auto_consent("ada")
        });
        let provider = provider.expect("a free port");
        let home = TempDir::new().expect("a folder");
        let (agent, id) = connected(&provider, &home).await;
        let live = agent
            .inner
            .registry()
            .get(id)
            .and_then(|it| it.live.clone());
        let refused = &live.expect("a token").fingerprint;
        let who = Actor::agent();
        let first = async {
            let end = agent.replace_refused(id, refused, &who).await;
            assert!(end.is_ok(), "{end:?}");
        };
        let second = agent.replace_refused(id, refused, &who);
        let Some(second) = interrupted(polls, second, first).await else {
            break;
        };
        interleaved += 1;
        assert!(second.is_ok(), "after {polls} polls: {second:?}");
        let sent = provider.count(Filter::refreshes());
        assert_eq!(sent, 1, "after {polls} polls");
    }
    assert!(interleaved > 0, "some call was interrupted");
}
