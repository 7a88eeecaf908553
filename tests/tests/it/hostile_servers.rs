//! Servers that lie about where tokens come from: `add` and `connect` refuse them in words, register and
//! store nothing, and open no browser.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use valetkey_tests::{Agent, Browser, Desktop, cli, wait};

const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const REGISTER: &str = "/register";

/// An MCP server that is its own authorization server. What it answers is a table of whole responses.
struct Server {
    base: String,
    responses: Arc<Mutex<BTreeMap<String, String>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Self {
            base: format!("http://{address}"),
            responses: Arc::default(),
            requests: Arc::default(),
        };
        server.is_honest();
        let responses = Arc::clone(&server.responses);
        let requests = Arc::clone(&server.requests);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut bytes = [0; 16 << 10];
                let length = stream.read(&mut bytes).unwrap_or(0);
                let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let path = head
                    .split_whitespace()
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned();
                let response = responses.lock().expect("no panic").get(&path).cloned();
                requests.lock().expect("no panic").push(path);
                let response = response.unwrap_or_else(|| text("404 Not Found", "", ""));
                // An error means that the client has hung up, as it does on too much.
                let _ = stream.write_all(response.as_bytes());
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    fn set(&self, path: &str, response: String) {
        let mut responses = self.responses.lock().expect("no panic");
        responses.insert(path.to_owned(), response);
    }

    fn is_honest(&self) {
        self.responses.lock().expect("no panic").clear();
        let challenge = "WWW-Authenticate: Bearer\r\n";
        self.set("/mcp", text("401 Unauthorized", challenge, ""));
        let resource = json!({ "resource": self.url(), "authorization_servers": [self.base] });
        self.set(RESOURCE, text("200 OK", "", &resource.to_string()));
        self.publish(&json!({}));
        self.set(REGISTER, text("201 Created", "", r#"{"client_id": "c1"}"#));
    }

    /// Metadata of the authorization server; members of `changes` win, and null takes one away.
    fn publish(&self, changes: &Value) {
        let base = &self.base;
        let mut document = json!({
            "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "registration_endpoint": format!("{base}{REGISTER}"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        });
        let members = document.as_object_mut().expect("an object");
        members.extend(changes.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        self.set(METADATA, text("200 OK", "", &document.to_string()));
    }

    fn count(&self, path: &str) -> usize {
        let requests = self.requests.lock().expect("no panic");
        requests.iter().filter(|asked| *asked == path).count()
    }
}

fn text(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// What is published instead, and what is said about it.
fn lies(base: &str) -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({"issuer": "https://evil.example.com"}),
            "another issuer",
        ),
        (json!({"issuer": format!("{base}/")}), "differ by a slash"),
        (
            json!({"token_endpoint": "http://as.example.com/token"}),
            "`token_endpoint`",
        ),
        (
            json!({"authorization_endpoint": "http://as.example.com/a"}),
            "no browser was opened",
        ),
        (
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            "no browser was opened",
        ),
        (
            json!({"authorization_endpoint": "data:text/html,x"}),
            "no browser was opened",
        ),
        (
            json!({"authorization_endpoint": "file:///etc/passwd"}),
            "no browser was opened",
        ),
        (json!({"code_challenge_methods_supported": null}), "PKCE"),
        (
            json!({"code_challenge_methods_supported": ["plain"]}),
            "PKCE",
        ),
    ]
}

/// The same before and after a client was added.
fn assert_refused(desktop: &Desktop, arguments: &[&str], words: &str) {
    let said = cli::run(desktop, arguments);
    assert_ne!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains(words), "no `{words}`: {}", said.stderr);
}

#[test]
fn a_server_that_lies_is_not_added() {
    let mut desktop = Desktop::start();
    let opened = Browser::install_recorder(&mut desktop);
    let _agent = Agent::start(&desktop);
    let server = Server::start();
    let url = server.url();
    let add = ["add", &url, "--name", "mcp", "--yes"];
    for (lie, words) in lies(&server.base) {
        server.publish(&lie);
        assert_refused(&desktop, &add, words);
    }
    server.set(METADATA, text("200 OK", "", &"x".repeat(10 << 20)));
    assert_refused(&desktop, &add, "larger than 1 MiB");
    let around = format!("Location: {}{METADATA}\r\n", server.base);
    server.set(METADATA, text("302 Found", &around, ""));
    let asked = server.count(METADATA);
    assert_refused(&desktop, &add, "redirects are not followed");
    assert_eq!(server.count(METADATA), asked + 1, "it is no loop");
    server.is_honest();
    assert_eq!(server.count(REGISTER), 0, "nothing was registered");

    let refusal = json!({"error": "access_denied", "error_description": "not you"});
    server.set(REGISTER, text("403 Forbidden", "", &refusal.to_string()));
    assert_refused(&desktop, &add, "not you");
    let list = cli::ok(&desktop, &["list", "--json"]).json();
    assert_eq!(list["authenticators"], json!([]));
    assert!(!opened.exists(), "a browser was opened");

    server.is_honest();
    cli::ok(&desktop, &add);
}

#[test]
fn a_server_that_begins_to_lie_gets_no_browser() {
    let mut desktop = Desktop::start();
    let opened = Browser::install_recorder(&mut desktop);
    let _agent = Agent::start(&desktop);
    let server = Server::start();
    cli::ok(&desktop, &["add", &server.url(), "--name", "mcp", "--yes"]);
    for (lie, words) in lies(&server.base) {
        server.publish(&lie);
        assert_refused(&desktop, &["connect", "mcp"], words);
    }
    assert!(!opened.exists(), "a browser was opened");

    server.is_honest();
    let _waiting = cli::start(&desktop, &["connect", "mcp"]);
    wait::until("the browser", || opened.exists().then_some(()));
}
