//! What becomes of a key: a sign-in takes its place, a program reports it, it ends.

use serde_json::json;
use valetkey_agent::protocol::TokenTest;
use valetkey_agent::sign_in::{KeyOptions, SignInState};
use valetkey_agent::{AgentError, Clock as _, ConnectionChange, OAuthOffer, TokenRequirements};
use valetkey_core::connection_state::Status;
use valetkey_core::freshness;
use valetkey_core::grant::GrantKind;
use valetkey_core::home::Home;
use valetkey_demo_provider::{Client, Consent, Endpoint, Settings};
use valetkey_vault::testing;

use super::{acme, connected, give, key_of, options};
use crate::support::{Bench, authenticator_key, completed, key, me, seconds, visit};
use crate::tokens_by_name::TokensByName as _;

#[tokio::test]
async fn a_sign_in_takes_the_place_of_a_key_and_keeps_the_rest() {
    let (bench, secret) = acme().await;
    let work = KeyOptions {
        account: Some("work".parse().unwrap()),
        ..options("acme", &secret)
    };
    let id = completed(give(&bench, work).await).id;
    let change = ConnectionChange {
        proxy_only: Some(true),
        ..ConnectionChange::default()
    };
    let changed = bench
        .agent
        .update_connection(&key("acme/work"), change, &me())
        .await;
    changed.expect("changed");
    let refused = bench.begin_as("acme", Some("work")).await;
    assert!(
        matches!(refused, Err(AgentError::NoClient { .. })),
        "{refused:?}"
    );
    // A client completes it, and the key stays what it is.
    let config = bench.provider.client_config("acme");
    let fields = [
        "client_id",
        "authorize_url",
        "token_url",
        "revocation_url",
        "scopes",
    ];
    let fields = fields.map(|field| (field.to_owned(), config[field].clone()));
    bench
        .update(
            "acme",
            serde_json::Value::Object(fields.into_iter().collect()),
        )
        .await;
    let about = bench.view("acme/work").api_key.expect("a key");
    assert_eq!(about.oauth, Some(OAuthOffer::Ready));
    let view = bench
        .begin_as("acme", Some("work"))
        .await
        .expect("it begins");
    visit(&view.authorize_url.expect("a URL")).await;
    let done = completed(bench.finished(view.id).await);
    assert!(done.renewed && done.id == id, "{done:?}");
    assert_eq!(done.replaced_key.expect("a key").name, "API key");
    let row = bench.stored("acme/work").await;
    assert_eq!((row.kind, row.refreshable), (GrantKind::OAuth, true));
    assert!(row.proxy.only);
    assert!(bench.view("acme/work").api_key.is_none());
    assert!(
        bench.provider.access_token_lives(&secret),
        "it is the person's own"
    );
}

#[tokio::test]
async fn a_key_ends_no_sign_in_unless_it_is_to() {
    let bench = Bench::connected().await;
    let secret = key_of(&bench, "ada").await;
    let before = bench.access("demo").await;
    let state = give(&bench, options("demo", &secret)).await;
    let SignInState::Failed(why) = state else {
        panic!("not refused: {state:?}");
    };
    assert!(why.message.contains("signed in by OAuth"), "{why:?}");
    assert_eq!(bench.access("demo").await, before);
    let replace = KeyOptions {
        replace: true,
        ..options("demo", &secret)
    };
    let done = completed(give(&bench, replace).await);
    assert!(done.renewed && done.replaced_key.is_none(), "{done:?}");
    assert_eq!(bench.access("demo").await, secret);
    assert_eq!(bench.stored("demo").await.kind, GrantKind::ApiKey);
}

#[tokio::test]
async fn a_key_that_a_program_reports_needs_another_one() {
    let (bench, secret) = acme().await;
    let id = connected(&bench, "acme", &secret).await.id;
    let served = bench.token("acme").await.expect("a key");
    let print = served.live.fingerprint.clone();
    let told = bench.agent.invalidate_of(&key("acme"), &print, &me()).await;
    let told = told.expect_err("nothing replaces it");
    assert_eq!(told.to_string(), "`acme` needs another API key from you");
    assert!(told.hint().unwrap().contains("--api-key-stdin"), "{told:?}");
    assert_eq!(told.sign_in(), None, "there is no page for it");
    assert_eq!(bench.status("acme"), Status::NeedsReconnect);
    let again = bench.token("acme").await.expect_err("refused");
    assert_eq!(again.to_string(), told.to_string());
    let done = connected(&bench, "acme", &secret).await;
    assert_eq!((done.id, done.renewed), (id, true));
    assert_eq!(bench.status("acme"), Status::Active);
}

#[tokio::test]
async fn a_refusal_of_a_host_counts_only_if_the_provider_confirms_it() {
    let (bench, secret) = acme().await;
    let id = connected(&bench, "acme", &secret).await.id;
    let person = valetkey_agent::Requester::person(me());
    let grant = bench.agent.proxy_grant(id, &person).await.expect("a key");
    let kept = bench
        .agent
        .replace_refused_by_host(&grant.live, &person)
        .await;
    assert!(!kept.expect("it stays"));
    assert_eq!(bench.status("acme"), Status::Active);
    bench.provider.revoke_account("ada");
    let asked = bench.provider.count(Endpoint::Userinfo);
    let again = bench
        .agent
        .replace_refused_by_host(&grant.live, &person)
        .await;
    assert!(!again.expect("it was asked a moment ago"));
    assert_eq!(bench.provider.count(Endpoint::Userinfo), asked);
    assert_eq!(
        bench.agent.test(&key("acme")).await.unwrap().outcome,
        TokenTest::Refused
    );
}

#[tokio::test]
async fn a_key_ends_when_the_person_said_so() {
    let (bench, secret) = acme().await;
    let end = freshness::add(bench.clock.now(), jiff::SignedDuration::from_hours(48));
    let dated = KeyOptions {
        expires_at: Some(end),
        ..options("acme", &secret)
    };
    completed(give(&bench, dated).await);
    assert_eq!(bench.view("acme").row.expires_at, Some(end));
    bench.clock.jump(jiff::SignedDuration::from_hours(47));
    assert_eq!(bench.access("acme").await, secret);
    bench.clock.jump(jiff::SignedDuration::from_hours(2));
    let ended = bench.token("acme").await.expect_err("ended");
    assert_eq!(ended.to_string(), "`acme` needs another API key from you");
    bench.clock.advance(seconds(1));
    assert_eq!(bench.status("acme"), Status::NeedsReconnect);
}

#[tokio::test]
async fn scopes_that_a_key_lacks_come_with_another_key_and_no_sign_in() {
    let (bench, secret) = acme().await;
    connected(&bench, "acme", &secret).await;
    let ask = TokenRequirements {
        scopes: Some("files.write".split(' ').map(str::to_owned).collect()),
        ..TokenRequirements::default()
    };
    let refused = bench.agent.token_of(&key("acme"), &ask, &me()).await;
    let refused = refused.expect_err("a key has no scopes that are known");
    assert!(
        matches!(refused, AgentError::InsufficientScope { .. }),
        "{refused:?}"
    );
    assert_eq!(refused.sign_in(), None);
    let hint = refused.hint().expect("what to do");
    assert!(
        hint.contains("`valetkey connect acme --api-key-stdin`"),
        "{hint}"
    );
}

/// As on a full disk.
#[tokio::test]
async fn a_key_whose_sign_in_cannot_be_recorded_leaves_nothing() {
    let bench = Bench::start().await;
    let database = Home::at(bench.home.path()).database();
    testing::execute(
        &database,
        "CREATE TRIGGER full BEFORE INSERT ON sign_ins BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    // More than may wait at once.
    for _ in 0..40 {
        let given = bench
            .agent
            .connect_with_key(options("linear", "lin_api_0123456789"), &me())
            .await;
        let refused = given.expect_err("it is not recorded");
        assert!(
            !matches!(refused, AgentError::RateLimited { .. }),
            "{refused:?}"
        );
        let made = bench.agent.authenticator(&authenticator_key("linear"));
        assert!(made.is_err(), "it was made for the key");
    }
}

/// Its consent is the old account's, which another connection rests on.
#[tokio::test]
async fn a_key_of_another_account_ends_no_other_sign_in_of_the_old_one() {
    let bench = Bench::with(Settings {
        clients: vec![Client::public("demo"), Client::public("other-client")],
        ..Settings::auto_consent("ada")
    })
    .await;
    for name in ["one", "two"] {
        bench.add(name, json!({})).await;
        bench.connect(name).await;
    }
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow("grace"));
    bench
        .add("grace", json!({ "client_id": "other-client" }))
        .await;
    bench.connect("grace").await;
    let replacing = KeyOptions {
        replace: true,
        ..options("one", &bench.access("grace").await)
    };
    let done = completed(give(&bench, replacing).await);
    assert_eq!(done.account.as_deref(), Some("grace@example.com"));
    assert_eq!(bench.provider.count(Endpoint::Revoke), 0);
}
