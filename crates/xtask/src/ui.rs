//! The page in the window: built by npm into `ui/dist`, which the desktop app compiles in.

use std::process::Command;

use crate::machine::{self, Consent};
use crate::needs::{self, OLDEST_NODE};
use crate::shell::{self, Failure};

/// Sees to it that the desktop app can be built: its libraries, and the page that it shows.
pub(crate) fn prepare(consent: Consent) -> Result<(), Failure> {
    machine::prepare(needs::DESKTOP, consent)?;
    refuse_an_old_node()?;
    shell::npm_install("ui")?;
    npm("build")
}

/// Types, words and logic of the page.
pub(crate) fn test() -> Result<(), Failure> {
    npm("check")?;
    npm("test")
}

fn npm(script: &str) -> Result<(), Failure> {
    let folder = shell::repository().join("ui");
    let mut npm = Command::new("npm");
    shell::run(npm.args(["run", script]).current_dir(folder))
}

fn refuse_an_old_node() -> Result<(), Failure> {
    match needs::node_version() {
        Some(version) if version >= OLDEST_NODE => Ok(()),
        found => Err(Failure::Stopped(format!(
            "the test servers need Node.js {OLDEST_NODE} or newer; here is {}\n\n\
             hint: install a newer one (https://nodejs.org), then run this again",
            found.map_or("one of unknown version".to_owned(), |it| it.to_string())
        ))),
    }
}
