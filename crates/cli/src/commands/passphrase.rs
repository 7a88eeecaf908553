//! The passphrase of an export: from a file, a variable or the keyboard, never from the command line. Those of
//! the agent's own secret file are others.

use std::env;
use std::str;

use zeroize::Zeroizing;

use super::{hidden, input_file};
use crate::args::Passphrase;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Where the passphrase of a new file comes from; fails where it can come from nowhere.
pub(super) enum New {
    Given(Zeroizing<String>),
    Asked(Terminal),
}

impl New {
    pub(super) fn from(terminal: Terminal, from: &Passphrase) -> Result<Self, Failure> {
        match given(from)? {
            Some(text) => Ok(Self::Given(text)),
            None => can_ask(terminal).map(|()| Self::Asked(terminal)),
        }
    }

    /// Whoever types it does so twice.
    pub(super) fn read(self) -> Result<Zeroizing<String>, Failure> {
        let terminal = match self {
            Self::Given(text) => return Ok(text),
            Self::Asked(terminal) => terminal,
        };
        loop {
            let first = usable(hidden::line("passphrase for the file (it is not shown): ")?)?;
            if first == hidden::line("once more: ")? {
                return Ok(first);
            }
            terminal.say(|_| "the two passphrases differ\n".to_owned());
        }
    }
}

/// Of a file that is there.
pub(super) fn known(terminal: Terminal, from: &Passphrase) -> Result<Zeroizing<String>, Failure> {
    if let Some(text) = given(from)? {
        return Ok(text);
    }
    can_ask(terminal)?;
    usable(hidden::line("passphrase of the file (it is not shown): ")?)
}

fn given(from: &Passphrase) -> Result<Option<Zeroizing<String>>, Failure> {
    let text = if let Some(path) = &from.passphrase_file {
        let content = input_file::read(path)?;
        let text = str::from_utf8(&content).map_err(|_| {
            Failure::new(Exit::Usage, "the passphrase is no text")
                .hint("its file holds it in the first line")
        })?;
        Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
    } else if let Some(name) = &from.passphrase_env {
        Zeroizing::new(env::var(name).map_err(|_| {
            let what = format!("the environment variable `{name}` is not set");
            Failure::new(Exit::Usage, what)
        })?)
    } else {
        return Ok(None);
    };
    usable(text).map(Some)
}

fn can_ask(terminal: Terminal) -> Result<(), Failure> {
    if terminal.can_ask() {
        return Ok(());
    }
    let what = "the file needs a passphrase, and nobody can be asked";
    Err(Failure::new(Exit::Usage, what)
        .hint("give it with `--passphrase-file` or `--passphrase-env`"))
}

fn usable(text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    if text.is_empty() {
        let what = "the passphrase is empty";
        return Err(Failure::new(Exit::Usage, what).hint("choose one of several words"));
    }
    Ok(text)
}
