//! What is measured: an agent with two connections, its provider, and the bare servers.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey_tests::http::HttpClient;
use valetkey_tests::process::Running;
use valetkey_tests::wait;

use crate::baseline::Baseline;
use crate::cpus::Cpus;
use crate::role::Role;

/// How much is measured.
pub(crate) struct Sizes {
    /// Rounds in which everything takes its turn once.
    pub(crate) rounds: usize,
    /// Requests to each server in a round.
    pub(crate) calls: usize,
    /// Starts of each program in a round.
    pub(crate) starts: usize,
    /// How long the idle agent is watched.
    pub(crate) idle: Duration,
    /// Homes with so many connections.
    pub(crate) homes: Vec<usize>,
}

impl Sizes {
    pub(crate) fn new(is_quick: bool) -> Self {
        if is_quick {
            return Self {
                rounds: 2,
                calls: 2_000,
                starts: 50,
                idle: Duration::from_secs(20),
                homes: vec![1, 100],
            };
        }
        Self {
            rounds: 7,
            calls: 20_000,
            starts: 200,
            idle: Duration::from_mins(3),
            homes: vec![1, 100, 1_000, 10_000],
        }
    }
}

/// A program whose path `cargo xtask` has put into the environment.
pub(crate) fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.map_or_else(
        || panic!("`{variable}` is not set; run `cargo xtask bench`"),
        PathBuf::from,
    )
}

/// A running agent in a home of its own.
pub(crate) struct Agent {
    process: Running,
    pub(crate) socket: PathBuf,
}

impl Agent {
    /// Starts it on `home`, with secrets in memory, and waits until it is ready.
    pub(crate) fn start(home: &Path) -> Self {
        Self::start_with(home, &[])
    }

    /// As [`Self::start`], with more arguments.
    pub(crate) fn start_with(home: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program("VALETKEY_AGENT_BIN"));
        command
            .args(["--secret-store", "memory", "--port", "0"])
            // It counts each request, and refuses none.
            .args(["--rate-limit", "1000000000"])
            .args(arguments)
            .env("VALETKEY_HOME", home)
            .env_remove("VALETKEY_LOG");
        let process = Running::start(&mut command);
        let socket = process.wait_for("the agent's ready line", |line| {
            let line: Value = serde_json::from_str(&line.text).ok()?;
            line["ready"]["socket"].as_str().map(PathBuf::from)
        });
        Self { process, socket }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// One request; the answer's JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let json = [("Content-Type", "application/json")];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let reply = HttpClient::Socket(self.socket.clone()).request(method, path, &json, &body);
        assert!(
            (200..300).contains(&reply.status),
            "{method} {path}: {}",
            reply.text()
        );
        reply.json()
    }
}

/// Agent, provider and baselines.
pub(crate) struct Environment {
    pub(crate) agent: Agent,
    /// Of one thread and of two.
    pub(crate) baselines: [Bare; 2],
    /// The file with the token request that all servers get.
    pub(crate) request: PathBuf,
    provider: HttpClient,
    home: TempDir,
    issuer: String,
    _provider: Running,
}

/// A running bare server.
pub(crate) struct Bare {
    pub(crate) process: Running,
    pub(crate) socket: PathBuf,
}

/// While it lives, one refresh hangs at the provider.
pub(crate) struct Hanging<'a>(&'a Environment);

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0
            .provider
            .request("DELETE", "/_control/faults", &[], "");
    }
}

impl Environment {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(program("VALETKEY_DEMO_PROVIDER_BIN"));
        let provider_process = Running::start(command.args(["--auto-consent", "ada"]));
        let issuer = provider_process.wait_for("the provider's address", |line| {
            let line: Value = serde_json::from_str(&line.text).ok()?;
            line["issuer"].as_str().map(str::to_owned)
        });
        let home = TempDir::new().expect("a folder");
        let agent = Agent::start(home.path());
        for name in ["bench", "other"] {
            connect(&agent, &issuer, name, &json!([]));
        }
        let request = home.path().join("request");
        std::fs::write(&request, token_request("bench")).expect("our own folder");
        Self {
            baselines: [1, 2].map(|threads| Bare::start(&agent, home.path(), threads, false)),
            agent,
            request,
            provider: HttpClient::of(&issuer),
            home,
            issuer,
            _provider: provider_process,
        }
    }

    /// `VALETKEY_HOME` of the agent.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The provider's address.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Moves all servers.
    pub(crate) fn run_on(&self, cpus: &Cpus) {
        cpus.apply_to(self.agent.pid());
        for bare in &self.baselines {
            cpus.apply_to(bare.process.id());
        }
    }

    /// Starts a refresh that does not come back.
    pub(crate) fn hang_a_refresh(&self, connection: &str) -> Hanging<'_> {
        use std::io::Write as _;
        let fault = json!({ "endpoint": "token", "grant": "refresh_token", "times": "forever", "fault": { "kind": "hang" } });
        self.provider
            .request_json("POST", "/_control/faults", &fault);
        let path = format!("/api/v1/credentials/connections/{connection}/refresh");
        let mut stream = UnixStream::connect(&self.agent.socket).expect("the socket answers");
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: valetkey\r\nContent-Length: 0\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the request is taken");
        let arrived = "/_control/wait?endpoint=token&grant=refresh_token&count=1&timeout_ms=30000";
        assert_eq!(
            self.provider.get(arrived).json()["reached"],
            true,
            "the refresh is under way"
        );
        Hanging(self)
    }
}

/// A token request as the client sends it.
fn token_request(connection: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/credentials/connections/{connection}/token HTTP/1.1\r\nHost: valetkey\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

/// Adds an authenticator and signs in; the provider consents by itself.
pub(crate) fn connect(agent: &Agent, issuer: &str, name: &str, api_hosts: &Value) {
    let draft = json!({
        "name": name, "authenticator_type": "custom", "client_id": "demo", "scopes": ["openid", "email"],
        "authorize_url": format!("{issuer}/authorize"), "token_url": format!("{issuer}/token"),
        "userinfo_url": format!("{issuer}/userinfo"), "issuer": issuer, "api_hosts": api_hosts,
    });
    agent.ask("POST", "/api/v1/oauth/authenticators", &draft);
    let begun = agent.ask(
        "POST",
        "/api/v1/credentials/connections",
        &json!({ "authenticator": name }),
    );
    let mut url = begun["authorize_url"]
        .as_str()
        .expect("an authorize URL")
        .to_owned();
    let page = loop {
        let (origin, path) = split(&url);
        let reply = HttpClient::of(origin).get(path);
        match reply.header("location") {
            Some(next) => next.clone_into(&mut url),
            None => break reply,
        }
    };
    assert!(page.text().contains("Signed in"), "{}", page.text());
    let status = format!("/api/v1/credentials/connections/{name}");
    wait::until("the connection", || {
        (agent.ask("GET", &status, &Value::Null)["status"] == "active").then_some(())
    });
}

fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").expect("an absolute URL") + 3;
    let path = url[host..].find('/').map_or(url.len(), |at| host + at);
    (&url[..path], &url[path..])
}

impl Bare {
    /// It answers the very bytes that the agent answers; `looks`: after reading who connects.
    pub(crate) fn start(agent: &Agent, folder: &Path, threads: usize, looks: bool) -> Self {
        let path = "/api/v1/credentials/connections/bench/token";
        let answer = agent.ask("POST", path, &json!({}));
        let body = folder.join("body.json");
        std::fs::write(&body, answer.to_string()).expect("our own folder");
        let socket = folder.join(format!("bare-{threads}-{looks}.sock"));
        let role = Role::Baseline(Baseline {
            socket: socket.clone(),
            body,
            threads,
            looks,
        });
        let process = Running::start(&mut role.command());
        wait::until("the bare server", || UnixStream::connect(&socket).ok());
        Self { process, socket }
    }
}
