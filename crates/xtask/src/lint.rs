//! `cargo xtask lint`: format, our own rules, clippy, licences.

use crate::command::{self, TaskError};
use crate::packages::Consent;
use crate::{dependency_rules, source_rules, ui};

pub(crate) fn run() -> Result<(), TaskError> {
    command::run(&mut command::cargo(&["fmt", "--all", "--check"]))?;
    rules("dependencies between crates", dependency_rules::broken()?)?;
    rules("source files", source_rules::broken()?)?;
    // The desktop app compiles the page in, so linting it needs both.
    let node = ui::prepare(Consent::from_flag(false))?;
    ui::lint(&node)?;
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    command::run(&mut command::cargo(&clippy))?;
    deny()
}

fn rules(subject: &str, broken: Vec<String>) -> Result<(), TaskError> {
    command::print(&format!("\nrules: {subject}"));
    if broken.is_empty() {
        Ok(())
    } else {
        Err(TaskError::BrokenRules(broken))
    }
}

/// Licences, duplicates and sources. Advisories need a database from the network, so the hosted CI
/// checks them in a separate job.
fn deny() -> Result<(), TaskError> {
    if command::find_program("cargo-deny").is_none() {
        command::print(
            "\nskipped: licences and sources (`cargo install --locked cargo-deny` adds the check)",
        );
        return Ok(());
    }
    let checks = ["deny", "--offline", "check", "bans", "licenses", "sources"];
    command::run(&mut command::cargo(&checks))
}
