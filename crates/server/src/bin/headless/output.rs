//! Output to the process that started the agent: one JSON line on stdout for programs (not where stdout
//! is a terminal), messages on stderr for people.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};

use valetkey_api::endpoint::{Endpoint, StartLine};
use valetkey_api::error_text::ErrorText;

use valetkey_server::start::Failure;

#[derive(Debug)]
pub(crate) struct Output {
    background: bool,
}

impl Output {
    pub(crate) fn new(background: bool) -> Self {
        Self { background }
    }

    /// The agent listens.
    pub(crate) fn ready(&self, endpoint: &Endpoint) {
        let socket = endpoint.socket.display();
        let port = endpoint.port.map_or(String::new(), |port| {
            format!(" and http://127.0.0.1:{port}")
        });
        let version = env!("CARGO_PKG_VERSION");
        self.message(&format!(
            "Valet Key {version} serves this user's programs on {socket}{port}; Ctrl-C ends it"
        ));
        line(&StartLine::Ready(endpoint.clone()));
        if self.background {
            close_output();
        }
    }

    /// The agent could not start.
    pub(crate) fn failed(&self, failure: &Failure) {
        let text = ErrorText::from(&*failure.0).to_string();
        self.message(text.trim_end());
        line(&StartLine::Failed(failure.0.clone()));
    }

    /// For people, unless nobody watches.
    pub(crate) fn message(&self, text: &str) {
        if !self.background {
            // Whoever closed stderr does not want to know.
            writeln!(io::stderr(), "{text}").ok();
        }
    }
}

/// Closes the pipe of the parent process, so that its reader sees the end.
fn close_output() {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let replaced = null.and_then(|null| {
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
        Ok(())
    });
    if let Err(error) = replaced {
        tracing::warn!(%error, "stdout stays open");
    }
}

fn line(line: &StartLine) {
    let text = serde_json::to_string(line).expect("plain structs serialise");
    let mut stdout = io::stdout();
    if stdout.is_terminal() {
        return;
    }
    // Nobody may be reading.
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .ok();
}
