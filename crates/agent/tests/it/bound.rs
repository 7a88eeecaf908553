//! Tokens that are bound to a key (RFC 9449).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use valetkey_agent::protocol::TokenTest;
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, ConnectionChange};
use valetkey_demo_provider::{
    Dpop, Endpoint, Fault, FaultKind, Filter, RefreshTokens, Request, Settings,
};
use valetkey_vault::store::testing::Fault as StoreFault;

use crate::support::{Bench, completed, eventually, failed, key, me};

/// At a provider that binds every token, with ada signed in as `demo`.
async fn connected(settings: Settings) -> Bench {
    let bench = Bench::with(Settings {
        dpop: Dpop::Required,
        ..settings
    })
    .await;
    bench.update("demo", json!({ "dpop": "required" })).await;
    completed(bench.connect("demo").await);
    bench
}

async fn ada() -> Bench {
    connected(Settings::auto_consent("ada")).await
}

/// The public key in the proof of a request.
fn key_of(request: &Request) -> Value {
    let proof = request.headers["dpop"].to_str().expect("a token");
    let header = proof.split('.').next().expect("a first part");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
    serde_json::from_slice::<Value>(&header).expect("JSON")["jwk"].clone()
}

/// The keys of all requests of this kind, oldest first.
fn keys(bench: &Bench, filter: impl Into<Filter>) -> Vec<Value> {
    bench.provider.requests(filter).iter().map(key_of).collect()
}

async fn works(bench: &Bench) {
    let tested = bench.agent.test(&key("demo")).await.expect("a test");
    assert!(
        matches!(tested.outcome, TokenTest::Accepted { .. }),
        "{tested:?}"
    );
}

#[tokio::test]
async fn a_bound_login_keeps_its_key_through_refreshes_and_a_lost_database() {
    let mut bench = ada().await;
    assert_eq!(
        bench.view("demo").row.account.display_name.as_deref(),
        Some("ada@example.com"),
        "userinfo was asked with a proof"
    );
    let authorize = &bench.provider.requests(Endpoint::Authorize)[0];
    assert_eq!(authorize.param("dpop_jkt").unwrap().len(), 43);
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;
    bench.agent.shutdown().await;
    bench.delete_database();
    bench.start_again().await;
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;

    let first = keys(&bench, Filter::exchanges());
    let mut later = keys(&bench, Filter::refreshes());
    later.extend(keys(&bench, Endpoint::Userinfo));
    assert!(later.iter().all(|key| *key == first[0]), "{later:?}");
    assert_eq!(first.len(), 1);
}

#[tokio::test]
async fn a_new_sign_in_makes_a_new_key() {
    let bench = ada().await;
    completed(bench.connect("demo").await);
    let keys = keys(&bench, Filter::exchanges());
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;
}

#[tokio::test]
async fn a_bound_token_is_never_handed_out() {
    let bench = ada().await;
    let refused = bench.token("demo").await.unwrap_err();
    assert!(matches!(refused, AgentError::Bound(_)), "{refused:?}");
    let hint = refused.hint().unwrap();
    assert!(hint.contains("valetkey proxy-url demo"), "{hint}");
    assert!(bench.view("demo").is_bound);
    let off = ConnectionChange {
        proxy_only: Some(false),
        ..ConnectionChange::default()
    };
    let off = bench
        .agent
        .update_connection(&key("demo"), off, &me())
        .await;
    assert!(
        matches!(off, Err(AgentError::InvalidRequest { .. })),
        "{off:?}"
    );
    // Also if the authenticator asks for such tokens no more.
    bench.update("demo", json!({ "dpop": null })).await;
    let refused = bench.token("demo").await.unwrap_err();
    assert!(matches!(refused, AgentError::Bound(_)), "{refused:?}");
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;
}

#[tokio::test]
async fn a_token_that_is_not_bound_ends_the_sign_in_unless_it_is_allowed() {
    let bench = Bench::with(Settings {
        dpop: Dpop::Ignored,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.update("demo", json!({ "dpop": "required" })).await;
    let refused = failed(bench.connect("demo").await);
    assert!(refused.contains("not bound"), "{refused}");
    bench.update("demo", json!({ "dpop": "preferred" })).await;
    completed(bench.connect("demo").await);
    bench.access("demo").await;
    assert!(!bench.view("demo").is_bound);
}

#[tokio::test]
async fn a_bound_token_that_nobody_asked_for_is_refused() {
    let bench = Bench::start().await;
    let dpop = FaultKind::set("token_type", "DPoP");
    bench.provider.fault(Fault::exchange(dpop));
    let refused = failed(bench.connect("demo").await);
    assert!(refused.contains("`DPoP` is not supported"), "{refused}");
}

#[tokio::test]
async fn two_callers_at_expiry_make_one_refresh_and_one_retry_with_a_nonce() {
    let bench = connected(Settings {
        access_token_lifetime_seconds: Some(20.0),
        ..Settings::auto_consent("ada")
    })
    .await;
    bench
        .provider
        .update(|settings| settings.dpop_nonce = Some("first".to_owned()));
    // As much as a proof may be older than the provider's clock, which stands still.
    bench.clock.jump(SignedDuration::from_secs(30));
    let name = key("demo");
    let (one, other) = tokio::join!(bench.agent.test(&name), bench.agent.test(&name));
    for tested in [one, other] {
        let tested = tested.expect("a test");
        assert!(
            matches!(tested.outcome, TokenTest::Accepted { .. }),
            "{tested:?}"
        );
    }
    assert_eq!(bench.refreshes(), 2, "the challenge and the retry");
    bench.agent.renew(&name).await.expect("refreshed");
    assert_eq!(bench.refreshes(), 3, "the nonce is known");
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_a_whole_refresh_with_its_nonce() {
    let bench = ada().await;
    bench
        .provider
        .update(|settings| settings.dpop_nonce = Some("first".to_owned()));
    bench.expire();
    let before = bench.view("demo").row.state.generation;
    let latch = bench.provider.latch(Fault::refresh);
    let (agent, name) = (bench.agent.clone(), key("demo"));
    let caller = tokio::spawn(async move { agent.test(&name).await });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    caller.abort();
    latch.release();
    eventually("refreshed", || {
        bench.view("demo").row.state.generation > before
    })
    .await;
    works(&bench).await;
    assert_eq!(bench.refreshes(), 2);
}

#[tokio::test]
async fn a_sign_in_during_a_refresh_leaves_no_mix_of_keys_and_tokens() {
    let bench = ada().await;
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let (agent, name) = (bench.agent.clone(), key("demo"));
    let refreshing = tokio::spawn(async move { agent.renew(&name).await });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    completed(bench.connect("demo").await);
    latch.release();
    refreshing.await.unwrap().expect("what the sign-in brought");
    works(&bench).await;
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;
    let exchanges = keys(&bench, Filter::exchanges());
    let refreshes = keys(&bench, Filter::refreshes());
    assert_eq!(refreshes[0], exchanges[0]);
    assert_eq!(refreshes.last(), exchanges.last());
    assert_eq!(exchanges.len(), 2);
}

#[tokio::test]
async fn an_old_refresh_token_is_not_taken_over_beside_a_new_key() {
    let bench = ada().await;
    bench
        .provider
        .update(|settings| settings.refresh_tokens = RefreshTokens::Never);
    completed(bench.connect("demo").await);
    assert!(
        !bench.view("demo").row.refreshable,
        "its token is bound to the old key"
    );
    works(&bench).await;
}

#[tokio::test]
async fn key_and_tokens_are_stored_together_once_the_keychain_takes_them() {
    let mut bench = ada().await;
    bench.store.set(StoreFault::FailWrites);
    // The answer has come, and cannot be stored yet.
    bench
        .agent
        .renew(&key("demo"))
        .await
        .expect("held in memory");
    assert!(bench.view("demo").unsaved);
    works(&bench).await;
    bench.store.set(StoreFault::None);
    bench.restart().await;
    bench.agent.renew(&key("demo")).await.expect("refreshed");
    works(&bench).await;
    let exchanges = keys(&bench, Filter::exchanges());
    assert!(
        keys(&bench, Filter::refreshes())
            .iter()
            .all(|key| *key == exchanges[0])
    );
}

#[tokio::test]
async fn a_hostile_nonce_and_one_too_many_end_in_words_and_not_in_a_loop() {
    let bench = ada().await;
    let challenge = |nonce: &str| FaultKind::Raw {
        status: 400,
        headers: [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("dpop-nonce".to_owned(), nonce.to_owned()),
        ]
        .into(),
        body: json!({"error": "use_dpop_nonce"}).to_string(),
    };
    for nonce in ["n".repeat(5000), "a b".to_owned()] {
        let before = bench.refreshes();
        bench.provider.fault(Fault::refresh(challenge(&nonce)));
        let refused = bench.agent.renew(&key("demo")).await;
        assert!(
            matches!(refused, Err(AgentError::ClientMisconfigured { .. })),
            "{refused:?}"
        );
        assert_eq!(bench.refreshes(), before + 1);
        bench.expire();
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_hours_is_no_obstacle() {
    let bench = ada().await;
    bench.expire();
    works(&bench).await;
    bench.agent.renew(&key("demo")).await.expect("refreshed");
}

#[tokio::test]
async fn a_device_grant_is_bound_like_any_other() {
    use valetkey_agent::sign_in::{SignInMethod, SignInOptions};
    let bench = Bench::with(Settings {
        dpop: Dpop::Required,
        device_interval_seconds: 0.0,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.update("demo", json!({ "dpop": "required" })).await;
    let ask = SignInOptions {
        authenticator: crate::support::authenticator_key("demo"),
        account: None,
        replace: false,
        scopes: valetkey_core::scope::Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Device,
        reason: None,
    };
    let view = bench.agent.begin_sign_in(ask, &me()).await.unwrap();
    bench.take_turns().await;
    bench.clock.advance(crate::support::seconds(1));
    let state = bench.finished(view.id).await;
    assert!(matches!(state, SignInState::Completed(_)), "{state:?}");
    works(&bench).await;
}
