//! The `valetkey` command.

use std::process::Command;

use serde_json::Value;

use crate::agent::binary;
use crate::desktop::Desktop;
use crate::process::{Running, Stream};

/// What one run of `valetkey` came to.
#[derive(Debug)]
pub struct Said {
    /// The exit code; None if a signal ended it.
    pub code: Option<i32>,
    /// Data.
    pub stdout: String,
    /// Words.
    pub stderr: String,
}

/// A `valetkey` command on this desktop.
pub fn command(desktop: &Desktop, arguments: &[&str]) -> Command {
    let mut command = desktop.command(binary("VALETKEY_BIN"));
    command.args(arguments);
    command
}

/// Starts `valetkey`, for verbs that wait for the person.
pub fn start(desktop: &Desktop, arguments: &[&str]) -> Running {
    Running::start(&mut command(desktop, arguments))
}

/// Runs `valetkey` to its end.
pub fn run(desktop: &Desktop, arguments: &[&str]) -> Said {
    run_with_input(desktop, arguments, "")
}

/// As [`run`], for what must succeed.
pub fn ok(desktop: &Desktop, arguments: &[&str]) -> Said {
    let said = run(desktop, arguments);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    said
}

/// As [`run`], with standard input.
pub fn run_with_input(desktop: &Desktop, arguments: &[&str], input: &str) -> Said {
    let mut running = start(desktop, arguments);
    if !input.is_empty() {
        running.write(input);
    }
    running.close_stdin();
    finish(running)
}

/// Waits for the end of a started one.
pub fn finish(mut running: Running) -> Said {
    let status = running.wait();
    let text = |stream| {
        let lines = running.finished_lines();
        let mut text = String::new();
        for line in lines.iter().filter(|line| line.stream == stream) {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    };
    Said {
        code: status.code(),
        stdout: text(Stream::Stdout),
        stderr: text(Stream::Stderr),
    }
}

impl Said {
    /// The data as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\n{}", self.stdout, self.stderr))
    }
}
