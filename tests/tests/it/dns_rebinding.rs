//! The dns-rebinding scenario of the MCP conformance suite: a page whose name was made to lead to this
//! machine reaches an MCP server that checks nothing, and does not reach it through the proxy.

use serde_json::{Value, json};
use valetkey_tests::browser::node_script;
use valetkey_tests::{AgentFixture, Running, cli, conformance};

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
    let mut suite = conformance::command(&fixture.desktop, Some("with-key.mjs"));
    suite.env("VALETKEY_KEY", key);
    suite.args(["server", "--url", url, "--scenario", SCENARIO]);
    suite.args(["--spec-version", REVISION]);
    json!(conformance::outcomes(&fixture.desktop, &mut suite))
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
