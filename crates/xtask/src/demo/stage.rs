//! What the demo plays on: a home, a provider, Valet Key. All end with it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::shell::{self, Failure};

/// Reads what a page answers, as a browser would, and shows nothing.
const PLAYED_BROWSER: &str = "curl --silent --show-error --location --output /dev/null";

/// A program that starts is ready within this time, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);

/// Where the demo plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// In the desktop app, with the person's browser.
    Desktop,
    /// In the terminal alone; the browser is played too.
    Headless,
}

pub(crate) struct Stage {
    valetkey: PathBuf,
    home: PathBuf,
    socket: PathBuf,
    issuer: String,
    browser: Option<OsString>,
    /// Provider first, Valet Key last.
    processes: Vec<Child>,
}

impl Stage {
    /// Starts provider and Valet Key.
    pub(crate) fn set(
        paths: &[(&'static str, PathBuf)],
        lifetime: u64,
        place: Where,
    ) -> Result<Self, Failure> {
        let path = |variable| {
            let found = paths.iter().find(|(name, _)| *name == variable);
            found
                .map(|(_, path)| path.clone())
                .expect("`binaries` names them all")
        };
        let mut provider = Command::new(path("VALETKEY_DEMO_PROVIDER_BIN"));
        provider.args(["--lifetime", &lifetime.to_string()]);
        if place == Where::Headless {
            provider.args(["--auto-consent", "ada"]);
        }
        let home = std::env::temp_dir().join(format!("valetkey-demo-{}", std::process::id()));
        fs::create_dir(&home).map_err(|error| {
            Failure::Stopped(format!(
                "cannot make the folder {}: {error}",
                home.display()
            ))
        })?;
        let mut stage = Self {
            valetkey: path("VALETKEY_BIN"),
            home: home.clone(),
            socket: PathBuf::new(),
            issuer: String::new(),
            browser: (place == Where::Headless).then(|| PLAYED_BROWSER.into()),
            processes: Vec::new(),
        };
        stage.issuer = text(&stage.start_and_read(provider)?["issuer"]);
        let program = match place {
            Where::Desktop => "VALETKEY_DESKTOP_BIN",
            Where::Headless => "VALETKEY_AGENT_BIN",
        };
        let mut program = Command::new(path(program));
        program
            .args(["--secret-store", "memory", "--port", "0"])
            .env("VALETKEY_HOME", &home)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        stage.start(program)?;
        stage.socket = stage.wait_for_doors()?;
        Ok(stage)
    }

    /// Both faces of the agent name their doors in the same file.
    fn wait_for_doors(&mut self) -> Result<PathBuf, Failure> {
        let file = self.home.join("endpoint.json");
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !self.app_has_ended() {
            let endpoint: Option<Value> = fs::read(&file)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok());
            if let Some(endpoint) = endpoint {
                return Ok(PathBuf::from(text(&endpoint["socket"])));
            }
            thread::sleep(LOOK);
        }
        let log = fs::read_to_string(self.home.join("oauth.log")).unwrap_or_default();
        Err(Failure::Stopped(format!(
            "Valet Key did not start\n\n{log}"
        )))
    }

    /// Whether Valet Key was quit.
    pub(crate) fn app_has_ended(&mut self) -> bool {
        let app = self.processes.last_mut().expect("started in `set`");
        app.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Whether the person has signed in.
    pub(crate) fn is_connected(&self) -> Result<bool, Failure> {
        let output = shell::output(&mut self.command(&["status", "--json"]))?;
        let status: Value = serde_json::from_slice(&output)
            .map_err(|_| Failure::Failed("valetkey status".to_owned()))?;
        let connections = status["connections"].as_array();
        Ok(connections.is_some_and(|all| all.iter().any(|it| it["status"] == "active")))
    }

    /// Until the person has quit the app or pressed Enter.
    pub(crate) fn wait_for_the_end(&mut self) {
        let (pressed, enter) = mpsc::channel();
        thread::spawn(move || {
            // An end of input is an answer too.
            std::io::stdin().read_line(&mut String::new()).ok();
            pressed.send(()).ok();
        });
        while enter.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) && !self.app_has_ended() {}
    }

    fn start(&mut self, mut command: Command) -> Result<&mut Child, Failure> {
        let child = command.stdin(Stdio::null()).spawn().map_err(|source| {
            let program = command.get_program().to_string_lossy().into_owned();
            Failure::NotStarted { program, source }
        })?;
        self.processes.push(child);
        Ok(self.processes.last_mut().expect("pushed above"))
    }

    /// Starts a program that prints one line of JSON when it is ready.
    fn start_and_read(&mut self, mut command: Command) -> Result<Value, Failure> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = || Failure::Failed(program.clone());
        command.stdout(Stdio::piped());
        let child = self.start(command)?;
        let stdout = child.stdout.take().expect("piped above");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|_| failed())?;
        serde_json::from_str(&line).map_err(|_| failed())
    }

    /// The client, as a config file.
    pub(crate) fn config(&self) -> Result<String, Failure> {
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
        });
        let file = self.home.join("demo.json");
        fs::write(&file, format!("{config:#}")).map_err(|error| {
            Failure::Stopped(format!("cannot write {}: {error}", file.display()))
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

    /// Runs `valetkey` in front of the person.
    pub(crate) fn valetkey(&self, arguments: &[&str]) -> Result<(), Failure> {
        shell::run(&mut self.command(arguments))
    }

    /// The token, for comparing.
    pub(crate) fn quiet_token(&self) -> Result<String, Failure> {
        let output = shell::output(&mut self.command(&["token", "demo"]))?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// A program that uses `$TOKEN`: asks the provider whose it is.
    pub(crate) fn whoami(&self) -> String {
        format!(
            "curl --silent --fail -H \"Authorization: Bearer $TOKEN\" {}/api/me; echo",
            self.issuer
        )
    }

    /// The plainest client: curl on the socket.
    pub(crate) fn ask_socket(&self) -> Result<(), Failure> {
        let url = "http://valetkey/api/v1/credentials/connections/demo/token";
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--unix-socket"])
            .arg(&self.socket);
        shell::run(curl.args(["--request", "POST", url, "--write-out", "\\n"]))
    }

    /// Takes everything away.
    pub(crate) fn strike(self) {
        drop(self);
    }
}

impl Drop for Stage {
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
        shell::say(&format!(
            "{} could not be removed: {error}",
            folder.display()
        ));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
