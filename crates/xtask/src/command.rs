//! Runs other programs. The only module that prints.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program could not be started.
    #[error("`{program}` could not be started: {source}")]
    NotStarted { program: String, source: io::Error },
    /// A program ended with an error, which it has printed.
    #[error("`{0}` failed")]
    ExitStatus(String),
    /// Anything else, as the person reads it.
    #[error("{0}")]
    Message(String),
    /// One of our own rules is broken.
    #[error("{} broken:\n{}", plural(.0.len()), .0.join("\n"))]
    BrokenRules(Vec<String>),
}

fn plural(count: usize) -> String {
    match count {
        1 => "1 rule is".to_owned(),
        _ => format!("{count} rules are"),
    }
}

/// Prints to standard error: standard output is for the data of the programs that we run.
pub(crate) fn print(text: &str) {
    // A closed stderr must not end a task.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints the command and runs it with our own streams.
pub(crate) fn run(command: &mut Command) -> Result<(), TaskError> {
    let line = line(command);
    print(&format!("\n$ {line}"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(TaskError::ExitStatus(line)),
        Err(source) => Err(not_started(command, source)),
    }
}

/// Runs it and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, TaskError> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            print(&String::from_utf8_lossy(&output.stderr));
            Err(TaskError::ExitStatus(line(command)))
        }
        Err(source) => Err(not_started(command, source)),
    }
}

/// The `cargo` that runs us, in the root of the repository.
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

fn not_started(command: &Command, source: io::Error) -> TaskError {
    let program = command.get_program().to_string_lossy().into_owned();
    TaskError::NotStarted { program, source }
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
