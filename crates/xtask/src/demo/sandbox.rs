//! The processes and files of a demo: a temporary home, the demo provider, Valet Key. All are
//! stopped and removed when it is dropped.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{self, TaskError};

/// Follows the sign-in page as a browser would, and shows nothing.
const AUTOMATIC_BROWSER: &str = "curl --silent --show-error --location --output /dev/null";

/// Longest wait for a program to be ready, also on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What the demo runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The desktop app, with the person's browser.
    Desktop,
    /// The terminal, with an automatic browser.
    Headless,
}

pub(crate) struct Sandbox {
    valetkey: PathBuf,
    home: PathBuf,
    socket: PathBuf,
    issuer: String,
    browser: Option<OsString>,
    /// Provider first, Valet Key last.
    processes: Vec<Child>,
}

impl Sandbox {
    /// Starts provider and Valet Key.
    pub(crate) fn start(
        paths: &[(&'static str, PathBuf)],
        lifetime: u64,
        mode: Mode,
    ) -> Result<Self, TaskError> {
        let path = |variable| {
            let found = paths.iter().find(|(name, _)| *name == variable);
            found
                .map(|(_, path)| path.clone())
                .expect("`binaries` names them all")
        };
        let mut provider = Command::new(path("VALETKEY_DEMO_PROVIDER_BIN"));
        provider.args(["--lifetime", &lifetime.to_string()]);
        if mode == Mode::Headless {
            provider.args(["--auto-consent", "ada"]);
        }
        let home = std::env::temp_dir().join(format!("valetkey-demo-{}", std::process::id()));
        fs::create_dir(&home).map_err(|error| {
            TaskError::Message(format!(
                "cannot make the folder {}: {error}",
                home.display()
            ))
        })?;
        let mut sandbox = Self {
            valetkey: path("VALETKEY_BIN"),
            home: home.clone(),
            socket: PathBuf::new(),
            issuer: String::new(),
            browser: (mode == Mode::Headless).then(|| AUTOMATIC_BROWSER.into()),
            processes: Vec::new(),
        };
        sandbox.issuer = text(&sandbox.start_and_read(provider)?["issuer"]);
        let program = match mode {
            Mode::Desktop => "VALETKEY_DESKTOP_BIN",
            Mode::Headless => "VALETKEY_AGENT_BIN",
        };
        let mut program = Command::new(path(program));
        program
            .args(["--secret-store", "memory", "--port", "0"])
            // It shows how programs get tokens; nobody is there to answer a question about each.
            .args(["--policy", "allow"])
            .env("VALETKEY_HOME", &home)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        sandbox.spawn(program)?;
        sandbox.socket = sandbox.wait_for_socket()?;
        Ok(sandbox)
    }

    /// Waits for the file in which agent and desktop app name their socket.
    fn wait_for_socket(&mut self) -> Result<PathBuf, TaskError> {
        let file = self.home.join("endpoint.json");
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT && !self.app_has_ended() {
            let endpoint: Option<Value> = fs::read(&file)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok());
            if let Some(endpoint) = endpoint {
                return Ok(PathBuf::from(text(&endpoint["socket"])));
            }
            thread::sleep(POLL_INTERVAL);
        }
        let log = fs::read_to_string(self.home.join("oauth.log")).unwrap_or_default();
        Err(TaskError::Message(format!(
            "Valet Key did not start\n\n{log}"
        )))
    }

    /// Whether Valet Key was quit.
    pub(crate) fn app_has_ended(&mut self) -> bool {
        let app = self.processes.last_mut().expect("started in `start`");
        app.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Whether the person has signed in.
    pub(crate) fn is_connected(&self) -> Result<bool, TaskError> {
        let output = command::output(&mut self.command(&["status", "--json"]))?;
        let status: Value = serde_json::from_slice(&output)
            .map_err(|_| TaskError::ExitStatus("valetkey status".to_owned()))?;
        let connections = status["connections"].as_array();
        Ok(connections.is_some_and(|all| all.iter().any(|it| it["status"] == "active")))
    }

    /// Waits until the person quits the app or presses Enter.
    pub(crate) fn wait_for_enter_or_quit(&mut self) {
        let (pressed, enter) = mpsc::channel();
        thread::spawn(move || {
            // An end of input counts as Enter.
            std::io::stdin().read_line(&mut String::new()).ok();
            pressed.send(()).ok();
        });
        while enter.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout)
            && !self.app_has_ended()
        {}
    }

    fn spawn(&mut self, mut command: Command) -> Result<&mut Child, TaskError> {
        let child = command.stdin(Stdio::null()).spawn().map_err(|source| {
            let program = command.get_program().to_string_lossy().into_owned();
            TaskError::NotStarted { program, source }
        })?;
        self.processes.push(child);
        Ok(self.processes.last_mut().expect("pushed above"))
    }

    /// Starts a program that prints one line of JSON when it is ready.
    fn start_and_read(&mut self, mut command: Command) -> Result<Value, TaskError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = || TaskError::ExitStatus(program.clone());
        command.stdout(Stdio::piped());
        let child = self.spawn(command)?;
        let stdout = child.stdout.take().expect("piped above");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|_| failed())?;
        serde_json::from_str(&line).map_err(|_| failed())
    }

    /// Writes the configuration of the authenticator; returns its path.
    pub(crate) fn config(&self) -> Result<String, TaskError> {
        let issuer = &self.issuer;
        let config = json!({
            "name": "Demo",
            "authenticator_type": "custom",
            "client_id": "demo",
            "scopes": ["openid", "email", "offline_access"],
            "redirect_uri": "http://127.0.0.1/callback",
            "authorize_url": format!("{issuer}/authorize"),
            "token_url": format!("{issuer}/token"),
            "revocation_url": format!("{issuer}/revoke"),
            "userinfo_url": format!("{issuer}/userinfo"),
            "issuer": issuer,
            "api_hosts": [issuer],
        });
        let file = self.home.join("demo.json");
        fs::write(&file, format!("{config:#}")).map_err(|error| {
            TaskError::Message(format!("cannot write {}: {error}", file.display()))
        })?;
        Ok(file.to_string_lossy().into_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.valetkey);
        command.args(arguments).env("VALETKEY_HOME", &self.home);
        if let Some(browser) = &self.browser {
            command.env("BROWSER", browser);
        }
        command
    }

    /// Prints a `valetkey` command and runs it.
    pub(crate) fn valetkey(&self, arguments: &[&str]) -> Result<(), TaskError> {
        command::run(&mut self.command(arguments))
    }

    /// Gets the token without printing it.
    pub(crate) fn token(&self) -> Result<String, TaskError> {
        let output = command::output(&mut self.command(&["token", "demo"]))?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// A shell command that asks the provider whose `$TOKEN` is.
    pub(crate) fn whoami(&self) -> String {
        format!(
            "curl --silent --fail -H \"Authorization: Bearer $TOKEN\" {}/api/me; echo",
            self.issuer
        )
    }

    /// Requests a token by curl over the socket.
    pub(crate) fn request_by_curl(&self) -> Result<(), TaskError> {
        let url = "http://valetkey/api/v1/credentials/connections/demo/token";
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--unix-socket"])
            .arg(&self.socket);
        command::run(curl.args(["--request", "POST", url, "--write-out", "\\n"]))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        remove(&self.home);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        command::print(&format!(
            "{} could not be removed: {error}",
            folder.display()
        ));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
