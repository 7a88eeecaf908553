//! The pipes to the app. Windows hands a process only what it names: nobody else has them.

use std::io::{self, Stdin, Stdout};

/// What the app says, and where it hears.
pub(crate) struct Pipes {
    pub(crate) from_app: Stdin,
    pub(crate) to_app: Stdout,
}

/// Stdin and stdout.
pub(crate) fn take_pipes() -> io::Result<Pipes> {
    Ok(Pipes {
        from_app: io::stdin(),
        to_app: io::stdout(),
    })
}
