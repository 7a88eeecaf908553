//! `cargo xtask bench`: measures release builds beside a bare server and `/bin/true`.

use clap::Args;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::{self, Consent};
use crate::requirements;
use crate::ui;

/// Measure the budgets.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A short run that checks the benchmark itself
    #[arg(long)]
    quick: bool,
    /// The desktop app instead of the agent
    #[arg(long)]
    desktop: bool,
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let mut binaries = binaries::build_release()?;
        binaries.push(binaries::build_release_provider()?);
        let mut bench =
            command::cargo(&["bench", "-p", "valetkey-tests", "--bench", "budgets", "--"]);
        if self.desktop {
            let consent = Consent::from_flag(self.yes);
            packages::prepare(requirements::TESTS, consent)?;
            ui::prepare(consent)?;
            binaries.push(binaries::build_release_desktop()?);
            bench.arg("desktop");
        }
        if self.quick {
            bench.arg("--quick");
        }
        command::run(bench.envs(binaries))
    }
}
