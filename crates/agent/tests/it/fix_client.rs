//! A provider that refuses the client, not the person: tokens are kept until it is mended.

use crate::support::{Bench, authenticator_key, eventually, me, seconds};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use valetkey_agent::{AgentError, AuthenticatorChange};
use valetkey_core::connection_state::Status;
use valetkey_core::draft::DraftInput;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Client, Fault, FaultKind, Filter, RefreshTokens, Settings};

/// A confidential client of a provider with a console.
async fn connected() -> Bench {
    let bench = Bench::with(Settings {
        refresh_tokens: RefreshTokens::Kept,
        ..Settings::auto_consent("ada")
    })
    .await;
    let client = json!({
        "authenticator_type": "google",
        "client_id": "demo-confidential",
        "client_secret": "demo-secret",
    });
    bench.add("google", client).await;
    bench.connect("google").await;
    bench
}

fn secret_becomes(bench: &Bench, secret: &str) {
    let renewed = Client::confidential("demo-confidential", secret);
    bench.provider.update(|settings| {
        settings.clients = vec![Client::public("demo"), renewed];
    });
}

async fn mend(bench: &Bench, field: &str, value: &str) {
    let change = Map::from_iter([(field.to_owned(), Value::from(value))]);
    let change = AuthenticatorChange {
        input: DraftInput::from_members(change),
        ..AuthenticatorChange::default()
    };
    bench
        .agent
        .update_authenticator(&authenticator_key("google"), change, &me())
        .await
        .expect("a good change");
}

#[tokio::test]
async fn a_renewed_client_secret_keeps_the_login_and_its_update_heals_it() {
    let bench = connected().await;
    let old = bench.access("google").await;
    secret_becomes(&bench, "renewed-secret");
    bench.clock.jump(SignedDuration::from_secs(3600 - 30));
    assert_eq!(bench.access("google").await, old, "served while it lives");
    bench.expire();
    for _ in 0..3 {
        match bench.token("google").await.expect_err("refused") {
            AgentError::ClientMisconfigured {
                provider,
                authenticator,
                reason,
                console_url,
                ..
            } => {
                assert_eq!(provider, "Google");
                assert_eq!(authenticator.argument(), "google");
                assert!(reason.contains("invalid_client"), "{reason}");
                assert!(console_url.is_some());
            }
            other => panic!("not about the client: {other:?}"),
        }
    }
    bench.pass(seconds(3600), seconds(300)).await;
    assert_eq!(bench.refreshes(), 2, "nothing is tried by itself");
    assert_eq!(bench.count(EventKind::ConnectionMisconfigured).await, 1);
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 0);

    mend(&bench, "client_secret", "renewed-secret").await;
    bench.provider.ended(Filter::refreshes(), 3).await;
    eventually("active", || bench.status("google") == Status::Active).await;
    let new = bench.access("google").await;
    assert!(bench.provider.access_token_lives(&new));
}

#[tokio::test]
async fn a_client_that_is_mended_at_the_provider_heals_when_asked() {
    let bench = connected().await;
    secret_becomes(&bench, "other");
    bench.expire();
    assert!(bench.token("google").await.is_err());
    secret_becomes(&bench, "demo-secret");
    bench.clock.jump(SignedDuration::from_secs(6));
    assert!(bench.token("google").await.is_ok());
}

#[tokio::test]
async fn other_names_for_a_wrong_registration_keep_the_tokens_too() {
    let kinds = [
        FaultKind::oauth_error("unauthorized_client"),
        FaultKind::oauth_error("invalid_scope"),
        FaultKind::oauth_error("deleted_client"),
        FaultKind::oauth_error("admin_policy_enforced"),
        FaultKind::set("token_type", "mac"),
    ];
    for kind in kinds {
        let bench = connected().await;
        bench.expire();
        bench.provider.fault(Fault::refresh(kind.clone()));
        let error = bench.token("google").await.expect_err("refused");
        let about_client = matches!(error, AgentError::ClientMisconfigured { .. });
        assert!(about_client, "{kind:?}: {error:?}");
        bench.clock.jump(SignedDuration::from_secs(6));
        assert!(bench.token("google").await.is_ok(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_refused_at_sign_in_is_named_with_its_console() {
    let bench = connected().await;
    secret_becomes(&bench, "other");
    let state = bench.connect("google").await;
    let valetkey_agent::sign_in::SignInState::Failed(failed) = state else {
        panic!("{state:?}")
    };
    assert!(failed.message.contains("invalid_client"), "{failed:?}");
    let hint = failed.hint.expect("what to do");
    assert!(hint.contains("https://console.cloud.google.com"), "{hint}");
    assert!(bench.token("google").await.is_ok(), "the old login lives");
}
