//! The pipes to the app, out of reach of what this process starts: the web engine's processes would
//! inherit them as stdin and stdout, and whoever can open those could pose as the window.

use std::fs::File;
use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

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
