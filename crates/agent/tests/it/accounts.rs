//! Accounts, clients and granted scopes of connections.

use std::collections::BTreeSet;

use crate::support::{
    Bench, authenticator_key, authorize_url, authorized, completed, eventually, failed, key, me,
    seconds, visit,
};
use crate::tokens_by_name::TokensByName as _;
use serde_json::json;
use tokio::task::JoinSet;
use valetkey_agent::protocol::Revocation;
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, AuthenticatorChange, TokenRequirements};
use valetkey_demo_provider::{Client, Consent, Endpoint, Family, Fault, Settings};
use valetkey_vault::store::testing::Fault as StoreFault;

fn consent_as(bench: &Bench, account: &str) {
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow(account));
}

async fn sign_in_as_work(bench: &Bench) -> SignInState {
    let view = bench.begin_as("demo", Some("work")).await;
    let view = view.expect("a sign-in begins");
    visit(authorize_url(&view)).await;
    bench.finished(view.id).await
}

#[tokio::test]
async fn sign_ins_run_side_by_side() {
    let bench = Bench::start().await;
    let mut views = Vec::new();
    for account in ["ada", "grace", "linus"] {
        views.push((account, bench.begin("demo").await));
    }
    for (account, view) in views.iter().rev() {
        consent_as(&bench, account);
        assert_eq!(visit(authorize_url(view)).await.0, 200);
    }
    let mut names = Vec::new();
    for (account, view) in &views {
        let done = completed(bench.finished(view.id).await);
        assert_eq!(done.account, Some(format!("{account}@example.com")));
        names.push(done.connection.to_string());
    }
    names.sort();
    assert_eq!(
        names,
        ["demo", "demo/ada@example.com", "demo/grace@example.com"]
    );
}

#[tokio::test]
async fn sign_ins_that_end_at_once_each_get_a_name() {
    let bench = Bench::start().await;
    for round in 1..=4 {
        let name = format!("round-{round}");
        bench.add(&name, json!({})).await;
        let mut callbacks = Vec::new();
        let mut ids = Vec::new();
        for account in ["ada", "grace", "linus"] {
            consent_as(&bench, account);
            let view = bench.begin(&name).await;
            callbacks.push(authorized(&view).await);
            ids.push(view.id);
        }
        // No grant is stored before all three are ready to be.
        bench.store.set(StoreFault::Hang);
        let mut visits = JoinSet::new();
        for callback in callbacks {
            visits.spawn(async move { visit(&callback).await });
        }
        bench.provider.ended(Endpoint::Token, 3 * round).await;
        eventually("stored", || bench.store.is_hanging()).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        bench.store.set(StoreFault::None);
        visits.join_all().await;
        let mut names = BTreeSet::new();
        for id in ids {
            names.insert(completed(bench.finished(id).await).connection);
        }
        assert_eq!(names.len(), 3, "{names:?}");
        for name in names {
            let token = bench.access(&name.to_string()).await;
            assert!(bench.provider.access_token_lives(&token), "{name}");
        }
    }
    let revoked = |family: &Family| family.revoked.is_some();
    assert!(!bench.provider.families().iter().any(revoked));
}

#[tokio::test]
async fn scopes_that_were_not_granted_are_named() {
    let bench = Bench::start().await;
    bench.provider.update(|settings| {
        settings.consent = Consent::Allow {
            account: "ada".to_owned(),
            scopes: Some(vec!["openid".to_owned(), "offline_access".to_owned()]),
        };
    });
    let view = bench.begin("demo").await;
    let (_, page) = visit(authorize_url(&view)).await;
    assert!(page.contains("Missing: <code>email</code>"), "{page}");
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.missing.to_string(), "email");
    let ask = TokenRequirements {
        scopes: Some(vec!["email".to_owned()].into()),
        ..TokenRequirements::default()
    };
    let error = bench.agent.token_of(&key("demo"), &ask, &me()).await;
    assert!(
        matches!(error, Err(AgentError::InsufficientScope { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_label_of_another_account_is_refused_and_the_grant_revoked() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    consent_as(&bench, "grace");
    let done = completed(sign_in_as_work(&bench).await);
    assert_eq!(done.connection.to_string(), "demo/work");
    let work = bench.access("demo/work").await;

    consent_as(&bench, "linus");
    let message = failed(sign_in_as_work(&bench).await);
    assert!(message.contains("grace@example.com"), "{message}");
    assert!(message.contains("linus@example.com"), "{message}");
    assert!(bench.provider.family_revoked("linus"));
    assert_eq!(bench.access("demo/work").await, work);

    consent_as(&bench, "grace");
    assert!(completed(sign_in_as_work(&bench).await).renewed);
    assert_eq!(bench.agent.connections(None).len(), 2);
}

#[tokio::test]
async fn without_any_name_of_the_account_a_sign_in_works_and_renews() {
    let bench = Bench::start().await;
    let nameless = json!({ "userinfo_url": null, "issuer": null, "scopes": ["offline_access"] });
    bench.add("nameless", nameless).await;
    let first = completed(bench.connect("nameless").await);
    assert_eq!((first.account, first.renewed), (None, false));
    let second = completed(bench.connect("nameless").await);
    assert!(
        second.renewed,
        "accounts that cannot be identified count as one"
    );
    assert!(bench.token("nameless").await.is_ok());
}

#[tokio::test]
async fn a_disabled_authenticator_hands_out_nothing_and_keeps_its_logins_alive() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.access("demo").await;
    let key = authenticator_key("demo");
    let set = async |active| {
        let change = AuthenticatorChange {
            is_active: Some(active),
            ..AuthenticatorChange::default()
        };
        let changed = bench.agent.update_authenticator(&key, change, &me()).await;
        changed.unwrap();
    };
    set(false).await;
    let error = bench.begin_as("demo", None).await.expect_err("disabled");
    assert!(matches!(error, AgentError::Disabled(_)), "{error:?}");
    assert!(error.hint().unwrap().contains("valetkey enable demo"));
    let (demo, ask) = (self::key("demo"), TokenRequirements::default());
    let cached = || bench.agent.cached_token_of(&demo, &ask, &me());
    assert!(cached().is_none());
    let error = bench.token("demo").await.expect_err("disabled");
    assert!(matches!(error, AgentError::Disabled(_)), "{error:?}");

    bench.pass(seconds(2 * 3600), seconds(60)).await;
    assert!(bench.refreshes() >= 2, "the alarm goes on");
    set(true).await;
    let refreshes = bench.refreshes();
    let token = cached().expect("at once, without a refresh");
    let access = token.live.grant.access_token.expose();
    assert!(bench.provider.access_token_lives(access));
    assert_eq!(bench.refreshes(), refreshes);
    assert!(bench.begin_as("demo", None).await.is_ok());
}

#[tokio::test]
async fn a_confidential_client_authenticates_in_the_way_it_is_told() {
    for (way, in_body) in [("client_secret_post", true), ("client_secret_basic", false)] {
        let settings = Settings {
            clients: vec![Client::confidential("demo", "s3cret /+:é")],
            ..Settings::auto_consent("ada")
        };
        let bench = Bench::with(settings).await;
        let client = json!({ "client_secret": "s3cret /+:é", "client_auth": way });
        bench.add("secret", client).await;
        completed(bench.connect("secret").await);
        bench.expire();
        assert!(bench.token("secret").await.is_ok(), "{way}");
        for request in bench.provider.requests(Endpoint::Token) {
            assert_eq!(request.param("client_secret").is_some(), in_body);
            assert_eq!(request.headers.contains_key("authorization"), !in_body);
        }
        let gone = bench
            .agent
            .disconnect(&key("secret"), true, &me())
            .await
            .unwrap();
        assert_eq!(gone.revocation, Revocation::Revoked);
        assert!(bench.provider.family_revoked("ada"), "{way}");
    }
}

#[tokio::test]
async fn an_authenticator_in_use_is_removed_only_by_force() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    consent_as(&bench, "grace");
    bench.connect("demo").await;
    let key = authenticator_key("demo");
    let refused = bench.agent.remove_authenticator(&key, false, &me()).await;
    let Err(AgentError::Conflict { in_use, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(in_use, ["demo", "demo/grace@example.com"]);
    assert!(bench.token("demo").await.is_ok());
    let gone = bench.agent.remove_authenticator(&key, true, &me()).await;
    assert_eq!(gone.unwrap().len(), 2);
    assert!(bench.store.items().is_empty());
    assert!(bench.provider.family_revoked("ada"));
    assert!(bench.provider.family_revoked("grace"));
    let error = bench.token("demo").await.expect_err("gone");
    assert!(matches!(error, AgentError::NotFound { .. }), "{error:?}");
    bench.add("demo", json!({})).await;
    completed(bench.connect("demo").await);
}

#[tokio::test]
async fn who_removes_an_authenticator_and_hangs_up_leaves_nothing_half_done() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let latch = bench
        .provider
        .latch(|latch| Fault::at(Endpoint::Revoke, latch));
    let agent = bench.agent.clone();
    let key = authenticator_key("demo");
    let removing = tokio::spawn(async move { agent.remove_authenticator(&key, true, &me()).await });
    bench.provider.arrived(Endpoint::Revoke, 1).await;
    removing.abort();
    assert!(removing.await.is_err());
    latch.release();
    let none = || bench.agent.authenticators(None, true).is_empty();
    eventually("removed", none).await;
    assert!(bench.store.items().is_empty());
    assert!(bench.provider.family_revoked("ada"));
}
