//! `cargo xtask bench`: release builds, measured beside a bare server and `/bin/true`.

use clap::Args;

use crate::binaries;
use crate::machine::{self, Consent};
use crate::needs;
use crate::shell::{self, Failure};
use crate::ui;

/// Measure the budgets.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A short run, to see that it works
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
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut binaries = binaries::build_release()?;
        binaries.push(binaries::build_release_provider()?);
        let mut bench =
            shell::cargo(&["bench", "-p", "valetkey-tests", "--bench", "budgets", "--"]);
        if self.desktop {
            let consent = Consent::from_flag(self.yes);
            machine::prepare(needs::TESTS, consent)?;
            ui::prepare(consent)?;
            binaries.push(binaries::build_release_desktop()?);
            bench.arg("desktop");
        }
        if self.quick {
            bench.arg("--quick");
        }
        shell::run(bench.envs(binaries))
    }
}
