//! `cargo xtask test`: every test, from a fresh clone.
//!
//! The end-to-end tests run the real binaries and get their paths by environment, so they can be
//! run against any build. The agent is built twice: as it ships, and with the `failpoints` that
//! the crash tests need; both share one target folder, so only three crates are compiled twice.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::{self, Consent};
use crate::python;
use crate::requirements;
use crate::ui;

/// Run every test.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
    /// Arguments for `cargo nextest run`, such as a filter: `-- -E 'test(/refresh/)'`
    #[arg(last = true)]
    nextest: Vec<String>,
}

impl Test {
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let consent = Consent::from_flag(self.yes);
        packages::prepare(requirements::TESTS, consent)?;
        let node = ui::prepare(consent)?;
        install_nextest()?;
        node.install_packages("tests/node")?;
        ui::test(&node)?;
        let mut binaries = build()?;
        binaries.push(python::prepare()?);
        if self.nextest.is_empty() {
            command::run(&mut command::cargo(&["test", "--workspace", "--doc"]))?;
        }
        // Last, so that the output ends with its summary.
        let mut tests = command::cargo(&["nextest", "run", "--workspace"]);
        tests.args(&self.nextest).envs(binaries);
        command::run(node.on_path(&mut tests))
    }
}

fn install_nextest() -> Result<(), TaskError> {
    match command::find_program("cargo-nextest") {
        Some(_) => Ok(()),
        None => command::run(&mut command::cargo(&[
            "install",
            "--locked",
            "cargo-nextest",
        ])),
    }
}

/// Builds the binaries, the agent also with failpoints; returns the variables that name them.
fn build() -> Result<Vec<(&'static str, PathBuf)>, TaskError> {
    let target = binaries::target_folder()?;
    let with_failpoints = target.join("failpoints").join("valetkey-agent");
    let features = ["--features", "valetkey-server/failpoints"];
    command::run(command::cargo(&["build", "--workspace", "--bins"]).args(features))?;
    copy(&target.join("debug/valetkey-agent"), &with_failpoints)?;
    let mut paths = binaries::build_all()?;
    paths.push(("VALETKEY_FAILPOINT_AGENT_BIN", with_failpoints));
    Ok(paths)
}

fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    let folder = to.parent().expect("a file in a folder");
    fs::create_dir_all(folder)
        // A copy that still runs cannot be overwritten, but it can be removed.
        .and_then(|()| match fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => fs::copy(from, to).map(drop),
        })
        .map_err(|error| TaskError::Message(format!("cannot write {}: {error}", to.display())))
}
