//! The `valetkey-agent` process: how it starts, what it says, how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use valetkey_api::Patch;
use valetkey_api::agent::SettingsPatch;
use valetkey_api::client::Client;
use valetkey_api::clients::NewClient;
use valetkey_api::core::draft::DraftInput;
use valetkey_api::core::settings::LogLevel;

struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

fn agent(home: &Path, args: &[&str], vars: &[(&str, &str)]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"));
    command
        .args(args)
        .env_clear()
        .env("VALETKEY_HOME", home)
        .envs(vars.iter().copied());
    running(&mut command)
}

fn running(command: &mut Command) -> Running {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Running {
        stdout: BufReader::new(child.stdout.take().unwrap()),
        stderr: child.stderr.take().unwrap(),
        child,
    }
}

impl Running {
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no line: {line:?}"))
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// The exit code, and what it said to people.
    fn end(mut self) -> (i32, String) {
        let mut words = String::new();
        self.stderr.read_to_string(&mut words).unwrap();
        (self.child.wait().unwrap().code().unwrap(), words)
    }
}

/// A test that fails leaves no agent behind.
impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const MEMORY: &[&str] = &["--secret-store", "memory", "--port", "0"];
const BACKGROUND: &[&str] = &["--secret-store", "memory", "--port", "0", "--background"];

#[test]
fn it_says_where_it_listens_and_leaves_nothing_behind() {
    let home = TempDir::new().unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut running = agent(home.path(), MEMORY, &[]);
        let ready = running.line()["ready"].clone();
        assert_eq!(ready["pid"], running.child.id());
        let socket = Path::new(ready["socket"].as_str().unwrap());
        assert!(socket.exists());
        let endpoint = fs::read_to_string(home.path().join("endpoint.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&endpoint).unwrap(), ready);
        running.signal(signal);
        let (code, words) = running.end();
        assert_eq!(code, 0, "{words}");
        assert!(words.contains("nobody can be asked here"), "{words}");
        assert!(!socket.exists() && !home.path().join("endpoint.json").exists());
    }
}

#[test]
fn in_the_background_it_is_silent_and_outlives_the_terminal() {
    let home = TempDir::new().unwrap();
    let mut running = agent(home.path(), BACKGROUND, &[]);
    running.line();
    let mut rest = String::new();
    running.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "it lets go of the pipe");
    running.signal(Signal::HUP);
    let mut second = agent(home.path(), BACKGROUND, &[]);
    assert_eq!(
        second.line()["ready"]["pid"],
        running.child.id(),
        "the one that runs"
    );
    assert_eq!(second.end(), (0, String::new()));
    running.signal(Signal::TERM);
    assert_eq!(running.end(), (0, String::new()));
}

#[test]
fn two_that_start_at_once_are_one() {
    let home = TempDir::new().unwrap();
    let mut both = [
        agent(home.path(), BACKGROUND, &[]),
        agent(home.path(), BACKGROUND, &[]),
    ];
    let pids = both
        .each_mut()
        .map(|one| one.line()["ready"]["pid"].clone());
    assert_eq!(pids[0], pids[1]);
    for one in both {
        if pids[0] == one.child.id() {
            one.signal(Signal::TERM);
        }
        assert_eq!(one.end().0, 0);
    }
}

/// `su`, `cron` and `ssh` give the same user another runtime folder; the logins are the same.
#[test]
fn one_user_has_one_agent_whatever_the_runtime_folder() {
    let user = TempDir::new().unwrap();
    let seat = TempDir::new().unwrap();
    let start = |vars: &[(&str, &str)]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"));
        child
            .args(BACKGROUND)
            .env_clear()
            .env("HOME", user.path())
            .envs(vars.iter().copied());
        running(&mut child)
    };
    let mut seated = start(&[("XDG_RUNTIME_DIR", seat.path().to_str().unwrap())]);
    let pid = seated.line()["ready"]["pid"].clone();
    let mut cron = start(&[]);
    assert_eq!(cron.line()["ready"]["pid"], pid, "the one that runs");
    assert_eq!(cron.end().0, 0);
    seated.signal(Signal::TERM);
    assert_eq!(seated.end().0, 0);
}

/// Commands would reach the wrong agent, and the second would remove the socket of the first.
#[test]
fn two_homes_of_one_user_have_a_socket_each() {
    let (runtime, first_user, second_user) = (
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
    );
    let start = |user: &Path, data: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"));
        command
            .args(BACKGROUND)
            .env_clear()
            .env("HOME", user)
            .env("XDG_RUNTIME_DIR", runtime.path());
        if let Some(data) = data {
            command.env("XDG_DATA_HOME", data);
        }
        running(&mut command)
    };
    let mut first = start(first_user.path(), None);
    let mut others = [
        start(second_user.path(), None),
        start(first_user.path(), Some(second_user.path())),
    ];
    let socket = first.line()["ready"]["socket"].as_str().unwrap().to_owned();
    for other in &mut others {
        assert_ne!(other.line()["ready"]["socket"], socket.as_str());
    }
    for other in others {
        other.signal(Signal::TERM);
        assert_eq!(other.end().0, 0);
    }
    let mut client = Client::connect_to(socket.into(), None).unwrap();
    assert_eq!(client.status().unwrap().pid, first.child.id());
}

/// Every login would look lost there, and be marked so.
#[test]
fn a_home_with_secrets_is_not_opened_with_another_store() {
    let home = TempDir::new().unwrap();
    let passphrase = [("VALETKEY_PASSPHRASE", "correct horse")];
    let file = &["--secret-store", "file", "--port", "0"];
    let mut first = agent(home.path(), file, &passphrase);
    let socket = first.line()["ready"]["socket"].as_str().unwrap().to_owned();
    let mut client = Client::connect_to(socket.into(), None).unwrap();
    let github =
        r#"{"authenticator_type": "github", "client_id": "id", "client_secret": "s3cret"}"#;
    let github = DraftInput::from_json(github).unwrap();
    client.add_authenticator(&github).unwrap();
    first.signal(Signal::TERM);
    assert_eq!(first.end().0, 0);

    let mut other = agent(home.path(), MEMORY, &[]);
    assert_eq!(other.line()["failed"]["code"], "not_configured");
    let (code, words) = other.end();
    assert_eq!(code, 78, "{words}");
    assert!(words.contains("VALETKEY_SECRET_STORE=file"), "{words}");

    let mut again = agent(home.path(), file, &passphrase);
    assert!(again.line()["ready"].is_object());
}

#[test]
fn a_second_one_in_front_is_told_who_runs() {
    let home = TempDir::new().unwrap();
    let mut first = agent(home.path(), MEMORY, &[]);
    first.line();
    let mut second = agent(home.path(), MEMORY, &[]);
    assert_eq!(second.line()["failed"]["code"], "conflict");
    let (code, words) = second.end();
    assert_eq!(code, 1);
    assert!(
        words.contains(&format!("(process {})", first.child.id())),
        "{words}"
    );
    first.signal(Signal::TERM);
    first.end();
}

#[test]
fn what_is_not_configured_is_said_with_78() {
    let file: &[&str] = &["--secret-store", "file", "--port", "0"];
    let cases: [(&[&str], (&str, &str)); 7] = [
        (&[], ("VALETKEY_SECRET_STORE", "vault")),
        (MEMORY, ("VALETKEY_LOG", "loud")),
        (file, ("PATH", "/bin")),
        (file, ("VALETKEY_PASSPHRASE_FILE", "/nowhere")),
        (file, ("VALETKEY_KEY_FILE", "/nowhere")),
        (MEMORY, ("VALETKEY_HOME", "relative")),
        (MEMORY, ("VALETKEY_HOME", "/proc/nowhere")),
    ];
    for (args, var) in cases {
        let home = TempDir::new().unwrap();
        let mut failed = agent(home.path(), args, &[var]);
        let line = failed.line();
        assert_eq!(line["failed"]["code"], "not_configured", "{var:?}");
        let (code, words) = failed.end();
        assert_eq!(code, 78, "{var:?}");
        assert!(
            words.starts_with("error: ") && words.contains("\nhint: "),
            "{words}"
        );
    }
}

#[test]
fn without_a_keychain_it_says_so_and_names_the_choice() {
    let home = TempDir::new().unwrap();
    let nowhere = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")];
    let mut failed = agent(home.path(), &["--port", "0"], &nowhere);
    let line = failed.line();
    assert_eq!(line["failed"]["code"], "keychain_unavailable", "{line}");
    let (code, words) = failed.end();
    assert_eq!(code, 69);
    let (message, hint) = words.split_once("\n\nhint: ").unwrap();
    assert!(message.starts_with("error: no keychain"), "{words}");
    assert!(!message.contains("--secret-store"), "{words}");
    assert!(hint.contains("--secret-store file"), "{words}");
}

#[test]
fn the_secret_file_opens_only_with_its_passphrase() {
    let home = TempDir::new().unwrap();
    let file: &[&str] = &["--secret-store", "file", "--port", "0"];
    let start = |passphrase| agent(home.path(), file, &[("VALETKEY_PASSPHRASE", passphrase)]);
    let mut first = start("correct horse");
    assert!(first.line().get("ready").is_some());
    first.signal(Signal::TERM);
    assert_eq!(first.end().0, 0);
    let mut wrong = start("battery staple");
    let line = wrong.line();
    assert_eq!(line["failed"]["code"], "not_configured", "{line}");
    assert_eq!(wrong.end().0, 78);
}

#[test]
fn a_port_of_one_run_that_no_key_names_is_told() {
    let home = TempDir::new().unwrap();
    let first = agent(home.path(), MEMORY, &[]);
    let with_key = |mut running: Running, make: bool| {
        let socket = running.line()["ready"]["socket"].clone();
        let mut client = Client::connect_to(socket.as_str().unwrap().into(), None).unwrap();
        if make {
            let key = NewClient::default();
            client.create_client(&key).unwrap();
        }
        client.shutdown().unwrap();
        running.end().1
    };
    // The first key puts its port into the settings.
    let told = with_key(first, true);
    assert!(!told.contains("client keys"), "{told}");
    let told = with_key(agent(home.path(), MEMORY, &[]), false);
    assert!(
        told.contains("warning: client keys are used at port"),
        "{told}"
    );
}

#[test]
fn port_and_log_level_are_those_of_the_settings_unless_the_start_says_otherwise() {
    let home = TempDir::new().unwrap();
    let memory = &["--secret-store", "memory"];
    let asked_to_stop = || {
        let log = fs::read_to_string(home.path().join("oauth.log")).unwrap();
        log.matches("asked to stop").count()
    };
    let key = NewClient {
        name: None,
        connections: None,
        profile: None,
        manage: true,
        expires_in: None,
    };
    let run = |args: &[&str], vars: &[(&str, &str)], patch: SettingsPatch| {
        let mut running = agent(home.path(), args, vars);
        let ready = running.line()["ready"].clone();
        let socket = ready["socket"].as_str().unwrap();
        let mut client = Client::connect_to(socket.into(), None).unwrap();
        let status = client.status().unwrap();
        // While one is issued the port is that of the settings or none.
        if client.clients().unwrap().clients.is_empty() {
            client.create_client(&key).unwrap();
        }
        client.update_settings(&patch, true).unwrap();
        client.shutdown().unwrap();
        assert_eq!(running.end().0, 0);
        status
    };
    // Ours to the end: a port let go could be somebody else's by the time that it is wished for.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let wished = held.local_addr().unwrap().port();
    let level = |level| SettingsPatch {
        log_level: Some(level),
        ..SettingsPatch::default()
    };
    let silent = SettingsPatch {
        port: Patch::Set(wished.try_into().unwrap()),
        ..level(LogLevel::Error)
    };
    run(MEMORY, &[], silent);
    assert_eq!(asked_to_stop(), 0, "set to errors alone before");
    let unchanged = SettingsPatch::default;
    let status = run(memory, &[], unchanged());
    assert_eq!(status.port, None);
    let problem = status.port_problem.unwrap();
    assert!(problem.contains(&wished.to_string()), "{problem}");
    assert_eq!(asked_to_stop(), 0, "and from the start on");
    let loud = [("VALETKEY_LOG", "info")];
    let status = run(MEMORY, &loud, unchanged());
    assert!(status.port.is_some(), "{:?}", status.port_problem);
    assert_eq!(asked_to_stop(), 1, "the environment wins");
    run(MEMORY, &[], level(LogLevel::Info));
    assert_eq!(asked_to_stop(), 2, "at once");
}
