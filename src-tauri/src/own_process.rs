//! This program once more, in a process of its own: a desktop's event loop, or a web engine, that
//! ends without ending the app.

use std::process::Command;

#[cfg_attr(unix, path = "own_process/pipes_unix.rs")]
#[cfg_attr(not(unix), path = "own_process/pipes_other.rs")]
mod pipes;

pub(crate) use pipes::take_pipes;

/// This very program. On Linux the one that runs, also after an upgrade has put another in its
/// place: the two would not understand each other.
#[cfg(target_os = "linux")]
pub(crate) fn command() -> Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = Command::new("/proc/self/exe");
    // Desktops name windows by it.
    command.arg0(env!("CARGO_PKG_NAME"));
    command
}

/// This very program.
#[cfg(not(target_os = "linux"))]
pub(crate) fn command() -> Command {
    Command::new(std::env::current_exe().unwrap_or_else(|_| env!("CARGO_PKG_NAME").into()))
}
