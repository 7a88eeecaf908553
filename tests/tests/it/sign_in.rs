//! The main use case from end to end: `valetkey add`, `valetkey connect` through Chromium at a
//! certified provider, then `valetkey token`. The keychain is gnome-keyring.

use serde_json::{Value, json};
use valetkey_tests::process::Stream;
use valetkey_tests::{
    AgentFixture, Browser, Desktop, HttpClient, OidcProvider, Person, Running, cli, oidc, wait,
};

/// Registers the provider's public client as `acme`.
fn add(desktop: &Desktop, provider: &OidcProvider) {
    add_as(
        desktop,
        provider,
        &json!({ "client_id": oidc::PUBLIC_CLIENT }),
    );
}

fn add_as(desktop: &Desktop, provider: &OidcProvider, client: &Value) {
    provider.add_to(desktop, client);
}

fn status(desktop: &Desktop, connection: &str) -> Value {
    cli::ok(desktop, &["status", connection, "--json"]).json()
}

fn token(desktop: &Desktop, connection: &str) -> String {
    let said = cli::ok(desktop, &["token", connection]);
    assert_eq!(said.stderr, "", "nothing else is printed");
    said.stdout.trim_end().to_owned()
}

/// The account that the provider's userinfo names; its status on an error.
fn whoami(provider: &OidcProvider, token: &str) -> Result<Value, u16> {
    let bearer = format!("Bearer {token}");
    let http = HttpClient::of(provider.issuer());
    let reply = http.request("GET", "/me", &[("Authorization", &bearer)], "");
    match reply.status {
        200 => Ok(reply.json()),
        status => Err(status),
    }
}

#[test]
fn one_sign_in_gives_fresh_tokens_through_expiry_rotation_and_restart_until_disconnect() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("ada"));
    // The default margin is a fifth of the lifetime, more than the provider's rounding to seconds.
    let provider = OidcProvider::with_short_tokens(&desktop, 6);
    add(&desktop, &provider);

    let said = cli::ok(&desktop, &["connect", "acme"]);
    assert!(said.stderr.contains("ada@example.test"), "{}", said.stderr);
    let visit = browser.wait_for_visit(1);
    assert!(visit.text.contains("close this tab"), "{visit:?}");
    assert!(
        !visit.url.contains("code="),
        "the code stays in the history"
    );

    let account = &status(&desktop, "acme")["account"];
    assert_eq!(account["display_name"], "ada@example.test");
    let first = token(&desktop, "acme");
    assert_eq!(whoami(&provider, &first).unwrap()["sub"], "ada");

    // Expiry: asking again is enough.
    wait::until("the end of the first token", || {
        whoami(&provider, &first).is_err().then_some(())
    });
    let second = token(&desktop, "acme");
    assert_ne!(first, second);
    assert_eq!(whoami(&provider, &second).unwrap()["sub"], "ada");

    // Rotation: each refresh spends its refresh token, so a second one proves that the new one
    // was kept; and a restart proves where.
    cli::ok(&desktop, &["stop"]);
    let third = token(&desktop, "acme");
    wait::until("the end of the third token", || {
        whoami(&provider, &third).is_err().then_some(())
    });
    let fourth = token(&desktop, "acme");
    assert_eq!(whoami(&provider, &fourth).unwrap()["sub"], "ada");
    assert_eq!(provider.events("token_refused"), Vec::<Value>::new());
    assert_eq!(browser.visits().len(), 1, "nobody signed in again");

    cli::ok(&desktop, &["disconnect", "acme", "--force"]);
    provider.wait_for_event("token_revoked", 1);
    assert!(
        whoami(&provider, &fourth).is_err(),
        "it lives on at the provider"
    );
    assert_eq!(cli::run(&desktop, &["token", "acme"]).code, Some(77));
    let secrets = desktop.keyring().secrets().into_iter();
    let left: Vec<_> = secrets.map(|item| item.label).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_confidential_client_signs_in_with_its_secret() {
    let mut desktop = Desktop::start();
    let _browser = Browser::install(&mut desktop, &Person::named("ada"));
    let provider = OidcProvider::start(&desktop);
    desktop.set("ACME_SECRET", oidc::CLIENT_SECRET);
    let client = json!({
        "client_id": oidc::CONFIDENTIAL_CLIENT,
        "client_secret": "${ACME_SECRET}",
        "client_auth": "client_secret_basic",
    });
    add_as(&desktop, &provider, &client);
    cli::ok(&desktop, &["connect", "acme"]);
    assert!(whoami(&provider, &token(&desktop, "acme")).is_ok());
}

#[test]
fn denied_consent_ends_the_sign_in_and_stores_nothing() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::who_denies("ada"));
    let provider = OidcProvider::start(&desktop);
    add(&desktop, &provider);

    let said = cli::run(&desktop, &["connect", "acme"]);
    assert_eq!(said.code, Some(77), "{}", said.stderr);
    assert!(
        said.stderr
            .contains("\nerror: you said no to `acme` at Acme"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("\nhint: "), "{}", said.stderr);
    let visit = browser.wait_for_visit(1);
    assert!(!visit.text.contains("You are signed in"), "{visit:?}");
    assert_eq!(provider.events("token_issued"), Vec::<Value>::new());
    assert_eq!(desktop.keyring().secrets(), []);
}

#[test]
fn two_accounts_are_two_connections_and_connecting_again_renews_one() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("ada"));
    let provider = OidcProvider::start(&desktop);
    add(&desktop, &provider);
    cli::ok(&desktop, &["connect", "acme"]);
    browser.set_person(&Person::named("grace"));
    cli::ok(&desktop, &["connect", "acme/work"]);
    let who = |name| whoami(&provider, &token(&desktop, name)).unwrap()["sub"].clone();
    assert_eq!(who("acme"), "ada");
    assert_eq!(who("acme/work"), "grace");

    let before = status(&desktop, "acme/work");
    cli::ok(&desktop, &["connect", "acme/work"]);
    let after = status(&desktop, "acme/work");
    assert_eq!(
        before["id"], after["id"],
        "the same account is the same connection"
    );
    assert_ne!(before["generation"], after["generation"]);
    assert_eq!(who("acme"), "ada");
    assert_eq!(who("acme/work"), "grace");
}

/// The URL that a waiting `valetkey connect` prints on stdout; messages on stderr name others.
fn address(connect: &Running) -> String {
    connect.wait_for("the address", |line| {
        let from = line.text.find("http://")?;
        (line.stream == Stream::Stdout).then_some(())?;
        line.text[from..]
            .split_whitespace()
            .next()
            .map(str::to_owned)
    })
}

#[test]
fn a_pasted_redirect_url_finishes_a_sign_in_of_another_machine() {
    let fixture = AgentFixture::start();
    fixture.add("acme");
    let mut connect = cli::start(&fixture.desktop, &["connect", "acme", "--no-browser"]);
    // The other machine's browser ends at an address where nobody listens there.
    let authorize_url = url::Url::parse(&address(&connect)).unwrap();
    let path = &authorize_url[url::Position::BeforePath..];
    let sent_back = HttpClient::of(authorize_url.as_str()).get(path);
    let stuck_at = sent_back.header("location").expect("it asks nobody");
    connect.write(&format!("{stuck_at}\n"));
    connect.close_stdin();
    let said = cli::finish(connect);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    fixture.api().access_token("acme");
}

#[test]
fn a_sign_in_is_finished_by_hand_where_no_browser_can_be_opened() {
    let mut desktop = Desktop::start();
    let provider = OidcProvider::start(&desktop);
    add(&desktop, &provider);
    desktop.set("BROWSER", "/nowhere/browser");
    let connect = cli::start(&desktop, &["connect", "acme"]);
    let url = connect.wait_for("the address", |line| {
        let from = line.text.find(provider.issuer())?;
        line.text[from..]
            .split_whitespace()
            .next()
            .map(str::to_owned)
    });
    let browser = Browser::add(&desktop, "by-hand", &Person::named("ada"));
    let _opened = Running::start(desktop.command(browser.command()).arg(url));
    assert_eq!(cli::finish(connect).code, Some(0));
}

/// The code that a waiting `valetkey connect --device` shows, and the page where it is entered.
fn device_code(connect: &Running, provider: &OidcProvider) -> String {
    let code = connect.wait_for("the code", |line| {
        let (_, code) = line.text.split_once("enter the code ")?;
        Some(code.trim().to_owned())
    });
    let lines = connect.lines();
    let page = format!("{}/device", provider.issuer());
    assert!(
        lines.iter().any(|line| line.text == page),
        "{}",
        connect.output()
    );
    format!("{page}?user_code={code}")
}

#[test]
fn a_code_entered_in_a_browser_elsewhere_is_a_login_at_a_certified_provider() {
    let desktop = Desktop::start();
    let provider = OidcProvider::start(&desktop);
    add(&desktop, &provider);
    let connect = cli::start(&desktop, &["connect", "acme", "--device"]);
    let page = device_code(&connect, &provider);
    let browser = Browser::add(&desktop, "elsewhere", &Person::named("ada"));
    let mut telephone = desktop.command(browser.command());
    let _opened = Running::start(telephone.arg(page));
    let visit = browser.wait_for_visit(1);
    let said = cli::finish(connect);
    assert_eq!(said.code, Some(0), "{}\n{visit:?}", said.stderr);
    assert!(said.stderr.contains("ada@example.test"), "{}", said.stderr);
    assert_eq!(
        whoami(&provider, &token(&desktop, "acme")).unwrap()["sub"],
        "ada"
    );
}

#[test]
fn a_code_that_is_denied_elsewhere_is_no_login_and_opens_no_browser_here() {
    let mut desktop = Desktop::start();
    let opened = Browser::install_recorder(&mut desktop);
    let provider = OidcProvider::start(&desktop);
    add(&desktop, &provider);
    let connect = cli::start(&desktop, &["connect", "acme", "--device"]);
    let page = device_code(&connect, &provider);
    let browser = Browser::add(&desktop, "elsewhere", &Person::who_denies("ada"));
    let mut telephone = desktop.command(browser.command());
    let _opened = Running::start(telephone.arg(page));
    let denied = cli::finish(connect);
    assert_eq!(denied.code, Some(77), "{}", denied.stderr);
    assert!(denied.stderr.contains("you said no"), "{}", denied.stderr);
    assert_eq!(provider.events("token_issued"), Vec::<Value>::new());
    assert_eq!(desktop.keyring().secrets(), []);
    assert!(!opened.exists());
}

#[test]
fn a_code_that_expires_is_no_login_and_opens_no_browser() {
    let mut desktop = Desktop::start();
    let opened = Browser::install_recorder(&mut desktop);
    let provider = OidcProvider::with(&desktop, &json!({ "deviceCodeSeconds": 6 }));
    add(&desktop, &provider);
    let expired = cli::run(&desktop, &["connect", "acme", "--device"]);
    assert_eq!(expired.code, Some(77), "{}", expired.stderr);
    let words = "nobody signed in to `acme` in time";
    assert!(expired.stderr.contains(words), "{}", expired.stderr);
    assert_eq!(desktop.keyring().secrets(), []);
    assert!(!opened.exists());
}
