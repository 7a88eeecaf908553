//! One line from the keyboard that is not shown. The terminal gets its echo back, on Ctrl-C too.

use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::wait::{Interrupt, readable};

/// Asks `question` at the terminal that stdin is.
pub(super) fn line(question: &str) -> Result<Zeroizing<String>, Failure> {
    let stdin = io::stdin();
    let interrupt = Interrupt::catch()?;
    let old = tcgetattr(stdin.as_fd()).map_err(io::Error::from)?;
    let mut quiet = old.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &quiet).map_err(io::Error::from)?;
    let _ = write!(io::stderr(), "{question}");
    let ready = readable([stdin.as_fd(), interrupt.as_fd()], None);
    let mut line = Zeroizing::new(String::new());
    let result = match ready {
        Ok([_, true]) => Err(Failure::new(Exit::Interrupted, "interrupted")),
        Ok([_, false]) => stdin.lock().read_line(&mut line).map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &old).map_err(io::Error::from)?;
    let _ = writeln!(io::stderr());
    result?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}
