//! The dns-rebinding scenario of the MCP conformance suite: a page whose name was made to lead to this
//! machine reaches an MCP server that checks nothing, and does not reach it through the proxy.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use valetkey_tests::browser::node_script;
use valetkey_tests::{AgentFixture, Running, cli};

const SCENARIO: &str = "dns-rebinding-protection";
/// What the suite asks with: the newest revision that the server's SDK speaks.
const REVISION: &str = "2025-11-25";

/// An MCP server that takes any bearer token, whatever the Host and Origin of a request.
struct OpenServer {
    node: Running,
    authority: String,
}

impl OpenServer {
    fn start(fixture: &AgentFixture) -> Self {
        let mut command = fixture.desktop.command("node");
        let node = Running::start(command.arg(node_script("mcp-http-server.mjs")));
        let authority = node.wait_for("where it listens", |line| {
            let printed: Value = serde_json::from_str(&line.text).ok()?;
            Some(printed["listening"].as_str()?.to_owned())
        });
        Self { node, authority }
    }

    /// The tokens of the requests that reached it.
    fn tokens(&self) -> Vec<String> {
        let lines = self.node.lines();
        let printed = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
        printed
            .filter_map(|line| Some(line["authorization"].as_str()?.to_owned()))
            .collect()
    }
}

/// Runs the scenario with a client key added to its requests: the outcome of each check, by its id.
fn run(fixture: &AgentFixture, url: &str, key: &str) -> Value {
    let mut node = fixture.desktop.command("node");
    node.env("VALETKEY_KEY", key).arg("--import");
    node.arg(node_script("with-key.mjs"));
    node.arg(node_script("node_modules/.bin/conformance"));
    node.args(["server", "--url", url, "--scenario", SCENARIO]);
    let results = fixture.desktop.folder().join("conformance");
    node.args(["--spec-version", REVISION, "--output-dir"]);
    let output = node.arg(&results).output().expect("Node.js");
    let runs = fs::read_dir(&results).unwrap_or_else(|_| panic!("no results: {output:?}"));
    let mut outcomes = BTreeMap::new();
    for run in runs {
        let run = run.expect("our own folder").path();
        let checks = fs::read(run.join("checks.json")).expect("what was checked");
        let checks: Vec<Value> = serde_json::from_slice(&checks).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let found = checks
            .iter()
            .map(|it| (text(&it["id"]), text(&it["status"])));
        outcomes.extend(found);
    }
    fs::remove_dir_all(&results).expect("our own folder");
    let all_passed = outcomes.values().all(|status| status == "SUCCESS");
    assert_eq!(output.status.success(), all_passed, "{output:?}");
    json!(outcomes)
}

#[test]
fn a_rebound_name_reaches_an_open_mcp_server_but_not_through_the_proxy() {
    let mut fixture = AgentFixture::start();
    let server = OpenServer::start(&fixture);
    fixture.sign_in("acme");
    cli::ok(
        &fixture.desktop,
        &["update", "acme", "--api-host", &server.authority],
    );
    let made = cli::ok(
        &fixture.desktop,
        &["key", "create", "--name", "tool", "--json"],
    );
    let made = made.json();
    let key = made["key"].as_str().unwrap();

    let bare = format!("http://{}/mcp", server.authority);
    assert_eq!(
        run(&fixture, &bare, key),
        json!({
            "localhost-host-rebinding-rejected": "FAILURE",
            "localhost-host-valid-accepted": "SUCCESS",
        }),
        "the scenario finds a server without the check"
    );
    let seen = server.tokens().len();
    assert!(seen > 0, "nothing reached the server");

    let proxied = format!("http://127.0.0.1:{}/proxy/acme/mcp", fixture.agent().port());
    assert_eq!(
        run(&fixture, &proxied, key),
        json!({
            "localhost-host-rebinding-rejected": "SUCCESS",
            "localhost-host-valid-accepted": "SUCCESS",
        })
    );
    let token = format!("Bearer {}", fixture.api().access_token("acme"));
    let proxied = &server.tokens()[seen..];
    assert!(!proxied.is_empty(), "nothing came through the proxy");
    assert!(proxied.iter().all(|it| *it == token), "{proxied:?}");
}
