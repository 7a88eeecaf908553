//! Connections from a refresh token that the person has already.

mod cut_off;
mod moved;

use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{Completed, SignInState, SignInView, TokenOptions};
use valetkey_core::event::EventKind;
use valetkey_core::grant::GrantKind;
use valetkey_core::secret::PastedSecret;
use valetkey_demo_provider::{Consent, Endpoint, Fault, FaultKind, Filter, Latch, Revocation};
use valetkey_vault::ItemName;

use crate::support::{
    Bench, authenticator_key, authorize_url, completed, eventually, failed, key, me, visit,
};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A refresh token of this account that no connection has, issued to the client of `demo`.
async fn token_of(bench: &Bench, account: &str) -> String {
    bench
        .provider
        .update(|settings| settings.consent = Consent::allow(account));
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let redirect = "http://127.0.0.1:1/callback";
    let url = bench.provider.url(&format!(
        "/authorize?response_type=code&client_id=demo&state=s&scope=openid%20email%20offline_access\
         &redirect_uri={redirect}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    ));
    let answer = client.get(url).send().await.expect("an answer");
    let back = answer.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let code = reqwest::Url::parse(&back).expect("a URL");
    let code = code.query_pairs().find(|(name, _)| name == "code");
    let code = code.expect("a code").1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect),
        ("client_id", "demo"),
        ("code_verifier", VERIFIER),
    ];
    let form = form
        .map(|(name, value)| format!("{name}={value}"))
        .join("&");
    let answer = client
        .post(bench.provider.url("/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await;
    let tokens: serde_json::Value =
        serde_json::from_str(&answer.expect("an answer").text().await.expect("text"))
            .expect("JSON");
    tokens["refresh_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

fn options(token: &str) -> TokenOptions {
    TokenOptions {
        authenticator: authenticator_key("demo"),
        account: None,
        replace: false,
        token: PastedSecret::new(token),
        moved_from: None,
        reason: None,
    }
}

async fn begin(bench: &Bench, options: TokenOptions) -> SignInView {
    let begun = bench.agent.import_token(options, &me()).await;
    begun.expect("it begins")
}

async fn import(bench: &Bench, token: &str) -> SignInState {
    let view = begin(bench, options(token)).await;
    assert_eq!(view.authorize_url, None);
    bench.finished(view.id).await
}

async fn imported(bench: &Bench, token: &str) -> Completed {
    completed(import(bench, token).await)
}

/// Nothing of an import is left: no row, no item.
async fn nothing_pending(bench: &Bench) {
    for _ in 0..500 {
        let rows = bench
            .vault
            .pending_token_imports()
            .await
            .expect("a database");
        if rows.is_empty() && imports(bench) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("an import is left");
}

/// How many refresh tokens are kept that are no connection yet.
fn imports(bench: &Bench) -> usize {
    let items = bench.store.items().into_iter();
    items
        .filter(|item| matches!(item, ItemName::TokenImport(_)))
        .count()
}

/// Begun, and the answer is held after the provider has rotated the token.
async fn held(bench: &Bench, token: &str) -> (Latch, SignInView) {
    let latch = bench
        .provider
        .latch(|latch| Fault::refresh(latch).after_processing());
    let view = begin(bench, options(token)).await;
    bench.provider.arrived(Filter::refreshes(), 1).await;
    (latch, view)
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_becomes_a_connection() {
    let mut bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let done = imported(&bench, &format!("  {token}\n")).await;
    assert_eq!(done.account.as_deref(), Some("ada@example.com"));
    assert_eq!((bench.refreshes(), done.renewed), (1, false));
    nothing_pending(&bench).await;
    bench.restart().await;
    let row = bench.stored("demo").await;
    assert_eq!((row.kind, row.refreshable), (GrantKind::OAuth, true));
    bench.expire();
    bench.access("demo").await;
    assert_eq!(bench.provider.families()[0].revoked, None);
    // Whoever gives it again would end the login.
    let again = bench.agent.import_token(options(&token), &me()).await;
    let again = again.expect_err("it was used");
    assert!(
        again.to_string().contains("imported already, as `demo`"),
        "{again}"
    );
    assert_eq!(bench.provider.families()[0].revoked, None);
    bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .expect("disconnected");
    let why = failed(import(&bench, &token).await);
    assert!(why.contains("refused this refresh token"), "{why}");
}

#[tokio::test]
async fn a_token_that_does_not_rotate_is_kept() {
    let bench = Bench::with(valetkey_demo_provider::Settings {
        refresh_tokens: valetkey_demo_provider::RefreshTokens::Kept,
        ..valetkey_demo_provider::Settings::auto_consent("ada")
    })
    .await;
    let token = token_of(&bench, "ada").await;
    imported(&bench, &token).await;
    let live = bench.token("demo").await.expect("a token").live;
    let kept = live
        .grant
        .refresh_token
        .as_ref()
        .map(|it| it.expose().to_owned());
    assert_eq!(kept, Some(token));
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_leaves_nothing() {
    let bench = Bench::start().await;
    let state = import(&bench, "no-token-of-theirs").await;
    let SignInState::Failed(why) = state else {
        panic!("{state:?}");
    };
    assert!(
        why.message
            .contains("refused this refresh token (invalid_grant"),
        "{why:?}"
    );
    assert!(why.hint.expect("a hint").contains("valetkey connect demo"));
    assert!(bench.agent.connections(None).is_empty());
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_anybody_is_asked() {
    let bench = Bench::start().await;
    let robot = json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "client_credentials", "authorize_url": null,
        "device_authorization_url": null, "redirect_uri": null,
    });
    bench.add("robot", robot).await;
    for (name, token) in [
        ("demo", ""),
        ("demo", "Bearer abcdefgh"),
        ("robot", "abcdefgh"),
    ] {
        let options = TokenOptions {
            authenticator: authenticator_key(name),
            ..options(token)
        };
        let refused = bench.agent.import_token(options, &me()).await;
        assert!(
            matches!(refused, Err(AgentError::InvalidRequest { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(bench.provider.count(Endpoint::Token), 0);
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn two_imports_of_one_token_send_it_once() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let (latch, view) = held(&bench, &token).await;
    let second = bench.agent.import_token(options(&token), &me()).await;
    let second = second.expect_err("it is under way");
    assert!(matches!(second, AgentError::Conflict { .. }), "{second:?}");
    latch.release();
    completed(bench.finished(view.id).await);
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.provider.families()[0].revoked, None);
    bench.access("demo").await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_import() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let latch = bench.provider.latch(Fault::refresh);
    let agent = bench.agent.clone();
    let call = tokio::spawn(async move { agent.import_token(options(&token), &me()).await });
    bench.provider.arrived(Filter::refreshes(), 1).await;
    call.abort();
    latch.release();
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    bench.access("demo").await;
}

#[tokio::test]
async fn an_authenticator_that_is_removed_meanwhile_keeps_nothing() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let (latch, view) = held(&bench, &token).await;
    let demo = authenticator_key("demo");
    let removed = bench.agent.remove_authenticator(&demo, false, &me()).await;
    removed.expect("it has no connections");
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("there is no authenticator"), "{why}");
    // Nobody else holds the token that came.
    bench.provider.arrived(Endpoint::Revoke, 1).await;
    assert_eq!(
        bench.provider.families()[0].revoked,
        Some(Revocation::Client)
    );
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn an_authenticator_that_is_routed_elsewhere_meanwhile_keeps_nothing() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    let (latch, view) = held(&bench, &token).await;
    bench
        .update("demo", json!({ "token_url": "https://evil.example/token" }))
        .await;
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("was changed during the sign-in"), "{why}");
    assert!(bench.agent.connection(&key("demo")).is_err());
    bench.provider.arrived(Endpoint::Revoke, 1).await;
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_leaves_the_token_with_the_person() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    bench.provider.fault(Fault::refresh(FaultKind::status(503)));
    let why = failed(import(&bench, &token).await);
    assert!(why.contains("could not be reached"), "{why}");
    nothing_pending(&bench).await;
    imported(&bench, &token).await;
}

#[tokio::test]
async fn a_name_that_another_account_has_is_left_to_it() {
    let bench = Bench::start().await;
    let view = bench
        .begin_as("demo", Some("work"))
        .await
        .expect("it begins");
    visit(authorize_url(&view)).await;
    completed(bench.finished(view.id).await);
    let token = token_of(&bench, "grace").await;
    let labelled = TokenOptions {
        account: Some("work".parse().expect("a label")),
        ..options(&token)
    };
    let view = begin(&bench, labelled).await;
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.connection.to_string(), "demo/grace@example.com");
    let work = bench.view("demo/work");
    assert_eq!(
        work.row.account.display_name.as_deref(),
        Some("ada@example.com")
    );
    // The same account again renews its connection.
    let token = token_of(&bench, "grace").await;
    assert!(imported(&bench, &token).await.renewed);
}

#[tokio::test]
async fn no_refresh_token_is_in_an_event_or_in_the_database() {
    let bench = Bench::start().await;
    let token = token_of(&bench, "ada").await;
    imported(&bench, &token).await;
    let wrong = "planted-refresh-token-4711";
    failed(import(&bench, wrong).await);
    assert!(bench.count(EventKind::SignInFailed).await > 0);
    let filter = valetkey_vault::EventFilter::default();
    let events = format!("{:?}", bench.agent.events(filter).await);
    let current = bench.provider.live_refresh_token("ada").expect("a login");
    bench.agent.shutdown().await;
    for secret in [&token, wrong, &current] {
        assert!(!events.contains(secret));
        let files = std::fs::read_dir(bench.home.path()).unwrap().flatten();
        for file in files.filter(|it| it.path().is_file()) {
            let bytes = std::fs::read(file.path()).unwrap();
            let mut parts = bytes.windows(secret.len());
            assert!(
                !parts.any(|it| it == secret.as_bytes()),
                "{}",
                file.path().display()
            );
        }
    }
}
