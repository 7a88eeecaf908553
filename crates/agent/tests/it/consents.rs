//! A grant that nobody keeps is given back, but never at the cost of another login: at some
//! providers the end of one token is the end of all that the account granted to the client.

use crate::support::{Bench, completed, failed, key, me};
use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_agent::{Agent, AgentError, ServedToken};
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, IdTokenFlaw, Latch};

type Asked = JoinHandle<Result<ServedToken, AgentError>>;

/// A connection without an id token: the provider's clock does not jump along.
async fn connected() -> Bench {
    let bench = Bench::start().await;
    let fields = json!({ "scopes": ["email", "offline_access"], "issuer": null });
    bench.add("plain", fields).await;
    completed(bench.connect("plain").await);
    bench
}

/// Somebody waits for a refresh whose answer is held.
async fn refreshing(bench: &Bench, place: impl FnOnce(FaultKind) -> Fault) -> (Latch, Asked) {
    bench.expire();
    let latch = bench.provider.latch(place);
    let asked = bench.ask("plain");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    (latch, asked)
}

fn revocations(bench: &Bench) -> usize {
    bench.provider.count(Endpoint::Revoke)
}

async fn disconnect(agent: &Agent, name: &str) {
    let gone = agent.disconnect(&key(name), true, &me()).await;
    gone.expect("disconnected");
}

#[tokio::test]
async fn a_refresh_that_a_new_sign_in_overtook_changes_nothing() {
    let bench = connected().await;
    let (latch, asked) = refreshing(&bench, |latch| Fault::refresh(latch).after_processing()).await;
    assert!(completed(bench.connect("plain").await).renewed);
    let new = bench.access("plain").await;
    latch.release();
    let served = asked.await.unwrap().expect("the new login serves them");
    assert_eq!(served.live.grant.access_token.expose(), new);
    assert_eq!(bench.access("plain").await, new);
    assert_eq!(revocations(&bench), 0);
}

#[tokio::test]
async fn a_refusal_of_the_grant_before_is_none_of_the_new_login() {
    let bench = connected().await;
    let (latch, asked) = refreshing(&bench, Fault::refresh).await;
    bench.provider.revoke_account("ada");
    assert!(completed(bench.connect("plain").await).renewed);
    latch.release();
    let served = asked.await.unwrap().expect("the new login serves them");
    let served = served.live.grant.access_token.expose();
    assert!(bench.provider.access_token_lives(served));
}

#[tokio::test]
async fn a_late_grant_of_a_removed_connection_is_kept_from_harming_its_successor() {
    let bench = connected().await;
    let (latch, asked) = refreshing(&bench, |latch| Fault::refresh(latch).after_processing()).await;
    disconnect(&bench.agent, "plain").await;
    let before = revocations(&bench);
    assert!(!completed(bench.connect("plain").await).renewed);
    latch.release();
    let error = asked.await.unwrap().expect_err("removed");
    assert!(matches!(error, AgentError::NotFound { .. }), "{error:?}");
    assert_eq!(revocations(&bench), before);
    bench.access("plain").await;
}

#[tokio::test]
async fn a_sign_in_that_fails_revokes_only_what_no_login_can_share() {
    let bench = Bench::start().await;
    let flaw = || {
        Fault::exchange(FaultKind::IdToken {
            flaw: IdTokenFlaw::WrongNonce,
        })
    };
    bench.provider.fault(flaw());
    failed(bench.connect("demo").await);
    let alone = revocations(&bench);
    assert!(alone > 0 && bench.provider.family_revoked("ada"));

    bench.connect("demo").await;
    bench.provider.fault(flaw());
    failed(bench.connect("demo").await);
    assert_eq!(revocations(&bench), alone, "it may be the same account");
    bench.access("demo").await;
}
