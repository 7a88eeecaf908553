//! The agent at a terminal (a pty).

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

#[test]
fn a_signal_at_the_passphrase_prompt_gives_the_terminal_back() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let home = TempDir::new().unwrap();
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let mut person = File::from(person);
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
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
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains("secret file: ") {
            let mut bytes = [0; 256];
            let read = person.read(&mut bytes).unwrap();
            shown.extend_from_slice(&bytes[..read]);
        }
        while echoes() {
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(echoes(), "{signal:?}");
    }
}
