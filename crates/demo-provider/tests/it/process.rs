//! The provider as a separate process, driven over its control interface.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::app::{App, text};

/// The process ends when its stdin closes, so also when the test panics.
struct Process {
    child: Child,
    app: App,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey-demo-provider"))
            .args(arguments)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let app = App::at(text(&ready, "issuer"));
        Self { child, app }
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Response {
        let url = self.app.url(&format!("/_control{path}"));
        self.app
            .http
            .request(method, url)
            .json(&body)
            .send()
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let url = self.app.url(&format!("/_control{path}"));
        self.app
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn control_interface_drives_a_running_process() {
    let process = Process::start(&["--auto-consent", "ada", "--lifetime", "2.5"]);
    let app = &process.app;
    let tokens = app.sign_in().await;
    assert_eq!(tokens["expires_in"], 2);
    let refresh_token = text(&tokens, "refresh_token");

    let settings = json!({ "grace_seconds": 30, "consent": { "allow": { "account": "grace" } } });
    let changed = process.control(Method::PATCH, "/settings", settings).await;
    assert_eq!(
        changed.json::<Value>().await.unwrap()["grace_seconds"],
        30.0
    );
    let wrong = process
        .control(Method::PATCH, "/settings", json!({ "graze": 1 }))
        .await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);

    let fault = json!({
        "endpoint": "token", "grant": "refresh_token", "fault": { "kind": "latch", "name": "g" },
    });
    let added = process.control(Method::POST, "/faults", fault).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let held = tokio::spawn(app.refresh(refresh_token).send());
    let wait = "/wait?endpoint=token&grant=refresh_token&count=1";
    assert_eq!(
        process.get(wait).await,
        json!({ "reached": true, "count": 1 })
    );
    process
        .control(Method::POST, "/release", json!({ "latch": "g" }))
        .await;
    assert_eq!(held.await.unwrap().unwrap().status(), StatusCode::OK);

    let requests = process
        .get("/requests?endpoint=token&grant=refresh_token")
        .await;
    assert_eq!(requests[0]["outcome"], json!({ "answered": 200 }));
    assert!(!requests.to_string().contains(refresh_token));
    assert!(
        process
            .get("/issued")
            .await
            .to_string()
            .contains(refresh_token)
    );
    assert_eq!(process.get("/families").await[0]["account"], "ada");

    process
        .control(Method::POST, "/revoke", json!({ "account": "ada" }))
        .await;
    assert_eq!(process.get("/families").await[0]["revoked"], "provider");
    process.control(Method::POST, "/reset", json!({})).await;
    assert_eq!(process.get("/families").await, json!([]));
    let late = process.get("/wait?endpoint=token&timeout_ms=1").await;
    assert_eq!(late, json!({ "reached": false, "count": 0 }));
}

/// Runs it until it has read that there is no input.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_valetkey-demo-provider"))
        .args(arguments)
        .arg("--until-stdin-closes")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_port_in_use_is_named() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let ended = run(&["--port", &port.to_string()]);
    assert!(!ended.status.success());
    let told = format!(
        "error: port {port} is in use by another program\n\nhint: end that program, or choose another \
         port with `--port`\n"
    );
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), told);
}

#[test]
fn the_config_of_its_client_can_be_printed() {
    let ended = run(&["--print-config"]);
    assert!(ended.status.success());
    let config: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let issuer = text(&config, "issuer");
    assert_eq!(config["authenticator_type"], "custom");
    assert_eq!(config["client_id"], "demo");
    for (field, path) in [
        ("authorize_url", "/authorize"),
        ("token_url", "/token"),
        ("revocation_url", "/revoke"),
        ("userinfo_url", "/userinfo"),
    ] {
        assert_eq!(config[field], format!("{issuer}{path}"));
    }
}
