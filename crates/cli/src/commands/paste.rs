//! The address that a person pastes.
//!
//! The hard problem: a terminal hands over whole lines and silently cuts what is longer than 4,095
//! bytes, and an address may be longer. So it is asked for each byte as it comes, which leaves the
//! little of line editing that a paste needs to us.

use std::io::{self, BufRead as _, IsTerminal as _, Stdin};
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

/// Longest line; nothing that a browser shows as an address is longer.
const MAX_LINE: usize = 1 << 20;
const END_OF_INPUT: u8 = 4;
const BACKSPACE: [u8; 2] = [8, 127];

/// Stdin, line by line.
pub(super) struct Paste {
    stdin: Stdin,
    /// What the terminal gets back, if stdin is one.
    usual: Option<Termios>,
    /// Since the last newline.
    typed: Vec<u8>,
    ended: bool,
}

impl Paste {
    /// From now on lines of any length are taken.
    pub(super) fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        Ok(Self {
            usual: by_the_byte(&stdin)?,
            stdin,
            typed: Vec::new(),
            ended: false,
        })
    }

    /// Something to wait for, until stdin has ended.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        (!self.ended).then_some(self.stdin.as_fd())
    }

    /// Takes in what was typed; the lines that are complete now.
    pub(super) fn read(&mut self) -> io::Result<Vec<String>> {
        let mut stdin = self.stdin.lock();
        let bytes = stdin.fill_buf()?;
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => lines.push(self.take_line()),
                byte if self.usual.is_some() && BACKSPACE.contains(byte) => {
                    self.typed.pop();
                }
                &END_OF_INPUT if self.usual.is_some() => self.ended = true,
                byte if self.typed.len() < MAX_LINE => self.typed.push(*byte),
                _ => {}
            }
        }
        let length = bytes.len();
        stdin.consume(length);
        self.ended |= length == 0;
        if self.ended {
            lines.push(self.take_line());
        }
        lines.retain(|line| !line.is_empty());
        Ok(lines)
    }

    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.typed);
        String::from_utf8_lossy(&line).trim().to_owned()
    }
}

impl Drop for Paste {
    fn drop(&mut self) {
        if let Some(usual) = &self.usual {
            // A terminal that is gone needs nothing back.
            let _ = tcsetattr(&self.stdin, OptionalActions::Now, usual);
        }
    }
}

/// Sets a terminal to hand over each byte; gives back how it was set.
fn by_the_byte(stdin: &Stdin) -> io::Result<Option<Termios>> {
    // In the background that would stop us, and nobody types there.
    let in_background = tcgetpgrp(stdin).is_ok_and(|front| front != getpgrp());
    if !stdin.is_terminal() || in_background {
        return Ok(None);
    }
    let usual = tcgetattr(stdin)?;
    let mut bytewise = usual.clone();
    bytewise.local_modes.remove(LocalModes::ICANON);
    bytewise.special_codes[SpecialCodeIndex::VMIN] = 1;
    bytewise.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(stdin, OptionalActions::Now, &bytewise)?;
    Ok(Some(usual))
}
