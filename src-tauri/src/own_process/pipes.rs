//! The pipes to the app, out of the reach of what this process starts: a web engine's processes would
//! inherit them as their stdin and stdout, and whoever may open those could speak as the window.

use std::fs::File;
use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

/// What the app says, and where it hears.
pub(crate) struct Pipes {
    pub(crate) from_app: File,
    pub(crate) to_app: File,
}

/// Takes stdin and stdout for this process alone; call it before anything else is started. What
/// prints goes to stderr from now on.
pub(crate) fn take_pipes() -> io::Result<Pipes> {
    // Above the three that every process inherits.
    let from_app = File::from(fcntl_dupfd_cloexec(stdin(), 3)?);
    let to_app = File::from(fcntl_dupfd_cloexec(stdout(), 3)?);
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(stderr())?;
    Ok(Pipes { from_app, to_app })
}
