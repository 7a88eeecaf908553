//! `valetkey-agent` as a process.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use serde_json::Value;

use crate::api::Api;
use crate::desktop::Desktop;
use crate::http::HttpClient;
use crate::process::{Running, Stream};

/// The agent as it ships.
const AGENT: &str = "VALETKEY_AGENT_BIN";
/// The agent built with failpoints.
const AGENT_WITH_FAILPOINTS: &str = "VALETKEY_FAILPOINT_AGENT_BIN";

/// A running agent. Killed, not stopped, when dropped.
pub struct Agent {
    process: Running,
    socket: PathBuf,
    port: u16,
}

impl Agent {
    /// On the desktop's keychain, with everything logged.
    pub fn start(desktop: &Desktop) -> Self {
        Self::launch(&mut Self::command(desktop))
    }

    /// The command that [`Self::start`] runs, for tests that add to it.
    pub fn command(desktop: &Desktop) -> Command {
        command(desktop, AGENT, 0)
    }

    /// As [`Self::command`], with this loopback port instead of a free one.
    pub fn command_at(desktop: &Desktop, port: u16) -> Command {
        command(desktop, AGENT, port)
    }

    /// As [`Self::command`], for the build that aborts at `failpoint` (`name`, or `name#3` for the
    /// third time).
    pub fn command_that_aborts_at(desktop: &Desktop, failpoint: &str) -> Command {
        let mut command = command(desktop, AGENT_WITH_FAILPOINTS, 0);
        command.env("VALETKEY_ABORT_AT", failpoint);
        command
    }

    /// Runs it and waits until it listens.
    pub fn launch(command: &mut Command) -> Self {
        Self::try_launch(command).unwrap_or_else(|error| panic!("no agent: {error}"))
    }

    /// As [`Self::launch`]; the error if it does not start.
    pub fn try_launch(command: &mut Command) -> Result<Self, Value> {
        let process = Running::start(command);
        let mut output = process.wait_for("whether it is ready", |line| {
            (line.stream == Stream::Stdout)
                .then(|| serde_json::from_str::<Value>(&line.text).ok())
                .flatten()
        });
        if output["ready"].is_null() {
            return Err(output["failed"].take());
        }
        let ready = &output["ready"];
        let socket = ready["socket"].as_str().expect("a path").into();
        let port = ready["port"].as_u64().and_then(|it| it.try_into().ok());
        Ok(Self {
            process,
            socket,
            port: port.expect("a port"),
        })
    }

    /// Its API, by the socket.
    pub fn api(&self) -> Api {
        Api::new(self.socket())
    }

    /// HTTP over its socket.
    pub fn socket(&self) -> HttpClient {
        HttpClient::Socket(self.socket.clone())
    }

    /// The port of its loopback listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// HTTP to its loopback listener.
    pub fn loopback(&self) -> HttpClient {
        HttpClient::Tcp(format!("127.0.0.1:{}", self.port))
    }

    /// The path of its socket.
    pub fn socket_path(&self) -> &std::path::Path {
        &self.socket
    }

    /// The process.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Stops it, and waits until it has ended.
    pub fn stop(mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }
}

fn command(desktop: &Desktop, variable: &str, port: u16) -> Command {
    let mut command = desktop.command(binary(variable));
    command.args(["--port", &port.to_string()]);
    command.env("VALETKEY_LOG", "trace");
    command
}

/// The path of a binary that a test runs, by its variable.
pub fn binary(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| {
        panic!("`{variable}` names no binary: run `cargo xtask test`, which builds and names them")
    });
    assert!(
        path.is_file(),
        "`{variable}`: there is no {}",
        path.display()
    );
    path
}
