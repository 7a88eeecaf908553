//! What each listener accepts and from whom: loopback TCP with its client keys, the socket, and the
//! callback listener of a sign-in.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use valetkey_tests::{AgentFixture, Api, HttpClient, api, cli};

const CONNECTIONS: &str = "/api/v1/credentials/connections";

fn key(fixture: &AgentFixture, options: &[&str]) -> String {
    let arguments = [&["key", "create", "--json"], options].concat();
    let made = cli::ok(&fixture.desktop, &arguments).json();
    made["key"].as_str().expect("it is shown once").to_owned()
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

#[test]
fn the_documented_calls_work_from_curl_with_a_manage_key() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("google");
    let key = key(&fixture, &["--name", "curl", "--manage"]);
    let HttpClient::Tcp(address) = fixture.agent().loopback() else {
        unreachable!("it is TCP");
    };
    let curl = |method: &str, path: &str| {
        let mut curl = fixture.desktop.command("curl");
        // Keys come in by a file, as everything on a command line can be read by others.
        let header = fixture.desktop.folder().join("header");
        std::fs::write(&header, format!("Authorization: {}", bearer(&key))).unwrap();
        curl.args(["--silent", "--fail-with-body", "-X", method, "-H"]);
        curl.arg(format!("@{}", header.display()));
        curl.arg(format!("http://{address}/api/v1/{path}"));
        let output = curl.output().unwrap();
        assert!(output.status.success(), "{path}: {output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let authenticators = curl("GET", "oauth/authenticators");
    assert_eq!(authenticators["authenticators"][0]["name"], "google");
    let connections = curl("GET", "credentials/connections");
    assert_eq!(connections["connections"][0]["name"], "google");
    assert_eq!(
        curl("GET", "credentials/connections/google")["status"],
        "active"
    );
    let gone = curl("DELETE", "credentials/connections/google");
    assert_eq!(gone["revocation"]["outcome"], "revoked");
}

#[test]
fn the_loopback_listener_takes_nothing_without_a_key_and_a_key_opens_only_its_connections() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    fixture.sign_in("other");
    let http = fixture.agent().loopback();
    let path = format!("{CONNECTIONS}/acme/token");
    assert_eq!(http.request("POST", &path, &[], "{}").status, 401);
    let wrong = bearer("vk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(
        http.request("POST", &path, &[("Authorization", &wrong)], "{}")
            .status,
        401
    );

    let key = key(&fixture, &["--name", "tool", "--connections", "acme"]);
    let by_key = Api::with_key(http.clone(), &key);
    assert_eq!(by_key.token("acme").status, 200);
    assert!(matches!(by_key.token("other").status, 403 | 404));
    assert!(matches!(by_key.disconnect("acme").status, 403));

    cli::ok(&fixture.desktop, &["key", "revoke", "tool"]);
    assert_eq!(by_key.token("acme").status, 401);
}

#[test]
fn the_loopback_listener_refuses_web_pages_and_names_that_are_not_loopback() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let key = bearer(&key(&fixture, &["--name", "tool"]));
    let http = fixture.agent().loopback();
    let path = format!("{CONNECTIONS}/acme/token");
    for stranger in [
        ("Host", "evil.example"),
        ("Host", "evil.example:4315"),
        ("Host", "127.0.0.1"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let headers = [("Authorization", key.as_str()), stranger];
        let reply = http.request("POST", &path, &headers, "{}");
        assert!(
            (400..500).contains(&reply.status),
            "{stranger:?}: {}",
            reply.status
        );
        assert_eq!(reply.header("access-control-allow-origin"), None);
        let text = reply.text();
        assert!(!text.contains("access_token"), "{stranger:?}: {text}");
    }
    let reply = http.request("POST", &path, &[("Authorization", &key)], "");
    assert_eq!(reply.status, 200, "a good one: {}", reply.text());
    let preflight = [
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let reply = http.request("OPTIONS", &path, &preflight, "");
    assert!(reply.status >= 400, "{}", reply.status);
}

#[test]
fn the_connect_page_starts_a_sign_in_only_when_its_button_is_pressed() {
    let mut fixture = AgentFixture::start();
    fixture.add("acme");
    let refused = fixture.api().token("acme");
    assert_eq!(refused.status, 409, "{}", refused.text());
    let link = refused.json()["detail"]["connect_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let http = fixture.agent().loopback();
    let path = link
        .splitn(4, '/')
        .nth(3)
        .map(|it| format!("/{it}"))
        .unwrap();
    let page = http.get(&path);
    assert_eq!(page.status, 200, "{link}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    // Its own button needs an Origin that is not `null`.
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(
        fixture
            .provider
            .requests(valetkey_demo_provider::Filter::all())
            .len(),
        0
    );
    let wrong = "/connect/0000000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(http.get(wrong).status, 404);
}

#[test]
fn socket_and_folders_are_for_this_user_only() {
    let mut fixture = AgentFixture::start();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let socket = fixture.agent().socket_path().to_owned();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    let home = fixture.desktop.valetkey_home();
    assert_eq!(mode(&home), 0o700);
    for file in ["valetkey.db", "oauth.log", "endpoint.json"] {
        assert_eq!(mode(&home.join(file)), 0o600, "{file}");
    }
}

/// A waiting sign-in, its callback listener, and the path there.
fn waiting_sign_in(fixture: &AgentFixture) -> (Value, HttpClient, String) {
    fixture.add("acme");
    let started = fixture.api().begin("acme");
    let redirect_uri = started["redirect_uri"].as_str().expect("a URL");
    let path = url::Url::parse(redirect_uri)
        .expect("a URL")
        .path()
        .to_owned();
    let http = HttpClient::of(redirect_uri);
    (started, http, path)
}

fn state(started: &Value) -> String {
    let url = started["authorize_url"].as_str().expect("a URL");
    let url = url::Url::parse(url).expect("a URL");
    let mut pairs = url.query_pairs();
    let state = pairs.find(|(name, _)| name == "state");
    state.expect("it has a state").1.into_owned()
}

#[test]
fn the_callback_listener_ignores_strangers_and_waits_for_the_right_answer() {
    let fixture = AgentFixture::start();
    let (started, http, path) = waiting_sign_in(&fixture);
    let state = state(&started);
    let good = format!("{path}?code=made-up&state={state}");
    let refused = [
        http.get("/favicon.ico"),
        http.get(&format!("/elsewhere?code=x&state={state}")),
        http.get(&format!("{path}?code=x")),
        http.get(&format!("{path}?code=x&state=wrong")),
        http.get(&format!("{path}?code=x&state={state}&state={state}")),
        http.request("POST", &good, &[], ""),
        http.request("GET", &good, &[("Host", "evil.example")], ""),
        http.request("GET", &good, &[("Host", "127.0.0.1:1")], ""),
    ];
    for (number, reply) in refused.iter().enumerate() {
        assert!(
            (400..500).contains(&reply.status),
            "{number}: {}",
            reply.status
        );
        assert!(!reply.text().contains("made-up"), "{number}");
    }
    let session = started["session_id"].as_str().unwrap();
    let now = fixture
        .api()
        .get(&format!("credentials/sessions/{session}"));
    assert_eq!(now.json()["state"], "started", "a stranger ended it");

    let page = api::follow(started["authorize_url"].as_str().unwrap());
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(fixture.api().wait(&started)["state"], "completed");
}

#[test]
fn an_answer_counts_once_and_the_listener_is_gone_afterwards() {
    let fixture = AgentFixture::start();
    let (started, http, path) = waiting_sign_in(&fixture);
    let state = state(&started);
    api::follow(started["authorize_url"].as_str().unwrap());
    assert_eq!(fixture.api().wait(&started)["state"], "completed");
    let again = format!("GET {path}?code=again&state={state} HTTP/1.1\r\nHost: x\r\n\r\n");
    let replay = http.send(again.as_bytes());
    assert!(replay.is_err() || replay.unwrap().status >= 400);
    let exchanges = valetkey_demo_provider::Filter::exchanges();
    assert_eq!(fixture.provider.count(exchanges), 1);
}

#[test]
fn slow_and_huge_requests_hold_up_neither_the_api_nor_the_callback() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("other");
    let (started, callback, _path) = waiting_sign_in(&fixture);
    let loopback = fixture.agent().loopback();
    let mut idle = Vec::new();
    for http in [&callback, &loopback] {
        let HttpClient::Tcp(address) = http else {
            unreachable!("both are TCP");
        };
        for number in 0..250 {
            let Ok(mut stream) = TcpStream::connect(address) else {
                break;
            };
            if number % 2 == 0 {
                let _ = stream.write_all(b"GET /callback?code=");
            }
            idle.push(stream);
        }
        let mut huge = b"GET / HTTP/1.1\r\nX: ".to_vec();
        huge.resize(1024 * 1024, b'a');
        // Refused in words or by closing: both will do, and it does not take its time.
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(&huge);
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut answer = [0; 12];
        if let Ok(12) = stream.read(&mut answer) {
            assert!(answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
        }
    }
    let asked = Instant::now();
    fixture.api().access_token("other");
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    api::follow(started["authorize_url"].as_str().unwrap());
    assert_eq!(fixture.api().wait(&started)["state"], "completed");
    drop(idle);
    fixture
        .api()
        .change("acme", &json!({ "keep_warm": "on_demand" }));
}
