//! Imports that a kill cuts off: what the process leaves is what the vault holds at that moment.

use valetkey_agent::Clock as _;
use valetkey_core::id::SignInId;
use valetkey_core::secret::RefreshToken;
use valetkey_core::token_import::TokenImport;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter};
use valetkey_vault::store::testing::Fault as StoreFault;

use super::{imports, nothing_pending, token_of};
use crate::support::{Bench, authenticator_key, completed, eventually, failed, key, seconds};

fn import(bench: &Bench, token: &str) -> TokenImport {
    let demo = bench.agent.authenticator(&authenticator_key("demo"));
    TokenImport {
        id: SignInId::new(uuid::Uuid::from_u128(77)),
        authenticator: demo.expect("it is there").authenticator.as_ref().clone(),
        account: None,
        replace: false,
        token: RefreshToken::new(token),
        is_rotated: false,
        moved_from: None,
        begun_at: bench.clock.now(),
    }
}

async fn keep(bench: &Bench, import: &TokenImport) {
    let kept = bench.vault.begin_token_import(import).await;
    assert_eq!(kept, Ok(None));
}

#[tokio::test]
async fn one_that_was_not_sent_is_done_at_the_next_start() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    keep(&bench, &import(&bench, &token)).await;
    bench.restart().await;
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    bench.access("demo").await;
    nothing_pending(&bench).await;
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn one_that_was_stored_is_not_sent_again() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let import = import(&bench, &token);
    completed(super::import(&bench, &token).await);
    let row = bench.stored("demo").await;
    // As if the end of the import had not been written.
    let again = TokenImport {
        token: RefreshToken::new("another-fingerprint"),
        ..import.clone()
    };
    keep(&bench, &again).await;
    let marked = bench
        .vault
        .mark_token_import(again.id, row.id, row.state.generation);
    marked.await.expect("a database");
    bench
        .vault
        .save_token_import(&import)
        .await
        .expect("a keychain");
    bench.restart().await;
    nothing_pending(&bench).await;
    assert_eq!(
        bench.refreshes(),
        1,
        "the token that was replaced is not sent"
    );
    assert_eq!(bench.provider.families()[0].revoked, None);
    bench.access("demo").await;
}

#[tokio::test]
async fn a_token_that_came_is_kept_until_its_connection_can_be_stored() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let latch = bench
        .provider
        .latch(|latch| Fault::at(Endpoint::Userinfo, latch));
    let view = super::begin(&bench, super::options(&token)).await;
    bench.provider.arrived(Endpoint::Userinfo, 1).await;
    // The one that replaces it is in the keychain before anybody is asked whose it is.
    bench.store.set(StoreFault::FailWrites);
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("the refresh token is kept"), "{why}");
    assert_eq!(imports(&bench), 1);
    bench.store.set(StoreFault::None);
    bench.restart().await;
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    bench.access("demo").await;
    assert_eq!(bench.provider.families()[0].revoked, None);
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_in_the_kill_asks_for_a_sign_in() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let import = import(&bench, &token);
    completed(super::import(&bench, &token).await);
    bench
        .agent
        .disconnect(&key("demo"), true, &crate::support::me())
        .await
        .expect("disconnected");
    keep(&bench, &import).await;
    bench.restart().await;
    nothing_pending(&bench).await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn an_authenticator_that_was_routed_elsewhere_since_does_not_get_the_token() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    keep(&bench, &import(&bench, &token)).await;
    let elsewhere = bench.provider.url("/elsewhere");
    bench
        .update("demo", serde_json::json!({ "token_url": elsewhere }))
        .await;
    let before = bench.provider.requests(Filter::all()).len();
    bench.restart().await;
    nothing_pending(&bench).await;
    let sent = bench.provider.requests(Filter::all());
    assert!(
        sent[before..]
            .iter()
            .all(|it| it.param("refresh_token").is_none())
    );
}

#[tokio::test]
async fn a_rotated_token_is_tried_again_until_the_provider_answers() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let rotated = TokenImport {
        is_rotated: true,
        ..import(&bench, &token)
    };
    keep(&bench, &rotated).await;
    bench
        .provider
        .fault(Fault::refresh(FaultKind::status(503)).times(2));
    bench.restart().await;
    bench.provider.ended(Filter::refreshes(), 1).await;
    bench.settle().await;
    assert_eq!(imports(&bench), 1);
    bench.pass(seconds(600), seconds(15)).await;
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    assert!(bench.refreshes() <= 5, "not without pause");
    nothing_pending(&bench).await;
}
