//! Python with the packages of `tests/python/requirements.txt`.

use std::path::Path;
use std::process::Command;

use crate::agent::binary;
use crate::desktop::Desktop;

/// Runs a script of `tests/python` with those packages.
pub fn command(desktop: &Desktop, script: &str) -> Command {
    // They are in one environment.
    let python = binary("VALETKEY_SCHEMATHESIS_BIN").with_file_name("python");
    let mut command = desktop.command(python);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    command.arg(scripts.join(script));
    command
}
