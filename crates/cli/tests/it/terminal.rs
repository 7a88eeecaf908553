//! At a terminal (a pty): what is asked, and what is not shown.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::json;

use crate::add::saved;
use crate::connect::{completed, provider};
use crate::stub::Stub;

/// A terminal; `valetkey` gets its one end as stdin and stderr.
struct Terminal {
    person: File,
    program: File,
}

impl Terminal {
    fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let program = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        Self {
            person: person.into(),
            program,
        }
    }

    fn spawn(&self, mut command: Command) -> Child {
        let end = || self.program.try_clone().unwrap();
        command
            .env("NO_COLOR", "1")
            .stdin(end())
            .stderr(end())
            .spawn()
            .unwrap()
    }

    /// What is shown, until `text` is.
    fn read_until(&mut self, text: &str) -> String {
        let mut shown = Vec::new();
        let mut bytes = [0; 1024];
        loop {
            let read = self.person.read(&mut bytes).unwrap();
            shown.extend_from_slice(&bytes[..read]);
            let shown = String::from_utf8_lossy(&shown);
            if shown.contains(text) {
                return shown.into_owned();
            }
        }
    }

    fn takes_lines(&self) -> bool {
        tcgetattr(&self.program)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.program)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
    }
}

fn agent() -> Stub {
    Stub::new(|_| Some((201, saved())))
}

#[test]
fn a_secret_is_typed_without_being_shown() {
    let (agent, mut terminal) = (agent(), Terminal::new());
    let mut child = terminal.spawn(agent.command("add google --client-id x --client-secret-stdin"));
    terminal.read_until("client secret (it is not shown): ");
    assert!(!terminal.echoes());
    terminal.person.write_all(b"s3cret\n").unwrap();
    let shown = terminal.read_until("sign in with");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(agent.requests()[0].body["client_secret"], "s3cret");
    assert!(terminal.echoes());
}

#[test]
fn ctrl_c_gives_the_terminal_back() {
    let (agent, mut terminal) = (agent(), Terminal::new());
    let mut child = terminal.spawn(agent.command("add google --client-id x --client-secret-stdin"));
    terminal.read_until("client secret");
    assert!(!terminal.echoes());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(terminal.echoes());
}

#[test]
fn a_better_redirect_uri_is_offered_and_taken() {
    for (answer, taken) in [
        ("\n", "http://127.0.0.1/callback"),
        ("n\n", "https://ada.example/cb"),
    ] {
        let (agent, mut terminal) = (agent(), Terminal::new());
        let path = agent.home().join("google.json");
        let config = json!({
            "authenticator_type": "google", "client_id": "x", "client_secret": "s",
            "redirect_uri": "https://ada.example/cb"
        });
        fs::write(&path, config.to_string()).unwrap();
        let mut command = agent.command("add --config");
        command.arg(&path);
        let mut child = terminal.spawn(command);
        let shown = terminal.read_until("[Y/n] ");
        assert!(
            shown.contains("use `http://127.0.0.1/callback` instead?"),
            "{shown}"
        );
        terminal.person.write_all(answer.as_bytes()).unwrap();
        terminal.read_until("sign in with");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(agent.requests()[0].body["redirect_uri"], taken);
    }
}

#[test]
fn an_address_longer_than_a_line_of_the_terminal_arrives_whole() {
    let agent = provider(|request| {
        let is_pasted = request.line.starts_with("POST");
        is_pasted.then(|| (200, completed()))
    });
    let mut terminal = Terminal::new();
    let mut command = agent.command("connect github --no-browser");
    command.stdout(std::process::Stdio::null());
    let mut child = terminal.spawn(command);
    terminal.read_until("Ctrl-C cancels");
    let url = format!(
        "http://127.0.0.1:40111/callback?code={}&state=x",
        "c".repeat(9_000)
    );
    // Somebody has to read the echo, or the terminal stops.
    let mut echo = terminal.person.try_clone().unwrap();
    std::thread::spawn(move || while echo.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {});
    terminal
        .person
        .write_all(format!("x\x7f{url}\n").as_bytes())
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let pasted = agent
        .requests()
        .into_iter()
        .find(|request| request.body["url"].is_string());
    assert_eq!(pasted.unwrap().body["url"], url);
    assert!(terminal.takes_lines());
}

#[test]
fn an_address_is_taken_while_the_browser_is_open() {
    let agent = provider(|request| {
        let is_pasted = request.line.starts_with("POST");
        is_pasted.then(|| (200, completed()))
    });
    let mut terminal = Terminal::new();
    let mut command = agent.command("connect github");
    command
        .env("BROWSER", "true")
        .stdout(std::process::Stdio::null());
    let mut child = terminal.spawn(command);
    let shown = terminal.read_until("Ctrl-C cancels");
    assert!(shown.contains("paste its whole address here"), "{shown}");
    let url = "http://127.0.0.1:40111/callback?code=c&state=x";
    terminal
        .person
        .write_all(format!("{url}\n").as_bytes())
        .unwrap();
    terminal.read_until("signed in");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let pasted = agent
        .requests()
        .into_iter()
        .find(|request| request.body["url"].is_string());
    assert_eq!(pasted.unwrap().body["url"], url);
}

#[test]
fn a_sign_in_that_is_interrupted_gives_the_terminal_back() {
    let agent = provider(|_| None);
    let mut terminal = Terminal::new();
    let mut command = agent.command("connect github --no-browser");
    command.stdout(std::process::Stdio::null());
    let mut child = terminal.spawn(command);
    terminal.read_until("Ctrl-C cancels");
    assert!(!terminal.takes_lines());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(terminal.takes_lines());
}

#[test]
fn a_source_that_changed_after_it_was_shown_is_not_imported() {
    let agent = crate::import::agent_with(&["mail"]);
    let path = agent.home().join("file");
    let text = r#"{"authenticators": [{"authenticator_type": "google", "name": "mail", "client_id": "1",
        "client_secret": "GOCSPX-1"}]}"#;
    fs::write(&path, text).unwrap();
    let mut command = agent.command("import");
    command.arg(&path);
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(command);
    terminal.read_until("(s)kip, (r)eplace it or (n)ame this one otherwise?");
    terminal.person.write_all(b"n\n").unwrap();
    terminal.read_until("its name:");
    terminal.person.write_all(b"second\n").unwrap();
    terminal.read_until("import 1?");
    fs::write(&path, text.replace("\"1\"", "\"2\"")).unwrap();
    terminal.person.write_all(b"y\n").unwrap();
    terminal.read_until("was changed after it was shown");
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert!(agent.lines().iter().all(|line| line.starts_with("GET ")));
}

#[test]
fn a_new_passphrase_is_typed_twice_and_not_shown() {
    let exported = json!({"authenticators": [{"authenticator_type": "github", "client_id": "a"}]});
    let agent = Stub::new(move |_| Some((200, exported.clone())));
    let path = agent.home().join("all.age");
    let mut command = agent.command("export --with-secrets --output");
    command.arg(&path);
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(command);
    for (first, again) in [("one", "two"), ("three", "three")] {
        terminal.read_until("passphrase for the file");
        assert!(!terminal.echoes());
        writeln!(terminal.person, "{first}").unwrap();
        terminal.read_until("once more");
        writeln!(terminal.person, "{again}").unwrap();
    }
    let shown = terminal.read_until("wrote 1 authenticator");
    assert!(!shown.contains("three"), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("-----BEGIN AGE"), "{text}");
}

#[test]
fn ctrl_c_ends_it_after_a_hidden_line_too() {
    let agent = Stub::new(|_| None);
    let path = agent.home().join("secret");
    let mut command = agent.command("add github --client-id a --client-secret-stdin");
    command.stdout(File::create(path).unwrap());
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(command);
    terminal.read_until("client secret");
    terminal.person.write_all(b"s3cret\n").unwrap();
    while agent.requests().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "the signal ended it");
}
