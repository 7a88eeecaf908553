//! What the demo plays on: a home, a provider, an agent. All end with it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::shell::{self, Failure};

/// Reads what a page answers, as a browser would, and shows nothing.
const PLAYED_BROWSER: &str = "curl --silent --show-error --location --output /dev/null";

pub(crate) struct Stage {
    valetkey: PathBuf,
    home: PathBuf,
    socket: PathBuf,
    issuer: String,
    browser: Option<OsString>,
    processes: Vec<Child>,
}

impl Stage {
    /// Starts provider and agent.
    pub(crate) fn set(
        paths: &[(&'static str, PathBuf)],
        lifetime: u64,
        has_browser: bool,
    ) -> Result<Self, Failure> {
        let path = |variable| {
            let found = paths.iter().find(|(name, _)| *name == variable);
            found
                .map(|(_, path)| path.clone())
                .expect("`binaries` names them all")
        };
        let mut provider = Command::new(path("VALETKEY_DEMO_PROVIDER_BIN"));
        provider.args(["--lifetime", &lifetime.to_string()]);
        if !has_browser {
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
            browser: (!has_browser).then(|| PLAYED_BROWSER.into()),
            processes: Vec::new(),
        };
        stage.issuer = text(&stage.start(provider)?["issuer"]);
        let mut agent = Command::new(path("VALETKEY_AGENT_BIN"));
        agent
            .args(["--secret-store", "memory", "--port", "0"])
            .env("VALETKEY_HOME", &home)
            .stderr(Stdio::null());
        stage.socket = PathBuf::from(text(&stage.start(agent)?["ready"]["socket"]));
        Ok(stage)
    }

    /// Starts a program that prints one line of JSON when it is ready.
    fn start(&mut self, mut command: Command) -> Result<Value, Failure> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = || Failure::Failed(program.clone());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| Failure::NotStarted {
                program: program.clone(),
                source,
            })?;
        let stdout = child.stdout.take().expect("piped above");
        self.processes.push(child);
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
