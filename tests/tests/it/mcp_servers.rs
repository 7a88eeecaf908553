//! Remote MCP servers as their frameworks make them: added by URL, signed in to, called, and called again
//! after the token has expired, each with the client of the same framework.

use std::net::TcpListener;

use serde_json::Value;
use valetkey_tests::agent::binary;
use valetkey_tests::browser::node_script;
use valetkey_tests::{Browser, Desktop, Running, cli, python, wait};

const EXAMPLES: &str = "node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server";

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn desktop() -> Desktop {
    let mut desktop = Desktop::start();
    Browser::install_follower(&mut desktop);
    desktop
}

/// Adds the server as `mcp`, and signs in. These servers compare redirect URIs exactly.
fn add_and_connect(desktop: &Desktop, url: &str) {
    let redirect = format!("http://127.0.0.1:{}/callback", free_port());
    let arguments = ["add", url, "--name", "mcp", "--redirect-uri", &redirect];
    let said = cli::ok(desktop, &[&arguments[..], &["--yes"]].concat());
    assert!(said.stderr.contains("an MCP server"), "{}", said.stderr);
    cli::ok(desktop, &["connect", "mcp"]);
}

/// Has the client call its tool: what it prints next.
fn call(client: &mut Running, from: &mut usize) -> String {
    client.write("\n");
    let (next, text) = client.wait_from(*from, "the answer of the tool", |line| {
        Some(line.text.clone())
    });
    *from = next;
    text
}

#[test]
fn the_example_server_of_the_typescript_sdk_is_called_again_after_its_token_expired() {
    const SECONDS: &str = "15";
    let desktop = desktop();
    let (port, auth_port) = (free_port(), free_port());
    let mut node = desktop.command("node");
    node.arg("--import").arg(node_script("short-tokens.mjs"));
    node.arg(node_script(EXAMPLES).join("simpleStreamableHttp.js"));
    node.arg("--oauth").env("ACCESS_TOKEN_SECONDS", SECONDS);
    node.env("MCP_PORT", port.to_string());
    let server = Running::start(node.env("MCP_AUTH_PORT", auth_port.to_string()));
    for what in ["OAuth Authorization Server", "MCP Streamable HTTP Server"] {
        server.wait_for(what, |line| line.text.starts_with(what).then_some(()));
    }
    let url = format!("http://localhost:{port}/mcp");
    add_and_connect(&desktop, &url);

    let mut node = desktop.command("node");
    node.arg(node_script("mcp-token-client.mjs"));
    node.args([&url, "mcp", "greet", r#"{"name": "Ada"}"#]);
    let mut client = Running::start(node.env("VALETKEY_BIN", binary("VALETKEY_BIN")));
    let mut from = 0;
    let greeting = r#"{"text":"Hello, Ada!"}"#;
    assert_eq!(call(&mut client, &mut from), greeting);

    // It issues no refresh tokens: the person signs in again, and the client goes on.
    wait::until("the end of the token", || {
        let said = cli::run(&desktop, &["token", "mcp"]);
        (said.code == Some(77)).then_some(())
    });
    let refused: Value = serde_json::from_str(&call(&mut client, &mut from)).expect("JSON");
    let why = refused["error"].as_str().expect("an error");
    assert!(why.contains("valetkey connect mcp"), "{why}");
    cli::ok(&desktop, &["connect", "mcp"]);
    assert_eq!(call(&mut client, &mut from), greeting);
}

#[test]
fn a_fastmcp_server_is_called_through_refreshes_and_not_after_the_disconnect() {
    const SECONDS: &str = "6";
    let desktop = desktop();
    let port = free_port();
    let mut server = python::command(&desktop, "mcp_server.py");
    let server = Running::start(server.args([&port.to_string(), SECONDS]));
    server.wait_for("where it listens", |line| {
        line.text.contains("Uvicorn running").then_some(())
    });
    let url = format!("http://127.0.0.1:{port}/mcp");
    add_and_connect(&desktop, &url);

    let mut client = python::command(&desktop, "mcp_client.py");
    client
        .arg(binary("VALETKEY_BIN"))
        .args([&url, "mcp", "whoami"]);
    let mut client = Running::start(&mut client);
    let mut from = 0;
    let first = call(&mut client, &mut from);
    let authenticators = cli::ok(&desktop, &["list", "--json"]).json();
    let client_id = &authenticators["authenticators"][0]["client_id"];
    assert_eq!(client_id, first.as_str(), "the tool names the client");
    let token = || cli::ok(&desktop, &["token", "mcp"]).stdout;
    // Refresh tokens are rotated there, so a second refresh shows that the first was stored.
    for _ in 0..2 {
        let before = token();
        wait::until("another token", || (token() != before).then_some(()));
        assert_eq!(call(&mut client, &mut from), first);
    }
    cli::ok(&desktop, &["disconnect", "mcp", "--force"]);
    let revoked = server.output();
    assert!(revoked.contains("POST /revoke HTTP/1.1\" 200"), "{revoked}");
}
