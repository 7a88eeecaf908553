//! Tools that reach a host through the proxy, and never hold its token.

use std::process::Command;

use serde_json::{Value, json};
use valetkey_tests::{AgentFixture, cli};

fn curl(fixture: &AgentFixture) -> Command {
    let mut curl = fixture.desktop.command("curl");
    curl.args(["--silent", "--show-error", "--max-time", "30"]);
    curl
}

fn answer(curl: &mut Command) -> String {
    let output = curl.output().expect("curl runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn provider_host(fixture: &AgentFixture) -> String {
    fixture.provider.issuer().replace("http://", "")
}

#[test]
fn curl_uses_an_account_without_its_token_at_both_listeners() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let none = cli::run(&fixture.desktop, &["proxy-url", "acme"]);
    assert_eq!(none.code, Some(78), "{}", none.stderr);
    assert!(
        none.stderr.contains("valetkey update acme --api-host"),
        "{}",
        none.stderr
    );
    let host = provider_host(&fixture);
    cli::ok(&fixture.desktop, &["update", "acme", "--api-host", &host]);
    let urls = cli::ok(&fixture.desktop, &["proxy-url", "acme"]).stdout;
    let [url, socket_url] = urls.lines().collect::<Vec<_>>()[..] else {
        panic!("{urls}")
    };
    let socket = fixture.agent().socket_path().display().to_string();
    assert_eq!(socket_url, format!("unix://{socket}#/proxy/acme"));

    let made = cli::ok(
        &fixture.desktop,
        &["key", "create", "--name", "tool", "--json"],
    )
    .json();
    let header = fixture.desktop.folder().join("header");
    std::fs::write(
        &header,
        format!("X-Valet-Key: {}", made["key"].as_str().unwrap()),
    )
    .unwrap();
    let token = cli::ok(&fixture.desktop, &["token", "acme"]).stdout;
    let mut by_key = curl(&fixture);
    by_key.arg("-H").arg(format!("@{}", header.display()));
    by_key.arg(format!("{url}/api/echo?token=true"));
    let mut by_socket = curl(&fixture);
    by_socket.args([
        "--unix-socket",
        &socket,
        "http://localhost/proxy/acme/api/echo?token=true",
    ]);
    for tool in [&mut by_key, &mut by_socket] {
        let text = answer(tool);
        let arrived: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(arrived["path"], "/api/echo");
        assert!(!text.contains(token.trim()), "{text}");
    }
    let events = cli::ok(&fixture.desktop, &["events", "--kind", "proxy.request"]).stdout;
    assert!(events.contains("path=/api/echo"), "{events}");
    assert!(
        events.contains("key tool") && events.contains("curl"),
        "{events}"
    );
}

#[test]
fn events_reach_curl_as_they_come() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let host = provider_host(&fixture);
    cli::ok(&fixture.desktop, &["update", "acme", "--api-host", &host]);
    let socket = fixture.agent().socket_path().to_owned();
    let mut tool = curl(&fixture);
    tool.arg("--no-buffer").arg("--unix-socket").arg(socket);
    tool.arg("http://localhost/proxy/acme/api/stream?count=1000&interval_ms=200");
    let mut tool = valetkey_tests::Running::start(&mut tool);
    tool.wait_for("the second of a thousand events", |line| {
        line.text.contains("data: 2").then_some(())
    });
    tool.kill();
}

#[test]
fn what_the_person_allows_survives_a_restart() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let host = provider_host(&fixture);
    cli::ok(&fixture.desktop, &["update", "acme", "--api-host", &host]);
    cli::ok(&fixture.desktop, &["proxy-only", "acme", "on"]);
    cli::ok(&fixture.desktop, &["proxy-methods", "acme", "GET,HEAD"]);
    fixture.restart_after_kill();
    let refused = cli::run(&fixture.desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(77), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("valetkey proxy-url acme"),
        "{}",
        refused.stderr
    );
    let shown = cli::ok(&fixture.desktop, &["status", "acme", "--json"]).json();
    assert_eq!(shown["proxy_only"], true);
    assert_eq!(shown["allowed_methods"], json!(["GET", "HEAD"]));
    assert_eq!(shown["api_hosts"], json!([host]));
    let socket = fixture.agent().socket_path().display().to_string();
    let ask = |method: &str| {
        let mut tool = curl(&fixture);
        tool.args([
            "--unix-socket",
            &socket,
            "-X",
            method,
            "--write-out",
            "%{http_code}",
        ]);
        answer(tool.arg("http://localhost/proxy/acme/api/me"))
    };
    assert!(ask("GET").ends_with("200"));
    assert!(ask("DELETE").ends_with("405"));
    cli::ok(&fixture.desktop, &["proxy-only", "acme", "off"]);
    cli::ok(&fixture.desktop, &["token", "acme"]);
}
