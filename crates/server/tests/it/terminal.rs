//! The agent at a terminal (a pty).

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

/// A terminal: the person's end, and the program's.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let program = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(person), program)
}

fn read_until(person: &mut File, text: &str) -> String {
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains(text) {
        let mut bytes = [0; 256];
        let read = person.read(&mut bytes).unwrap();
        shown.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn at_a_terminal_it_speaks_to_a_person_only() {
    let home = TempDir::new().unwrap();
    let (mut person, program) = terminal();
    let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"))
        .args(["--secret-store", "memory", "--port", "0"])
        .env_clear()
        .env("VALETKEY_HOME", home.path())
        .stdin(program.try_clone().unwrap())
        .stdout(program.try_clone().unwrap())
        .stderr(program)
        .spawn()
        .unwrap();
    let shown = read_until(&mut person, "Ctrl-C ends it");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    // The terminal is gone once the last program has closed it, which reads as an error.
    person.read_to_string(&mut rest).ok();
    let shown = shown + &rest;
    assert!(!shown.contains('{'), "{shown}");
    assert!(
        shown.starts_with(&format!(
            "Valet Key {} serves this user's programs",
            env!("CARGO_PKG_VERSION")
        )),
        "{shown}"
    );
}

#[test]
fn a_signal_at_the_passphrase_prompt_gives_the_terminal_back() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let home = TempDir::new().unwrap();
        let (mut person, terminal) = terminal();
        let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"))
            .args(["--secret-store", "file", "--port", "0"])
            .env_clear()
            .env("VALETKEY_HOME", home.path())
            .stdin(terminal.try_clone().unwrap())
            .stdout(Stdio::null())
            .stderr(terminal.try_clone().unwrap())
            .spawn()
            .unwrap();
        let echoes = || {
            let modes = tcgetattr(&terminal).unwrap().local_modes;
            modes.contains(LocalModes::ECHO)
        };
        read_until(&mut person, "secret file: ");
        while echoes() {
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(echoes(), "{signal:?}");
    }
}
