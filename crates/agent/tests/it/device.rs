//! Device grants: a code on another machine, and polls until the person has decided.

use std::time::Duration;

use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{Failed, SignInMethod, SignInOptions, SignInState, SignInView};
use valetkey_core::event::EventKind;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{Consent, Endpoint, Fault, FaultKind, Filter, Outcome, Revocation};

use crate::support::{Bench, authenticator_key, authorize_url, completed, eventually, me, seconds};

/// At a provider where the person must decide; polls may be as frequent as they like.
async fn bench() -> Bench {
    let bench = Bench::start().await;
    bench.provider.update(|settings| {
        settings.consent = Consent::Ask;
        settings.device_interval_seconds = 0.0;
    });
    bench
}

async fn begin_with(bench: &Bench, authenticator: &str) -> Result<SignInView, AgentError> {
    let ask = SignInOptions {
        authenticator: authenticator_key(authenticator),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Device,
        reason: None,
    };
    bench.agent.begin_sign_in(ask, &me()).await
}

async fn begin(bench: &Bench) -> SignInView {
    begin_with(bench, "demo").await.expect("a code")
}

fn polls(bench: &Bench) -> usize {
    bench.provider.count(Filter::polls())
}

/// A poll is sent after `pause`, not before, and answered.
async fn poll_after(bench: &Bench, pause: Duration) {
    let before = polls(bench);
    bench.take_turns().await;
    bench
        .clock
        .advance(pause.saturating_sub(Duration::from_millis(1)));
    bench.take_turns().await;
    assert_eq!(polls(bench), before, "not before {pause:?}");
    bench.clock.advance(Duration::from_millis(1));
    eventually("a poll", || {
        let polls = bench.provider.requests(Filter::polls());
        polls.len() > before && polls.iter().all(|poll| poll.outcome != Outcome::Pending)
    })
    .await;
    bench.take_turns().await;
}

/// The person decides on the provider's page.
async fn decide(view: &SignInView, decision: &str) {
    let device = view.device.as_ref().expect("a code");
    let form = [
        ("user_code", device.user_code.as_str()),
        ("account", "ada"),
        ("decision", decision),
    ];
    let client = reqwest::Client::new();
    let page = client.post(&device.verification_uri).form(&form).send();
    assert_eq!(page.await.expect("a page").status(), 200);
}

fn failure(state: SignInState) -> Failed {
    match state {
        SignInState::Denied(failed) | SignInState::Failed(failed) => failed,
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn a_code_that_the_person_enters_elsewhere_is_a_login() {
    let bench = bench().await;
    let view = begin(&bench).await;
    let device = view.device.clone().expect("a code");
    assert!(authorize_url(&view).contains(&device.user_code));
    assert!(!device.verification_uri.contains(&device.user_code));
    assert_eq!(view.redirect_uri, None);
    poll_after(&bench, seconds(1)).await;
    poll_after(&bench, seconds(1)).await;
    assert!(matches!(
        bench.agent.sign_in(view.id).unwrap().state,
        SignInState::Started
    ));
    decide(&view, "allow").await;
    poll_after(&bench, seconds(1)).await;
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.account.as_deref(), Some("ada@example.com"));
    bench.access("demo").await;
    assert_eq!(bench.count(EventKind::SignInCompleted).await, 1);
    bench.pass(seconds(60), seconds(10)).await;
    assert_eq!(polls(&bench), 3, "nothing is polled after the end");
}

#[tokio::test]
async fn each_slow_down_adds_five_seconds_for_good() {
    let bench = bench().await;
    // The provider counts real time, so each of these polls comes too early for it.
    bench
        .provider
        .update(|settings| settings.device_interval_seconds = 5.0);
    begin(&bench).await;
    for pause in [5, 10, 15] {
        poll_after(&bench, seconds(pause)).await;
    }
}

#[tokio::test]
async fn lost_answers_and_outages_do_not_end_it_and_are_backed_off_from() {
    let bench = bench().await;
    let view = begin(&bench).await;
    bench
        .provider
        .fault(Fault::at(Endpoint::Token, FaultKind::Close).times(2));
    bench
        .provider
        .fault(Fault::at(Endpoint::Token, FaultKind::status(503)));
    poll_after(&bench, seconds(1)).await;
    poll_after(&bench, seconds(2)).await;
    poll_after(&bench, seconds(4)).await;
    poll_after(&bench, seconds(8)).await;
    decide(&view, "allow").await;
    poll_after(&bench, seconds(1)).await;
    completed(bench.finished(view.id).await);
}

#[tokio::test]
async fn a_refusal_ends_it_at_once() {
    let bench = bench().await;
    let view = begin(&bench).await;
    decide(&view, "deny").await;
    poll_after(&bench, seconds(1)).await;
    let failed = failure(bench.finished(view.id).await);
    assert!(failed.message.contains("you said no"), "{}", failed.message);
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn a_code_that_has_expired_ends_it() {
    let bench = bench().await;
    let view = begin(&bench).await;
    let expired = FaultKind::oauth_error("expired_token");
    bench.provider.fault(Fault::at(Endpoint::Token, expired));
    poll_after(&bench, seconds(1)).await;
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::TimedOut
    ));

    let view = begin(&bench).await;
    let lifetime = view.expires_at.duration_since(view.started_at);
    assert_eq!(lifetime.as_secs(), 600, "as the provider says");
    bench.pass(seconds(620), seconds(30)).await;
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::TimedOut
    ));
}

#[tokio::test]
async fn what_arrives_after_the_person_cancelled_is_revoked() {
    let bench = bench().await;
    let view = begin(&bench).await;
    decide(&view, "allow").await;
    let latch = bench
        .provider
        .latch(|kind| Fault::at(Endpoint::Token, kind));
    bench.take_turns().await;
    bench.clock.advance(seconds(1));
    eventually("a poll", || polls(&bench) == 1).await;
    bench.agent.cancel_sign_in(view.id, &me()).await.unwrap();
    latch.release();
    eventually("it is revoked", || {
        let families = bench.provider.families();
        families
            .first()
            .is_some_and(|family| family.revoked == Some(Revocation::Client))
    })
    .await;
    assert!(bench.agent.connections(None).is_empty());
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn a_stop_ends_the_polls() {
    let bench = bench().await;
    begin(&bench).await;
    tokio::time::timeout(seconds(30), bench.agent.shutdown())
        .await
        .expect("it stops");
    assert_eq!(polls(&bench), 0);
}

#[tokio::test]
async fn no_address_is_pasted_where_a_code_is_entered() {
    let bench = bench().await;
    let view = begin(&bench).await;
    let pasted = bench
        .agent
        .finish_by_paste(view.id, "http://127.0.0.1/?code=c&state=s");
    let error = pasted.await.unwrap_err();
    let code = view.device.expect("a code").user_code;
    assert!(error.hint().unwrap().contains(&code), "{error:?}");
}

#[tokio::test]
async fn the_endpoint_is_found_in_the_metadata_or_its_absence_is_said() {
    let bench = bench().await;
    bench
        .add("found", json!({ "device_authorization_url": null }))
        .await;
    begin_with(&bench, "found").await.expect("by its metadata");
    bench
        .add(
            "none",
            json!({ "device_authorization_url": null, "issuer": null }),
        )
        .await;
    let error = begin_with(&bench, "none").await.unwrap_err();
    let said = format!("{error} {}", error.hint().unwrap());
    assert!(said.contains("--device-authorization-url"), "{said}");
}
