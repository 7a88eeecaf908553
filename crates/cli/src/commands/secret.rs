//! Where a client secret comes from: stdin, a file or a variable, never argv.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use valetkey_api::core::secret::ClientSecret;

use crate::args::Secret;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wait::{Interrupt, readable};

/// Longest secret.
const MAX_SECRET: u64 = 64 << 10;

/// The client secret, if one was offered.
pub(super) fn read(from: &Secret) -> Result<Option<ClientSecret>, Failure> {
    let text = if from.client_secret_stdin {
        from_stdin()?
    } else if let Some(path) = &from.client_secret_file {
        fs::read_to_string(path).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{}` cannot be read", path.display())).why(error)
        })?
    } else if let Some(name) = &from.client_secret_env {
        env::var(name).map_err(|_| {
            Failure::new(
                Exit::Usage,
                format!("the environment variable `{name}` is not set"),
            )
        })?
    } else {
        return Ok(None);
    };
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::new(Exit::Usage, "the client secret is empty")
            .hint("give it to the command, such as `... --client-secret-stdin < secret.txt`"));
    }
    Ok(Some(ClientSecret::new(secret)))
}

fn from_stdin() -> Result<String, Failure> {
    let stdin = io::stdin();
    let cannot = |error| Failure::new(Exit::Usage, "stdin cannot be read").why(error);
    if stdin.is_terminal() {
        return from_keyboard();
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(MAX_SECRET)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    Ok(text)
}

/// Asks for one line without showing it. The terminal gets its echo back, on Ctrl-C too.
fn from_keyboard() -> Result<String, Failure> {
    let stdin = io::stdin();
    let interrupt = Interrupt::catch()?;
    let old = tcgetattr(stdin.as_fd()).map_err(io::Error::from)?;
    let mut quiet = old.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &quiet).map_err(io::Error::from)?;
    let _ = write!(io::stderr(), "client secret (it is not shown): ");
    let ready = readable([stdin.as_fd(), interrupt.as_fd()], None);
    let mut line = String::new();
    let result = match ready {
        Ok([_, true]) => Err(Failure::new(Exit::Interrupted, "interrupted")),
        Ok([_, false]) => stdin.lock().read_line(&mut line).map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &old).map_err(io::Error::from)?;
    let _ = writeln!(io::stderr());
    result.map(|_| line)
}
