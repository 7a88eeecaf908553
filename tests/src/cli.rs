//! The `valetkey` command.

use std::process::Command;

use serde_json::Value;

use crate::agent::binary;
use crate::desktop::Desktop;
use crate::process::{Running, Stream};

/// The result of one run of `valetkey`.
#[derive(Debug)]
pub struct CommandOutput {
    /// The exit code; None if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A `valetkey` command on this desktop.
pub fn command(desktop: &Desktop, arguments: &[&str]) -> Command {
    let mut command = desktop.command(binary("VALETKEY_BIN"));
    command.args(arguments);
    command
}

/// Starts `valetkey`, for commands that wait for a person.
pub fn start(desktop: &Desktop, arguments: &[&str]) -> Running {
    Running::start(&mut command(desktop, arguments))
}

/// Runs `valetkey` to its end.
pub fn run(desktop: &Desktop, arguments: &[&str]) -> CommandOutput {
    run_with_input(desktop, arguments, "")
}

/// As [`run`], for what must succeed.
pub fn ok(desktop: &Desktop, arguments: &[&str]) -> CommandOutput {
    let output = run(desktop, arguments);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    output
}

/// As [`run`], with standard input.
pub fn run_with_input(desktop: &Desktop, arguments: &[&str], input: &str) -> CommandOutput {
    let mut running = start(desktop, arguments);
    if !input.is_empty() {
        running.write(input);
    }
    running.close_stdin();
    finish(running)
}

/// Waits until a started one has ended.
pub fn finish(mut running: Running) -> CommandOutput {
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
    CommandOutput {
        code: status.code(),
        stdout: text(Stream::Stdout),
        stderr: text(Stream::Stderr),
    }
}

impl CommandOutput {
    /// Stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\n{}", self.stdout, self.stderr))
    }
}
