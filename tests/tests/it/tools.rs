//! Local tools: a person's script, an MCP server, curl, and programs that read a variable.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use valetkey_demo_provider::Filter;
use valetkey_tests::{AgentFixture, Running, cli, leak_search};

fn fixture() -> AgentFixture {
    let fixture = AgentFixture::with_short_tokens(2.0);
    fixture.sign_in("acme");
    fixture
}

fn tool(fixture: &AgentFixture, program: &str, file: &str) -> Command {
    let mut command = fixture.desktop.command(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    command
}

/// Lets a tool, which calls the API once per input line, call it before and after the token expires.
fn assert_works_across_an_expiry(fixture: &AgentFixture, mut tool: Running) {
    let mut from = 0;
    for _ in 0..2 {
        tool.write("\n");
        (from, ()) = tool.wait_from(from, "whose account it is", |line| {
            (line.text.contains("200") && line.text.contains("ada")).then_some(())
        });
        fixture.wait_for_expiry("acme");
    }
    // More than one if the machine is so slow that a token expired before the first call.
    assert!(fixture.provider.count(Filter::refreshes()) >= 1);
}

#[test]
fn a_python_script_works_across_an_expiry() {
    let mut fixture = fixture();
    let mut command = tool(&fixture, "python3", "python/whoami.py");
    command.arg(fixture.agent().socket_path());
    command.arg("acme").arg(fixture.provider.url("/api/me"));
    let script = Running::start(&mut command);
    assert_works_across_an_expiry(&fixture, script);
}

#[test]
fn an_mcp_server_of_the_official_sdk_works_across_an_expiry() {
    let mut fixture = fixture();
    let mut command = tool(&fixture, "node", "node/mcp-client.mjs");
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/mcp-server.mjs");
    command.arg("whoami").arg("node").arg(server);
    command.arg(fixture.agent().socket_path());
    command.arg("acme").arg(fixture.provider.url("/api/me"));
    let host = Running::start(&mut command);
    assert_works_across_an_expiry(&fixture, host);
}

#[test]
fn plain_curl_gets_a_token_from_the_socket() {
    let mut fixture = fixture();
    let socket = fixture.agent().socket_path().to_owned();
    let mut curl = fixture.desktop.command("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--fail-with-body",
        "--unix-socket",
    ]);
    curl.arg(socket).args(["-X", "POST"]);
    curl.arg("http://localhost/api/v1/credentials/connections/acme/token");
    let output = curl.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let reply: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = reply["access_token"].as_str().unwrap();
    assert!(fixture.provider.access_token_lives(token));
}

#[test]
fn a_token_as_a_header_line_is_what_curl_reads() {
    let fixture = fixture();
    let header = cli::ok(&fixture.desktop, &["token", "acme", "--header"]).stdout;
    assert!(header.starts_with("Authorization: Bearer "), "{header}");
    let json = cli::ok(&fixture.desktop, &["token", "acme", "--json"]).json();
    assert_eq!(json["connection"], "acme");
    assert!(json["expires_at"].is_string());
}

#[test]
fn run_puts_the_token_into_the_environment_and_nowhere_else() {
    let fixture = fixture();
    let script = r#"printf '%s %s\n' "$TOKEN" "$#"; tr '\0' ' ' </proc/$$/cmdline"#;
    let arguments = [
        "run",
        "--env",
        "TOKEN=acme",
        "--",
        "sh",
        "-c",
        script,
        "x",
        "one two",
    ];
    let output = cli::ok(&fixture.desktop, &arguments);
    let (token, rest) = output.stdout.split_once(' ').unwrap();
    assert!(
        fixture.provider.access_token_lives(token),
        "{}",
        output.stdout
    );
    assert!(rest.starts_with("1\n"), "an argument was split: {rest}");
    assert_eq!(leak_search::text_with(rest, &[token]), None);
}

#[test]
fn run_is_transparent_to_exit_codes_and_signals() {
    let fixture = fixture();
    let run = |command: &[&str]| {
        let arguments = [&["run", "--env", "TOKEN=acme", "--"], command].concat();
        cli::start(&fixture.desktop, &arguments)
    };
    assert_eq!(cli::finish(run(&["sh", "-c", "exit 42"])).code, Some(42));
    assert_eq!(cli::finish(run(&["/nowhere/command"])).code, Some(127));

    let running = run(&[
        "sh",
        "-c",
        "trap 'echo terminated; exit 7' TERM; echo ready; read -r x",
    ]);
    running.wait_for("that it is ready", |line| {
        (line.text == "ready").then_some(())
    });
    running.signal(Signal::TERM);
    let output = cli::finish(running);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(7), "ready\nterminated\n")
    );
}
