//! Finds the agent of this home, and starts one in the background where there is none.
//!
//! The new agent must not hang on to the caller: a shell that waits for the end of a pipe, a make
//! with its job server, a terminal that closes. So `valetkey` runs itself once more, and that
//! process leaves the session, marks every inherited descriptor to be closed and becomes
//! `valetkey-agent`. The first process waits for its one line on stdout ([`StartLine`]). Whether it
//! is safe to start (is there a keychain?) only the agent knows: its line contains the answer.

use std::env;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf, absolute};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::home::Home;
use valetkey_api::endpoint::StartLine;

use crate::args::{DETACH, Global, Serve};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wait;

const BINARY: &str = "valetkey-agent";
/// Opening a keychain may start its daemon first.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The folders of this Valet Key.
pub(crate) fn home() -> Result<Home, Failure> {
    Home::from_env(|name| env::var_os(name)).map_err(|error| {
        Failure::new(Exit::NotConfigured, error.to_string())
            .hint("set `VALETKEY_HOME` to a path that starts with `/`, or unset it and set `HOME`")
    })
}

/// A client of the running agent; one is started if there is none.
pub(crate) fn connect(global: &Global) -> Result<Client, Failure> {
    let home = home()?;
    match Client::connect(&home, global.profile.as_ref()) {
        Err(ClientError::NotRunning) => {
            start(&home, global.verbose)?;
            Ok(Client::connect(&home, global.profile.as_ref())?)
        }
        result => Ok(result?),
    }
}

/// A client of the running agent, if there is one.
pub(crate) fn connect_if_running(global: &Global) -> Result<Option<Client>, Failure> {
    match Client::connect(&home()?, global.profile.as_ref()) {
        Err(ClientError::NotRunning) => Ok(None),
        result => Ok(Some(result?)),
    }
}

/// Starts the agent in the background and waits until it is ready.
pub(crate) fn start(home: &Home, verbose: bool) -> Result<(), Failure> {
    binary()?;
    let own = env::current_exe().map_err(|error| cannot_start(home).why(error))?;
    let mut command = Command::new(own);
    command
        .arg(DETACH)
        .args(verbose.then_some("--verbose"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(home).why(error))?;
    let line = first_line(&mut child).map_err(|error| cannot_start(home).why(error))?;
    match serde_json::from_str(&line) {
        Ok(StartLine::Ready(_)) => Ok(()),
        Ok(StartLine::Failed(error)) => Err(Failure::Api(error)),
        Err(_) => {
            let why = match child.try_wait() {
                Ok(Some(status)) => format!("`{BINARY}` ended with {status}"),
                Ok(None) | Err(_) => format!("`{BINARY}` did not say that it is ready"),
            };
            Err(cannot_start(home).why(why))
        }
    }
}

fn cannot_start(home: &Home) -> Failure {
    let log = home.log();
    Failure::new(Exit::Unavailable, "the agent cannot be started").hint(format!(
        "run `valetkey serve` to see why; the log is `{}`",
        log.display()
    ))
}

/// What the child writes up to the first newline; less if it ends or takes too long.
fn first_line(child: &mut Child) -> std::io::Result<String> {
    let until = Instant::now() + START_TIMEOUT;
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let mut line = Vec::new();
    let mut bytes = [0; 4096];
    while !line.contains(&b'\n') {
        let left = until.saturating_duration_since(Instant::now());
        if !wait::readable([stdout.as_fd()], Some(left))?[0] {
            break;
        }
        let read = stdout.read(&mut bytes)?;
        if read == 0 {
            // Its exit status belongs to the message.
            child.wait()?;
            break;
        }
        line.extend_from_slice(&bytes[..read]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Becomes the background agent. Returns only if that fails.
pub(crate) fn detach(verbose: bool) -> Result<(), Failure> {
    let mut command = Command::new(binary()?);
    command.arg("--background").current_dir("/");
    command.args(verbose.then_some("--verbose"));
    // It runs in another folder.
    for variable in ["VALETKEY_KEY_FILE", "VALETKEY_PASSPHRASE_FILE"] {
        if let Some(file) = env::var_os(variable).filter(|file| !file.is_empty())
            && let Ok(file) = absolute(file)
        {
            command.env(variable, file);
        }
    }
    // It fails only for a process that leads a group already, which is as good.
    let _ = rustix::process::setsid();
    close_fds::set_fds_cloexec(3, &[]);
    Err(Failure::new(Exit::Unavailable, "the agent cannot be started").why(command.exec()))
}

/// Becomes the agent in the foreground. Returns only if that fails.
pub(crate) fn serve(args: &Serve, verbose: bool) -> Result<(), Failure> {
    let mut command = Command::new(binary()?);
    if let Some(store) = &args.secret_store {
        command.args(["--secret-store", store]);
    }
    if let Some(port) = args.port {
        command.args(["--port", &port.to_string()]);
    }
    if let Some(policy) = &args.policy {
        command.args(["--policy", policy]);
    }
    command.args(verbose.then_some("--verbose"));
    Err(Failure::new(Exit::Unavailable, "the agent cannot be started").why(command.exec()))
}

/// Where `valetkey-agent` is: `VALETKEY_AGENT_BIN`, beside this program, or in `PATH`.
fn binary() -> Result<PathBuf, Failure> {
    if let Some(path) = env::var_os("VALETKEY_AGENT_BIN") {
        let path = absolute(&path).unwrap_or_else(|_| path.into());
        return is_file(&path).ok_or_else(|| {
            let what = format!("`VALETKEY_AGENT_BIN` names no file: `{}`", path.display());
            Failure::new(Exit::Unavailable, what).hint("correct it, or unset it")
        });
    }
    let beside = env::current_exe()
        .ok()
        .and_then(|own| is_file(&own.with_file_name(BINARY)));
    beside.or_else(|| in_path(BINARY)).ok_or_else(|| {
        Failure::new(Exit::Unavailable, "no agent is running")
            .why(format!(
                "`{BINARY}` stands neither beside `valetkey` nor in `PATH`, so none can be started"
            ))
            .hint(format!(
                "install `{BINARY}`, or name it in `VALETKEY_AGENT_BIN`"
            ))
    })
}

/// The program of this name in `PATH`.
fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| is_file(&folder.join(name)))
}

fn is_file(path: &Path) -> Option<PathBuf> {
    path.is_file().then(|| path.to_owned())
}
