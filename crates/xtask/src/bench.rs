//! `cargo xtask bench`: release builds, measured beside a bare server and `/bin/true`.

use clap::Args;

use crate::binaries;
use crate::shell::{self, Failure};

/// Measure the budgets.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A short run, to see that it works
    #[arg(long)]
    quick: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let binaries = binaries::build_release()?;
        let mut bench = shell::cargo(&["bench", "-p", "valetkey-tests", "--bench", "budgets"]);
        if self.quick {
            bench.args(["--", "--quick"]);
        }
        shell::run(bench.envs(binaries))
    }
}
