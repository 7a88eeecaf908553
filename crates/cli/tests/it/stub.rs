//! An agent of a few lines, and `valetkey` in its home.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// `GET /status`: the method and what follows `/api/v1`.
    pub(crate) line: String,
    /// Null without a body.
    pub(crate) body: Value,
}

/// In the place of a status: the agent hangs up without an answer.
pub(crate) const HANG_UP: u16 = 0;

/// Status and body, or None: no answer until the other side hangs up.
pub(crate) type Answer = Option<(u16, Value)>;

/// A home in which an agent listens (or not yet).
pub(crate) struct Stub {
    home: TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// A home without an agent.
    pub(crate) fn absent() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("run")).unwrap();
        Self {
            home,
            requests: Arc::default(),
        }
    }

    /// An agent that answers like this.
    pub(crate) fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let stub = Self::absent();
        stub.listen(answer);
        stub
    }

    /// From now on there is an agent.
    pub(crate) fn listen(&self, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        let listener = UnixListener::bind(self.home().join("run/agent.sock")).unwrap();
        let answer = Arc::new(answer);
        let requests = Arc::clone(&self.requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || serve(&stream.unwrap(), &*answer, &requests));
            }
        });
    }

    /// An agent that refuses everything with this code.
    pub(crate) fn refusing(status: u16, code: &'static str) -> Self {
        let body = json!({"detail": {"code": code, "message": format!("it is {code}"), "hint": "do something"}});
        Self::new(move |_| Some((status, body.clone())))
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.line)
            .collect()
    }

    /// `valetkey` in this home, with an environment of its own.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey"));
        command
            .args(args.split(' ').filter(|arg| !arg.is_empty()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("VALETKEY_HOME", self.home())
            .env("VALETKEY_AGENT_BIN", "/nonexistent/valetkey-agent")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &str) -> Ended {
        Ended::from(self.command(args).output().unwrap())
    }

    /// Writes a shell script into the home.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }
}

fn serve(stream: &UnixStream, answer: &dyn Fn(&Request) -> Answer, requests: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        requests.lock().unwrap().push(request.clone());
        let Some((status, body)) = answer(&request) else {
            let _ = reader.read(&mut [0]);
            return;
        };
        if status == HANG_UP {
            return;
        }
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&UnixStream>) -> Option<Request> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = first
        .trim()
        .strip_suffix(" HTTP/1.1")?
        .replace("/api/v1", "");
    Some(Request {
        line,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A token reply.
pub(crate) fn token_response() -> Value {
    json!({
        "access_token": "ya29.s3cret", "token_type": "bearer", "expires_at": "2030-01-01T00:00:00Z",
        "expires_in": 3000, "scopes": ["openid"], "connection": "google", "account": "ada@example.com",
        "fingerprint": "00ff", "a_field_of_later": true
    })
}

/// A connection of the API.
pub(crate) fn connection(name: &str) -> Value {
    let id = "018f0000-0000-7000-8000-000000000001";
    json!({
        "id": id, "name": name, "profile": "default", "authenticator": "github", "authenticator_id": id,
        "provider": "github", "provider_name": "GitHub",
        "account": {"label": null, "display_name": "ada", "subject": null}, "status": "active",
        "asked_scopes": ["repo", "gist"], "scopes": ["repo"], "missing_scopes": ["gist"], "issued_at": null,
        "expires_at": null, "refresh_due_at": null, "refresh_expires_at": null, "refreshable": false,
        "unsaved": false, "keep_warm": "when_used", "refresh_error": null, "generation": 1,
        "created_at": "2026-11-01T12:00:00Z", "used_at": null
    })
}
