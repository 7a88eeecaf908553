//! This program as a child process: a desktop event loop, or a web engine, that ends without ending
//! the app.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

mod pipes;

pub(crate) use pipes::take_pipes;

/// This very program, also after an upgrade has replaced its file: versions that differ may not
/// understand each other.
pub(crate) fn command() -> Command {
    let mut command = Command::new("/proc/self/exe");
    without_passphrase(&mut command);
    // Desktops show it as the name of the window.
    command.arg0(env!("CARGO_PKG_NAME"));
    command
}

/// Keeps the passphrase of the encrypted file out of the environment of a child process, where every
/// program of the user can read it.
pub(crate) fn without_passphrase(command: &mut Command) {
    for variable in [
        "VALETKEY_PASSPHRASE",
        "VALETKEY_PASSPHRASE_FILE",
        "VALETKEY_KEY_FILE",
    ] {
        command.env_remove(variable);
    }
}
