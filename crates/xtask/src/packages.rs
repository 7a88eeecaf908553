//! Installs missing Debian packages. With sudo only after the person agreed; on other systems it
//! names the packages and stops.

use std::io::{self, IsTerminal};
use std::process::Command;

use crate::command::{self, TaskError};
use crate::requirements::Requirement;

/// Whether packages may be installed without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// `--yes`, or CI, which nobody watches.
    Given,
    /// The person is asked.
    Ask,
}

impl Consent {
    /// From `--yes` and the variable that every CI sets.
    pub(crate) fn from_flag(yes: bool) -> Self {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        if yes || is_ci { Self::Given } else { Self::Ask }
    }
}

/// Installs the packages of the requirements that are missing.
pub(crate) fn prepare(requirements: &[Requirement], consent: Consent) -> Result<(), TaskError> {
    let missing: Vec<_> = requirements.iter().filter(|it| !it.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    command::print("Missing on this machine:");
    for requirement in &missing {
        let name = requirement.programs[0];
        command::print(&format!("  {name:<24} {}", requirement.purpose));
    }
    let packages: Vec<_> = missing.iter().map(|it| it.package).collect();
    if command::find_program("apt-get").is_none() {
        return Err(TaskError::Message(format!(
            "this is no Debian-like system, so nothing was installed\n\n\
             hint: install what Debian calls `{}`, then run this again",
            packages.join(" ")
        )));
    }
    install(&packages, consent)?;
    match missing.iter().find(|it| !it.is_met()) {
        None => Ok(()),
        Some(requirement) => Err(TaskError::Message(format!(
            "`{}` is still missing after package `{}` was installed",
            requirement.programs[0], requirement.package
        ))),
    }
}

fn install(packages: &[&str], consent: Consent) -> Result<(), TaskError> {
    let is_root = rustix::process::geteuid().is_root();
    let command = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if !is_root && consent == Consent::Ask && !confirm(&command) {
        return Err(TaskError::Message(format!(
            "nothing was installed\n\nhint: run `sudo {command}`, then this again"
        )));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.arg("apt-get");
        }
        // Packages must not ask questions of their own.
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments);
        command::run(&mut command)
    };
    apt(&["update", "--quiet=2"])?;
    let mut arguments = vec!["install", "--yes", "--quiet=2", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    apt(&arguments)
}

/// False where standard input is no terminal.
fn confirm(command: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    command::print(&format!("\nInstall with `sudo {command}`? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
