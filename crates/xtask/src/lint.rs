//! `cargo xtask lint`: what a reviewer should not have to look for.

use crate::machine::Consent;
use crate::shell::{self, Failure};
use crate::{arrows, house_rules, ui};

pub(crate) fn run() -> Result<(), Failure> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    rules("which crate may depend on which", arrows::broken()?)?;
    rules("names, sizes, nothing unfinished", house_rules::broken()?)?;
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
    shell::run(&mut shell::cargo(&clippy))?;
    deny()
}

fn rules(subject: &str, broken: Vec<String>) -> Result<(), Failure> {
    shell::say(&format!("\nhouse rules: {subject}"));
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::Rules(broken))
    }
}

/// Licences, duplicates and sources. Advisories need a database from the network: they have a job
/// of their own in the hosted CI.
fn deny() -> Result<(), Failure> {
    if shell::find_program("cargo-deny").is_none() {
        shell::say(
            "\nskipped: licences and sources (`cargo install --locked cargo-deny` brings the check)",
        );
        return Ok(());
    }
    let checks = ["deny", "--offline", "check", "bans", "licenses", "sources"];
    shell::run(&mut shell::cargo(&checks))
}
