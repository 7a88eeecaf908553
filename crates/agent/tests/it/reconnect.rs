//! Connecting again: the scopes that are asked for, the login that is offered, and who came.

use valetkey_agent::sign_in::{Completed, SignInMethod, SignInOptions, SignInView};
use valetkey_agent::{ConnectionChange, LabelChange};
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::Consent;

use crate::support::{Bench, authenticator_key, authorize_url, completed, key, me, visit};

fn options(scopes: &str, only_scopes: bool) -> SignInOptions {
    SignInOptions {
        authenticator: authenticator_key("demo"),
        account: None,
        replace: false,
        scopes: Scopes::parse_any(scopes),
        only_scopes,
        register_again: false,
        method: SignInMethod::Browser,
        reason: None,
    }
}

async fn connect(bench: &Bench, options: SignInOptions) -> (SignInView, Completed) {
    let view = bench.agent.begin_sign_in(options, &me()).await;
    let view = view.expect("a sign-in begins");
    visit(authorize_url(&view)).await;
    let done = completed(bench.finished(view.id).await);
    (view, done)
}

fn texts(scopes: &[&Scopes]) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn connecting_again_asks_for_what_was_granted_too() {
    let bench = Bench::start().await;
    let (first, _) = connect(&bench, options("files.write", false)).await;
    assert_eq!(
        texts(&[&first.asked, &first.added, &first.dropped]),
        ["openid email offline_access files.write", "", ""]
    );
    let (again, done) = connect(&bench, options("files.read", false)).await;
    assert_eq!(
        texts(&[&again.asked, &again.added, &again.dropped]),
        [
            "openid email offline_access files.read files.write",
            "files.read",
            ""
        ]
    );
    assert!(done.granted.contains("files.write"));
    assert!(bench.view("demo").row.scopes.contains("files.write"));
}

#[tokio::test]
async fn only_scopes_asks_for_fewer_and_tells_which() {
    let bench = Bench::start().await;
    connect(&bench, options("files.read files.write", false)).await;
    let fewer = options("openid email files.read", true);
    let (view, done) = connect(&bench, fewer).await;
    assert_eq!(
        texts(&[&view.asked, &view.added, &view.dropped]),
        ["openid email files.read", "", "offline_access files.write"]
    );
    assert!(!done.granted.contains("files.write"));
    let (view, _) = connect(&bench, options("", true)).await;
    assert_eq!(
        texts(&[&view.asked, &view.added, &view.dropped]),
        [
            "openid email offline_access",
            "offline_access",
            "files.read"
        ]
    );
}

#[tokio::test]
async fn a_reconnect_tells_the_provider_the_login() {
    let bench = Bench::start().await;
    let hint = |view: &SignInView| {
        let url = url::Url::parse(authorize_url(view)).expect("a URL");
        let hint = url.query_pairs().find(|(name, _)| name == "login_hint");
        hint.map(|(_, login)| login.into_owned())
    };
    let (first, _) = connect(&bench, options("", false)).await;
    assert_eq!(hint(&first), None);
    let (again, done) = connect(&bench, options("", false)).await;
    assert_eq!(hint(&again), done.account);
    assert!(done.account.is_some());
    let replace = SignInOptions {
        replace: true,
        ..options("", false)
    };
    let (replaced, _) = connect(&bench, replace).await;
    assert_eq!(hint(&replaced), None, "another account is meant");
}

#[tokio::test]
async fn another_account_says_which_connection_it_does_not_renew() {
    let bench = Bench::start().await;
    let (_, first) = connect(&bench, options("", false)).await;
    assert_eq!(first.instead_of, None);
    let grace = Consent::allow("grace");
    bench.provider.update(|settings| settings.consent = grace);
    let (_, other) = connect(&bench, options("", false)).await;
    assert_eq!(other.instead_of, Some(first.connection));
    assert_eq!(other.connection.to_string(), "demo/grace@example.com");
    assert!(!other.renewed);
    let (_, again) = connect(&bench, options("", false)).await;
    assert_eq!((again.instead_of, again.renewed), (None, true));
}

#[tokio::test]
async fn the_only_account_keeps_its_scopes_after_it_got_a_label() {
    let bench = Bench::start().await;
    connect(&bench, options("files.write", false)).await;
    let change = ConnectionChange {
        label: LabelChange::Set("private".parse().expect("a label")),
        ..ConnectionChange::default()
    };
    bench
        .agent
        .update_connection(&key("demo"), change, &me())
        .await
        .expect("labelled");
    let (view, done) = connect(&bench, options("", false)).await;
    assert_eq!(done.connection.to_string(), "demo/private");
    assert!(view.asked.contains("files.write"), "{}", view.asked);
}
