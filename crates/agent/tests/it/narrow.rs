//! Tokens with fewer scopes than their connection has, and what changes while one is asked for.

use jiff::SignedDuration;
use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_agent::{
    AgentError, Answer, Grant, Invalidated, Lasts, Refusal, ServedToken, TokenRequirements,
};
use valetkey_core::access::Usage;
use valetkey_core::connection_state::Status;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, RefreshTokens, Settings};

use crate::access::{answer, ask_now, refusal, requester};
use crate::support::{Bench, completed, eventually, key, me};
use crate::tokens_by_name::TokensByName as _;

/// At a provider whose refresh tokens rotate, and end the login when one is used twice.
async fn bench() -> Bench {
    let bench = Bench::with(Settings {
        refresh_tokens: RefreshTokens::RotatingStrict,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.update("demo", json!({ "narrow_tokens": true })).await;
    bench.connect("demo").await;
    bench
}

fn only(scopes: &str) -> TokenRequirements {
    TokenRequirements {
        scopes: Some(Scopes::parse_any(scopes)),
        only: Some(Scopes::parse_any(scopes)),
        ..TokenRequirements::default()
    }
}

async fn narrow(bench: &Bench, scopes: &str) -> Result<ServedToken, AgentError> {
    bench
        .agent
        .token_of(&key("demo"), &only(scopes), &me())
        .await
}

fn asking(bench: &Bench, scopes: &'static str) -> JoinHandle<Result<ServedToken, AgentError>> {
    let agent = bench.agent.clone();
    tokio::spawn(async move { agent.token_of(&key("demo"), &only(scopes), &me()).await })
}

fn text(served: &ServedToken) -> (String, String) {
    let grant = &served.live.grant;
    (
        grant.access_token.expose().to_owned(),
        grant.scopes.to_string(),
    )
}

/// The login works still: its refresh token was never used twice.
async fn assert_alive(bench: &Bench) {
    bench.expire();
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
    let revoked = |family: &valetkey_demo_provider::Family| family.revoked.is_some();
    assert!(!bench.provider.families().iter().any(revoked));
}

#[tokio::test]
async fn a_narrower_token_is_asked_for_once_and_kept() {
    let bench = bench().await;
    let whole = bench.access("demo").await;
    let (token, scopes) = text(&narrow(&bench, "email").await.expect("a token"));
    assert_eq!(scopes, "email");
    assert_ne!(token, whole);
    assert!(bench.provider.access_token_lives(&token));
    assert_eq!(text(&narrow(&bench, "email").await.unwrap()).0, token);
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.access("demo").await, whole, "the own token stays");
    assert_eq!(bench.status("demo"), Status::Active);
    let sent = bench.provider.requests(Filter::refreshes()).remove(0);
    assert_eq!(sent.param("scope"), Some("email"));
    assert_alive(&bench).await;
}

#[tokio::test]
async fn a_token_with_all_scopes_is_the_connections_own() {
    let bench = bench().await;
    let whole = bench.access("demo").await;
    let served = narrow(&bench, "email openid offline_access").await;
    assert_eq!(text(&served.unwrap()).0, whole);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn two_callers_with_different_scopes_at_once_get_their_own() {
    let bench = bench().await;
    let both = [asking(&bench, "email"), asking(&bench, "openid")];
    let mut scopes = Vec::new();
    for asking in both {
        scopes.push(text(&asking.await.unwrap().expect("a token")).1);
    }
    assert_eq!(scopes, ["email", "openid"]);
    assert_eq!(bench.refreshes(), 2, "one after the other");
    assert_alive(&bench).await;
}

#[tokio::test]
async fn a_refresh_and_a_narrow_token_wait_for_each_other() {
    let bench = bench().await;
    bench.expire();
    let latch = bench.provider.latch(Fault::refresh);
    let whole = bench.ask("demo");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let fewer = asking(&bench, "email");
    bench.take_turns().await;
    assert_eq!(bench.refreshes(), 1, "the second one waits");
    latch.release();
    let whole = whole.await.unwrap().expect("refreshed");
    let fewer = fewer.await.unwrap().expect("a token");
    assert_eq!(text(&fewer).1, "email");
    assert_eq!(whole.live.grant.scopes.iter().count(), 3);
    assert_alive(&bench).await;
}

/// What the request for a narrow token stores is another refresh token, and no newer access token.
#[tokio::test]
async fn a_caller_whose_token_ended_is_not_given_the_same_one_again() {
    let bench = bench().await;
    let latch = bench.provider.latch(Fault::refresh);
    let fewer = asking(&bench, "email");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench.expire();
    let whole = bench.ask("demo");
    bench.take_turns().await;
    latch.release();
    fewer.await.unwrap().ok();
    let whole = whole.await.unwrap().expect("a new one");
    assert!(bench.provider.access_token_lives(&text(&whole).0));
    assert!(whole.live.grant.is_valid(whole.at));
    assert_eq!(bench.refreshes(), 2);
}

#[tokio::test]
async fn a_sign_in_that_comes_first_wins() {
    let bench = bench().await;
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let fewer = asking(&bench, "email");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let done = completed(bench.connect("demo").await);
    assert!(done.renewed);
    latch.release();
    let error = fewer.await.unwrap().expect_err("of the old login");
    assert!(
        matches!(error, AgentError::ProviderUnreachable { .. }),
        "{error:?}"
    );
    let (token, scopes) = text(&narrow(&bench, "email").await.expect("of the new one"));
    assert_eq!(scopes, "email");
    assert!(bench.provider.access_token_lives(&token));
}

#[tokio::test]
async fn a_new_sign_in_ends_the_narrow_tokens_of_the_old_one() {
    let bench = bench().await;
    let old = text(&narrow(&bench, "email").await.unwrap()).0;
    completed(bench.connect("demo").await);
    let new = text(&narrow(&bench, "email").await.unwrap()).0;
    assert_ne!(old, new);
}

#[tokio::test]
async fn a_disconnect_during_the_request_leaves_nothing() {
    let bench = bench().await;
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let fewer = asking(&bench, "email");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    let gone = bench.agent.disconnect(&key("demo"), true, &me()).await;
    gone.expect("disconnected");
    let known = bench.revoked_tokens();
    latch.release();
    let error = fewer.await.unwrap().expect_err("gone");
    assert!(matches!(error, AgentError::NotFound { .. }), "{error:?}");
    assert!(bench.store.items().is_empty());
    assert!(bench.provider.family_revoked("ada"));
    // What came afterwards, not only what the disconnect knew.
    eventually("revoked itself", || {
        bench.revoked_tokens().len() > known.len()
    })
    .await;
}

#[tokio::test]
async fn a_pause_during_the_request_hands_nothing_out_and_loses_no_login() {
    let bench = bench().await;
    let latch = bench.provider.latch(Fault::refresh);
    let fewer = asking(&bench, "email");
    bench.provider.arrived(Filter::refreshes(), 1).await;
    bench.agent.pause(&me()).await.unwrap();
    latch.release();
    let error = fewer.await.unwrap().expect_err("paused");
    assert!(matches!(error, AgentError::Paused), "{error:?}");
    bench.agent.resume(&me()).await.unwrap();
    let (token, _) = text(&narrow(&bench, "email").await.expect("a token"));
    assert!(bench.provider.access_token_lives(&token));
    assert_eq!(bench.refreshes(), 2, "none was kept during the pause");
    assert_alive(&bench).await;
}

#[tokio::test]
async fn nothing_is_widened_where_fewer_scopes_cannot_be_had() {
    let bench = Bench::connected().await;
    let error = narrow(&bench, "email").await.expect_err("not here");
    assert!(
        matches!(error, AgentError::NotNarrowable { reason: None, .. }),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("--narrow-tokens true"));
    assert_eq!(bench.refreshes(), 0);
    let error = narrow(&bench, "calendar").await.expect_err("not granted");
    assert!(
        matches!(error, AgentError::InsufficientScope { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_of_fewer_scopes_does_not_end_the_login() {
    let bench = bench().await;
    bench
        .provider
        .fault(Fault::refresh(FaultKind::oauth_error("invalid_scope")));
    let error = narrow(&bench, "email").await.expect_err("refused");
    let AgentError::NotNarrowable {
        reason: Some(reason),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(reason.contains("invalid_scope"), "{reason}");
    narrow(&bench, "email")
        .await
        .expect_err("not asked for again at once");
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.status("demo"), Status::Active);
    assert_eq!(bench.view("demo").row.refresh_error, None);
    assert_alive(&bench).await;
}

#[tokio::test]
async fn a_narrow_token_that_was_refused_is_replaced_alone() {
    let bench = bench().await;
    let whole = bench.access("demo").await;
    let served = narrow(&bench, "email").await.unwrap();
    let refused = &served.live.fingerprint;
    let replaced = bench
        .agent
        .invalidate_of(&key("demo"), refused, &me())
        .await;
    assert_eq!(replaced.unwrap(), Invalidated::Refreshed);
    let again = narrow(&bench, "email").await.unwrap();
    assert_ne!(text(&again).0, text(&served).0);
    assert_eq!(bench.access("demo").await, whole);
    let late = bench
        .agent
        .invalidate_of(&key("demo"), refused, &me())
        .await;
    assert_eq!(late.unwrap(), Invalidated::AlreadyNewer);
    assert_eq!(bench.refreshes(), 2);
}

#[tokio::test]
async fn a_narrow_token_ends_as_others_do_when_the_clock_goes_on() {
    let bench = bench().await;
    let first = text(&narrow(&bench, "email").await.unwrap()).0;
    bench.clock.jump(SignedDuration::from_hours(2));
    let second = text(&narrow(&bench, "email").await.unwrap()).0;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_rule_for_fewer_scopes_gets_a_token_with_those() {
    let mut bench = Bench::with(Settings {
        refresh_tokens: RefreshTokens::RotatingStrict,
        ..Settings::auto_consent("ada")
    })
    .await;
    bench.update("demo", json!({ "narrow_tokens": true })).await;
    bench.connect("demo").await;
    bench.restart_as_app().await;
    let tool = || requester("/bin/tool", Some("/work"));
    ask_now(&bench, &tool()).await.unwrap_err();
    let fewer = Answer::Allow(Grant {
        lasts: Lasts::Always,
        only_project: false,
        usage: Usage::Token,
        only_scopes: Some(Scopes::parse_any("email")),
    });
    answer(&bench, fewer).await;
    let served = ask_now(&bench, &tool()).await.expect("a narrower one");
    assert_eq!(text(&served).1, "email");
    assert_eq!(
        text(&ask_now(&bench, &tool()).await.unwrap()),
        text(&served)
    );
    assert_eq!(bench.refreshes(), 1);

    // What the rule leaves out is refused, and asked for by nobody.
    let id = bench.view("demo").row.id;
    let more = TokenRequirements {
        scopes: Some(Scopes::parse_any("openid")),
        ..TokenRequirements::default()
    };
    let refused = bench.agent.token(id, &more, &tool()).await;
    assert!(matches!(refusal(refused), Refusal::TooManyScopes(_)));
    // Through the proxy, too.
    let grant = bench.agent.proxy_grant(id, &tool()).await.expect("allowed");
    assert_eq!(grant.live.grant.scopes.to_string(), "email");
    assert_eq!(bench.provider.count(Endpoint::Token), 2);

    // Where the provider cannot, nothing is widened.
    bench
        .update("demo", json!({ "narrow_tokens": false }))
        .await;
    let refused = ask_now(&bench, &tool()).await;
    assert!(matches!(refusal(refused), Refusal::TooManyScopes(_)));
}

#[tokio::test]
async fn a_provider_that_gives_more_is_not_believed() {
    let bench = bench().await;
    // It keeps to itself that the scope was ignored: what it says is what counts.
    bench
        .provider
        .update(|settings| settings.ignores_narrower_scopes = true);
    let error = narrow(&bench, "email").await.expect_err("too much");
    let AgentError::NotNarrowable {
        reason: Some(reason),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(reason.contains("openid"), "{reason}");
    assert_alive(&bench).await;
}
