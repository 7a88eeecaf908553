//! What the agent says to whoever started it: one JSON line on stdout for programs, words on stderr
//! for people.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use valetkey_api::endpoint::{Endpoint, StartLine};

use valetkey_server::start::Failure;

/// The mouth of the process.
#[derive(Debug)]
pub(crate) struct Say {
    background: bool,
}

impl Say {
    pub(crate) fn new(background: bool) -> Self {
        Self { background }
    }

    /// The doors are open.
    pub(crate) fn ready(&self, endpoint: &Endpoint) {
        let socket = endpoint.socket.display();
        let port = endpoint.port.map_or(String::new(), |port| {
            format!(" and http://127.0.0.1:{port}")
        });
        self.words(&format!(
            "listening on {socket}{port}\n\
             nobody can be asked here, so any program of this user may have tokens, as with ssh-agent"
        ));
        line(&StartLine::Ready(endpoint.clone()));
        if self.background {
            let_go();
        }
    }

    /// It could not start.
    pub(crate) fn failed(&self, failure: &Failure) {
        self.words(&words(failure));
        line(&StartLine::Failed(failure.0.clone()));
    }

    /// For people, unless nobody watches.
    pub(crate) fn words(&self, text: &str) {
        if !self.background {
            // Whoever closed stderr does not want to know.
            writeln!(io::stderr(), "{text}").ok();
        }
    }
}

/// Gives up the pipe of whoever started it, so that its reader sees the end.
fn let_go() {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let let_go = null.and_then(|null| {
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
        Ok(())
    });
    if let Err(error) = let_go {
        tracing::warn!(%error, "stdout stays open");
    }
}

fn line(line: &StartLine) {
    let text = serde_json::to_string(line).expect("plain structs serialise");
    let mut stdout = io::stdout();
    // Nobody may be reading.
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .ok();
}

fn words(failure: &Failure) -> String {
    let error = &failure.0;
    let mut text = format!("error: {}", error.message);
    if let Some(reason) = &error.reason {
        text.push_str("\n  ");
        text.push_str(reason);
    }
    if let Some(hint) = &error.hint {
        text.push_str("\n\nhint: ");
        text.push_str(hint);
    }
    text
}
