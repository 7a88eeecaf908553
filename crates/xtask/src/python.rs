//! The Python programs of the tests: a virtual environment in `target/python`, with the versions that
//! `tests/python/requirements.txt` names.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::binaries;
use crate::command::{self, TaskError};

/// Installs what the file names, if it is not there. Returns the variable that names schemathesis.
pub(crate) fn prepare() -> Result<(&'static str, PathBuf), TaskError> {
    let requirements = command::repository().join("tests/python/requirements.txt");
    let folder = binaries::target_folder()?.join("python");
    let programs = folder.join("bin");
    // Copied last, so that an interrupted installation is begun anew.
    let installed = folder.join("requirements.txt");
    let text = |file| fs::read(file).ok();
    if text(&installed) != text(&requirements) {
        let mut create = Command::new("python3");
        command::run(create.args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(programs.join("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        command::run(pip.arg("--requirement").arg(&requirements))?;
        fs::copy(&requirements, &installed).map_err(|error| {
            TaskError::Message(format!("cannot write {}: {error}", installed.display()))
        })?;
    }
    Ok(("VALETKEY_SCHEMATHESIS_BIN", programs.join("schemathesis")))
}
