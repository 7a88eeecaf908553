//! Whose connection a sign-in may renew, and what becomes of one whose account nobody knows.

use crate::support::{
    Bench, authenticator_key, authorize_url, change, completed, failed, me, visit,
};
use serde_json::json;
use valetkey_agent::sign_in::{SignInMethod, SignInOptions, SignInState};
use valetkey_agent::{AuthenticatorChange, LinkTarget};
use valetkey_core::name::ProfileName;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{Consent, DemoProvider, Endpoint, Fault, FaultKind, Settings};

/// `plain` has no id token: userinfo alone says who signed in.
async fn signed_in_as(account: &str, label: Option<&str>) -> Bench {
    let bench = Bench::start().await;
    let plain = json!({ "issuer": null, "scopes": ["email", "offline_access"] });
    bench.add("plain", plain).await;
    completed(as_account(&bench, account, label).await);
    bench
}

async fn as_account(bench: &Bench, account: &str, label: Option<&str>) -> SignInState {
    consents(bench, account);
    let view = bench.begin_as("plain", label).await;
    let view = view.expect("a sign-in begins");
    visit(authorize_url(&view)).await;
    bench.finished(view.id).await
}

fn consents(bench: &Bench, account: &str) {
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow(account));
}

fn options(authenticator: &str) -> SignInOptions {
    SignInOptions {
        authenticator: authenticator_key(authenticator),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Browser,
        reason: None,
    }
}

fn userinfo_fails(bench: &Bench) {
    let fault = Fault::at(Endpoint::Userinfo, FaultKind::status(503));
    bench.provider.fault(fault);
}

#[tokio::test]
async fn an_account_that_nobody_names_replaces_no_known_one() {
    for label in [None, Some("work")] {
        let bench = signed_in_as("ada", label).await;
        let name = label.map_or_else(|| "plain".to_owned(), |label| format!("plain/{label}"));
        let token = bench.access(&name).await;
        userinfo_fails(&bench);
        let why = failed(as_account(&bench, "grace", label).await);
        assert!(
            why.contains(&name) && why.contains("ada@example.com"),
            "{why}"
        );
        assert_eq!(bench.access(&name).await, token);
        assert_eq!(bench.agent.connections(None).len(), 1);

        userinfo_fails(&bench);
        let done = completed(as_account(&bench, "grace", Some("second")).await);
        assert_eq!(done.connection.to_string(), "plain/second");
        assert_eq!(done.account, None);
    }
}

#[tokio::test]
async fn another_account_takes_the_place_only_when_told_so() {
    for unknown in [false, true] {
        let bench = signed_in_as("ada", None).await;
        let before = bench.view("plain").row;
        if unknown {
            userinfo_fails(&bench);
        }
        consents(&bench, "grace");
        let ask = SignInOptions {
            replace: true,
            ..options("plain")
        };
        let view = bench.agent.begin_sign_in(ask, &me()).await.unwrap();
        visit(authorize_url(&view)).await;
        let done = completed(bench.finished(view.id).await);
        assert_eq!((done.id, done.renewed), (before.id, true));
        let account = bench.view("plain").row.account;
        let name = (!unknown).then(|| "grace@example.com".to_owned());
        assert_eq!(account.display_name, name, "nothing of ada stays");
        assert_eq!(account.subject.is_some(), !unknown);
        assert_ne!(account.subject, before.account.subject);
    }
}

/// Whoever holds a link may open it, and sign in to an account of their own.
#[tokio::test]
async fn a_link_puts_no_account_in_the_place_of_an_unknown_one() {
    let bench = Bench::start().await;
    let plain = json!({ "issuer": null, "scopes": ["email", "offline_access"] });
    bench.add("plain", plain).await;
    userinfo_fails(&bench);
    let first = completed(as_account(&bench, "ada", None).await);
    assert_eq!(first.account, None);
    let token = bench.access("plain").await;

    consents(&bench, "grace");
    let link = bench.agent.connect_link(LinkTarget {
        profile: ProfileName::default(),
        connection: "plain".parse().unwrap(),
        scopes: Scopes::default(),
        reason: None,
        asked_by: "key ci".to_owned(),
    });
    let view = bench.agent.follow_connect_link(&link, &me()).await.unwrap();
    visit(authorize_url(&view)).await;
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("nothing was changed"), "{why}");
    assert_eq!(bench.access("plain").await, token);
}

/// Who somebody is, is the issuer and the subject; how the provider calls them may change.
#[tokio::test]
async fn another_name_of_the_same_account_keeps_its_connection() {
    let bench = Bench::start().await;
    let first = completed(bench.connect("demo").await);
    assert_eq!(first.account.as_deref(), Some("ada@example.com"));
    bench.provider.update(|settings| {
        settings.consent = Consent::Allow {
            account: "ada".to_owned(),
            scopes: Some(vec!["openid".to_owned(), "offline_access".to_owned()]),
        };
    });
    let again = completed(bench.connect("demo").await);
    assert!(again.renewed);
    assert_eq!(again.id, first.id);
    assert_ne!(again.account, first.account, "it has no address now");
    assert_eq!(bench.agent.connections(None).len(), 1);
}

#[tokio::test]
async fn the_same_subject_at_another_issuer_is_another_account() {
    let bench = Bench::start().await;
    let first = completed(bench.connect("demo").await);
    let other = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    let mut fields = other.client_config("demo");
    let fields = fields.as_object_mut().expect("an object");
    fields.retain(|name, _| name == "issuer" || name.ends_with("_url"));
    let change = AuthenticatorChange {
        force: true,
        ..change(json!(fields))
    };
    let key = authenticator_key("demo");
    let changed = bench.agent.update_authenticator(&key, change, &me()).await;
    changed.expect("another server");
    let second = completed(bench.connect("demo").await);
    assert!(!second.renewed);
    assert_ne!(second.id, first.id);
    assert_eq!(second.connection.to_string(), "demo/ada@example.com");
    assert_eq!(second.instead_of, Some(first.connection));
    assert_eq!(bench.agent.connections(None).len(), 2);
}
