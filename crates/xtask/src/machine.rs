//! Installing what is missing. Nothing is installed with sudo before the person said yes, and on a
//! system that we do not know we name what is missing and stop.

use std::io::{self, IsTerminal};
use std::process::Command;

use crate::needs::Need;
use crate::shell::{self, Failure};

/// May packages be installed without a question?
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

/// Sees to it that every need is met.
pub(crate) fn prepare(needs: &[Need], consent: Consent) -> Result<(), Failure> {
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    shell::say("Missing on this machine:");
    for need in &missing {
        shell::say(&format!("  {:<24} {}", need.programs[0], need.purpose));
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    if shell::find_program("apt-get").is_none() {
        return Err(Failure::Stopped(format!(
            "this is no Debian-like system, so nothing was installed\n\n\
             hint: install what Debian calls `{}`, then run this again",
            packages.join(" ")
        )));
    }
    install(&packages, consent)?;
    match missing.iter().find(|need| !need.is_met()) {
        None => Ok(()),
        Some(need) => Err(Failure::Stopped(format!(
            "`{}` is still missing after package `{}` was installed",
            need.programs[0], need.package
        ))),
    }
}

fn install(packages: &[&str], consent: Consent) -> Result<(), Failure> {
    let is_root = rustix::process::geteuid().is_root();
    let command = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if !is_root && consent == Consent::Ask && !says_yes(&command) {
        return Err(Failure::Stopped(format!(
            "nothing was installed\n\nhint: run `sudo {command}`, then this again"
        )));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.arg("apt-get");
        }
        // No package asks a question of its own in the middle.
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments);
        shell::run(&mut command)
    };
    apt(&["update", "--quiet=2"])?;
    let mut arguments = vec!["install", "--yes", "--quiet=2", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    apt(&arguments)
}

/// Where nobody can answer, the answer is no.
fn says_yes(command: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    shell::say(&format!("\nInstall with `sudo {command}`? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
