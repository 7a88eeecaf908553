//! The one place where data (stdout) and words (stderr) leave the program.

use std::env;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::style::{Style, Tone};

/// Where the output goes, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// `--json`: data as JSON, failures too.
    pub(crate) json: bool,
    /// Whether colour is refused; else it depends on the stream.
    plain: bool,
}

impl Terminal {
    /// The terminal as the environment describes it (<https://no-color.org>).
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            plain: env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }

    /// Data, as it is. A reader that has gone away is no failure (`valetkey list | head -1`).
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        self.stream(text).map(|_| ())
    }

    /// Data that more will follow; false once the reader has gone away.
    #[expect(
        clippy::unused_self,
        reason = "data leaves through the terminal, as all else does"
    )]
    pub(crate) fn stream(self, text: &str) -> Result<bool, Failure> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            result => {
                result?;
                Ok(true)
            }
        }
    }

    /// A reply as JSON.
    pub(crate) fn json(self, reply: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(reply).expect("replies are plain structs");
        text.push('\n');
        self.data(&text)
    }

    /// A reply as JSON if that is wanted, else rendered.
    pub(crate) fn reply<T: Serialize>(
        self,
        reply: &T,
        render: impl FnOnce(&T, Style) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.json(reply)
        } else {
            self.data(&render(reply, self.style(&io::stdout())))
        }
    }

    /// A list as [`Self::reply`] prints it; of an empty one there are only words.
    pub(crate) fn list<T: Serialize>(
        self,
        list: &T,
        is_empty: bool,
        none: impl FnOnce(Style) -> String,
        render: impl FnOnce(&T, Style) -> String,
    ) -> Result<(), Failure> {
        if is_empty && !self.json {
            self.say(none);
            return Ok(());
        }
        self.reply(list, render)
    }

    /// Words for the person; nobody listens if they cannot be written.
    pub(crate) fn say(self, render: impl FnOnce(Style) -> String) {
        let text = render(self.style(&io::stderr()));
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// A reply as JSON if that is wanted, else words about it.
    pub(crate) fn done<T: Serialize>(
        self,
        reply: &T,
        render: impl FnOnce(&T, Style) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(reply);
        }
        self.say(|style| render(reply, style));
        Ok(())
    }

    /// Reports why it did not work.
    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        if self.json {
            self.say(|_| format!("{:#}\n", failure.to_json()));
        } else {
            self.say(|style| render::failure(failure, style));
        }
        failure.exit()
    }

    /// Whether a person can be asked something.
    pub(crate) fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks yes or no; Enter is yes.
    pub(crate) fn ask(self, question: &str) -> Result<bool, Failure> {
        self.say(|style| format!("{} [Y/n] ", style.paint(Tone::Heading, question)));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        let answer = answer.trim();
        Ok(answer.is_empty()
            || answer.eq_ignore_ascii_case("y")
            || answer.eq_ignore_ascii_case("yes"))
    }

    /// Asks for a line; empty if nobody types any more.
    pub(crate) fn ask_text(self, question: &str) -> Result<String, Failure> {
        self.say(|style| format!("{} ", style.paint(Tone::Heading, question)));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn style(self, stream: &impl io::IsTerminal) -> Style {
        Style {
            colour: !self.plain && stream.is_terminal(),
        }
    }
}
