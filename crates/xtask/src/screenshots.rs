//! `cargo xtask screenshots`: the README's pictures, of the app as it is now.

use clap::Args;

use crate::binaries;
use crate::machine::{self, Consent};
use crate::needs;
use crate::shell::{self, Failure};
use crate::ui;

/// Take the pictures.
#[derive(Debug, Args)]
pub(crate) struct Screenshots {
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Screenshots {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let consent = Consent::from_flag(self.yes);
        machine::prepare(needs::TESTS, consent)?;
        let node = ui::prepare(consent)?;
        node.install_packages("tests/node")?;
        let binaries = binaries::build_all()?;
        let folder = shell::repository().join(".github/pictures");
        let mut take = shell::cargo(&["run", "-p", "valetkey-tests", "--bin", "screenshots", "--"]);
        take.arg(folder).envs(binaries);
        shell::run(node.on_path(&mut take))
    }
}
