//! `cargo xtask install`: builds the programs as they ship and installs them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::Consent;
use crate::ui;

/// Build and install the programs.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// With the desktop app and its demo provider
    #[arg(long)]
    desktop: bool,
    /// Install into DIR/bin [default: ~/.local]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Install {
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let folder = self.folder()?;
        let page = self
            .desktop
            .then(|| ui::prepare(Consent::from_flag(self.yes)));
        page.transpose()?;
        let mut programs = binaries::build_release()?;
        if self.desktop {
            programs.push(binaries::build_release_provider()?);
            programs.push(binaries::build_release_desktop()?);
        }
        for (_, program) in programs {
            let installed = install(&program, &folder).map_err(|error| {
                TaskError::Message(format!("cannot write to {}: {error}", folder.display()))
            })?;
            command::print(&format!("installed {}", installed.display()));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|known| known == folder) {
            command::print(&format!("\nhint: {} is not in PATH", folder.display()));
        }
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf, TaskError> {
        let root = match &self.root {
            Some(root) => root.clone(),
            None => std::env::home_dir()
                .ok_or_else(|| TaskError::Message("no home folder; use `--root DIR`".to_owned()))?
                .join(".local"),
        };
        Ok(root.join("bin"))
    }
}

/// Replaces the program in one step; a running one keeps its file.
fn install(program: &Path, folder: &Path) -> io::Result<PathBuf> {
    let name = program.file_name().expect("a file in a folder");
    let (installed, mut new) = (folder.join(name), name.to_owned());
    new.push(".new");
    let new = folder.join(new);
    fs::create_dir_all(folder)?;
    fs::copy(program, &new)?;
    fs::rename(&new, &installed)?;
    Ok(installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_is_replaced() {
        let folder = std::env::temp_dir().join(format!("valetkey-install-{}", std::process::id()));
        let installed = install(Path::new("/bin/sleep"), &folder).expect("our own folder");
        let mut running = std::process::Command::new(&installed)
            .arg("60")
            .spawn()
            .expect("an executable copy");
        install(Path::new("/bin/sleep"), &folder).expect("the old file stays with its process");
        assert!(running.try_wait().expect("our own child").is_none());
        running.kill().expect("our own child");
        running.wait().expect("our own child");
        fs::remove_dir_all(&folder).expect("our own folder");
    }
}
