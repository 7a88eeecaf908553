//! Running other programs, and the one place that prints.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A program could not be started.
    #[error("`{program}` could not be started: {source}")]
    NotStarted { program: String, source: io::Error },
    /// A program that we ran said no; it has printed why.
    #[error("`{0}` failed")]
    Failed(String),
    /// The person has to do something first.
    #[error("{0}")]
    Stopped(String),
    /// A rule of the house is broken.
    #[error("{} broken:\n{}", plural(.0.len()), .0.join("\n"))]
    Rules(Vec<String>),
}

fn plural(count: usize) -> String {
    match count {
        1 => "1 house rule is".to_owned(),
        _ => format!("{count} house rules are"),
    }
}

/// Says something to the person. Standard error: data of the programs we run goes to stdout.
pub(crate) fn say(words: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Runs it in front of the person, who sees the command first.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = line(command);
    say(&format!("\n$ {line}"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::Failed(line)),
        Err(source) => Err(not_started(command, source)),
    }
}

/// Runs it and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            say(&String::from_utf8_lossy(&output.stderr));
            Err(Failure::Failed(line(command)))
        }
        Err(source) => Err(not_started(command, source)),
    }
}

/// `cargo`, the one that runs us, in the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(repository());
    command
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = crates.and_then(Path::parent);
    root.expect("this file stands two folders below the root")
        .to_owned()
}

/// The file of this name in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}

fn not_started(command: &Command, source: io::Error) -> Failure {
    let program = command.get_program().to_string_lossy().into_owned();
    Failure::NotStarted { program, source }
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
