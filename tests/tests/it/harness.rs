//! The test harness itself: it must do what the other tests rely on.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{
    Browser, Desktop, HttpClient, OidcProvider, Person, Running, leak_search, oidc, wait,
};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn attributes(account: &str) -> HashMap<String, String> {
    HashMap::from([("account".to_owned(), account.to_owned())])
}

#[test]
fn the_keychain_keeps_its_items_while_locked_killed_and_started_again() {
    let mut desktop = Desktop::start();
    let keyring = desktop.keyring();
    keyring.add_item(&attributes("one"), "One", b"first secret");

    keyring.lock();
    assert!(keyring.is_locked());
    keyring.unlock();
    assert_eq!(keyring.items()[0].secret, b"first secret");

    keyring.kill();
    keyring.start();
    keyring.add_item(&attributes("two"), "Two", b"second secret");
    let mut labels: Vec<_> = keyring.items().into_iter().map(|it| it.label).collect();
    labels.sort();
    assert_eq!(labels, ["One", "Two"]);
}

#[test]
fn a_frozen_keychain_answers_nothing_and_carries_on_when_thawed() {
    let mut desktop = Desktop::start();
    let keyring = desktop.keyring();
    keyring.suspend();
    thread::scope(|scope| {
        let (sender, answer) = mpsc::channel();
        let keyring = &*keyring;
        scope.spawn(move || {
            keyring.add_item(&attributes("late"), "Late", b"late secret");
            sender.send(()).expect("the test waits");
        });
        assert!(answer.recv_timeout(Duration::from_millis(300)).is_err());
        keyring.resume();
        assert!(answer.recv_timeout(wait::TIMEOUT).is_ok());
    });
    assert_eq!(keyring.items().len(), 1);
}

#[test]
fn every_process_of_a_desktop_ends_with_it() {
    let desktop = Desktop::start();
    // Detaches from its parent, as an agent that was started in the background does.
    let mut parent = Running::start(
        desktop
            .command("sh")
            .args(["-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"]),
    );
    let id: u32 = parent.wait_for("its child", |line| line.text.parse().ok());
    parent.wait();
    wait::until("the child in its own session", || {
        desktop.processes().contains(&id).then_some(())
    });
    drop(desktop);
    wait::until("the end of the child", || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

#[test]
fn a_secret_in_a_file_or_on_a_command_line_is_found() {
    let desktop = Desktop::start();
    let secret = format!("planted-on-{}", desktop.folder().display());
    let secrets = [secret.as_str()];
    let home = desktop.folder().join("home");
    assert!(leak_search::files_with(&home, &secrets).is_empty());
    let planted = home.join("leak");
    std::fs::write(&planted, format!("x{secret}x")).unwrap();
    assert_eq!(leak_search::files_with(&home, &secrets), [planted]);

    assert!(leak_search::command_lines_with(&secrets).is_empty());
    let _leaky = Running::start(desktop.command("sh").args(["-c", "read -r x", &secret]));
    wait::until("the secret in /proc", || {
        (!leak_search::command_lines_with(&secrets).is_empty()).then_some(())
    });
}

/// One authorization code flow without Valet Key.
struct Flow {
    provider: OidcProvider,
    listener: TcpListener,
}

impl Flow {
    fn new(desktop: &Desktop) -> Self {
        Self {
            provider: OidcProvider::start(desktop),
            listener: TcpListener::bind("127.0.0.1:0").expect("a free port"),
        }
    }

    fn redirect_uri(&self) -> String {
        format!(
            "http://{}/callback",
            self.listener.local_addr().expect("bound")
        )
    }

    fn authorize_url(&self) -> String {
        let mut url = url::Url::parse(&self.provider.endpoint("auth")).expect("a URL");
        ask_for_code(&mut url, oidc::PUBLIC_CLIENT, &self.redirect_uri());
        url.into()
    }

    fn token(&self, fields: &[(&str, &str)]) -> valetkey_tests::Reply {
        let mut all = vec![("client_id", oidc::PUBLIC_CLIENT)];
        all.extend_from_slice(fields);
        HttpClient::of(self.provider.issuer()).post_form("/token", &all)
    }
}

fn ask_for_code(url: &mut url::Url, client: &str, redirect_uri: &str) {
    url.query_pairs_mut()
        .append_pair("client_id", client)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email profile offline_access")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", "the-state")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256");
}

/// Serves one callback and returns its query.
fn callback(listener: &TcpListener) -> HashMap<String, String> {
    loop {
        let (mut stream, _) = listener.accept().expect("the browser comes");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("text");
        let page = "<title>Done</title>You can close this tab";
        let length = page.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{page}"
        )
        .expect("it reads");
        let path = line.split(' ').nth(1).expect("a request line");
        if let Some(query) = path.strip_prefix("/callback?") {
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            return pairs.into_owned().collect();
        }
    }
}

/// Opens the flow's URL in the person's browser, as a program does that knows `$BROWSER`.
fn open(desktop: &Desktop, browser: &Browser, url: &str) -> Running {
    Running::start(desktop.command(browser.command()).arg(url))
}

#[test]
fn a_person_signs_in_at_the_certified_provider_in_chromium() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("ada"));
    let mut flow = Flow::new(&desktop);
    let mut opened = open(&desktop, &browser, &flow.authorize_url());
    let answer = callback(&flow.listener);
    assert_eq!(answer["state"], "the-state");
    assert_eq!(answer["iss"], flow.provider.issuer());

    let redirect_uri = flow.redirect_uri();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let grant = flow.token(&exchange);
    assert_eq!(grant.status, 200, "{}", grant.text());
    let grant = grant.json();
    let bearer = format!("Bearer {}", grant["access_token"].as_str().unwrap());
    let http = HttpClient::of(flow.provider.issuer());
    let account = http.request("GET", "/me", &[("Authorization", &bearer)], "");
    assert_eq!(account.json()["email"], "ada@example.test");
    assert_eq!(account.json()["name"], "Name of ada");

    let visit = browser.wait_for_visit(1);
    assert_eq!(visit.title, "Done", "{visit:?}");
    assert!(visit.screenshot.is_file());
    assert!(opened.wait().success());

    // Rotation: the first refresh spends the token, and using it again ends the family.
    let first = grant["refresh_token"].as_str().unwrap();
    let refresh =
        |token: &str| flow.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let second = refresh(first).json();
    let second = second["refresh_token"].as_str().unwrap();
    assert_ne!(first, second);
    assert_eq!(refresh(first).json()["error"], "invalid_grant");
    assert_eq!(refresh(second).json()["error"], "invalid_grant");
    // Events are printed in order: after this response all of the above are.
    flow.provider.revoke_grants();
    assert_eq!(flow.provider.events("token_issued").len(), 2);
    assert_eq!(flow.provider.events("token_refused").len(), 2);
    assert_eq!(flow.provider.requests("/token"), [200, 200, 400, 400]);
}

#[test]
fn a_person_who_denies_sends_access_denied_to_the_callback() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::who_denies("ada"));
    let flow = Flow::new(&desktop);
    let _opened = open(&desktop, &browser, &flow.authorize_url());
    let answer = callback(&flow.listener);
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(answer["state"], "the-state");
    assert!(!answer.contains_key("code"));
    browser.wait_for_visit(1);
}

#[test]
fn a_person_picks_an_account_at_the_demo_provider() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("grace"));
    let demo = DemoProvider::start(Settings::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut url = url::Url::parse(&format!("{}/authorize", demo.issuer())).unwrap();
    let redirect_uri = format!("http://{}/callback", listener.local_addr().unwrap());
    ask_for_code(&mut url, "demo", &redirect_uri);
    let _opened = open(&desktop, &browser, url.as_str());
    let answer = callback(&listener);
    assert_eq!(answer["state"], "the-state", "{answer:?}");
    assert_eq!(browser.wait_for_visit(1).title, "Done");

    let grant = HttpClient::of(demo.issuer()).post_form(
        "/token",
        &[
            ("client_id", "demo"),
            ("grant_type", "authorization_code"),
            ("code", &answer["code"]),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", VERIFIER),
        ],
    );
    let bearer = format!("Bearer {}", grant.json()["access_token"].as_str().unwrap());
    let account = HttpClient::of(demo.issuer()).request(
        "GET",
        "/userinfo",
        &[("Authorization", &bearer)],
        "",
    );
    assert_eq!(account.json()["name"], "Grace Hopper");
}

#[test]
fn nothing_of_the_machine_reaches_a_desktop() {
    let desktop = Desktop::start();
    let environment = desktop.command("env").output().unwrap();
    let text = String::from_utf8(environment.stdout).unwrap();
    let mut names: Vec<_> = text.lines().filter_map(|it| it.split_once('=')).collect();
    names.sort_unstable();
    let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "DBUS_SESSION_BUS_ADDRESS",
            "HOME",
            "LANG",
            "PATH",
            "TMPDIR",
            "VALETKEY_HOME",
            "VALETKEY_TEST_DESKTOP",
            "XDG_RUNTIME_DIR",
        ]
    );
}
