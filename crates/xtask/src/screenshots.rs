//! `cargo xtask screenshots`: takes the README's pictures of the app.

use clap::Args;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::{self, Consent};
use crate::requirements;
use crate::ui;

/// Take the pictures.
#[derive(Debug, Args)]
pub(crate) struct Screenshots {
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Screenshots {
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let consent = Consent::from_flag(self.yes);
        packages::prepare(requirements::TESTS, consent)?;
        let node = ui::prepare(consent)?;
        node.install_packages("tests/node")?;
        let binaries = binaries::build_all()?;
        let folder = command::repository().join(".github/pictures");
        let mut take =
            command::cargo(&["run", "-p", "valetkey-tests", "--bin", "screenshots", "--"]);
        take.arg(folder).envs(binaries);
        command::run(node.on_path(&mut take))
    }
}
