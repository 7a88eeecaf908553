//! `cargo xtask demo`: sign in, get tokens, refresh, disconnect, in half a minute.
//!
//! The demo provider and Valet Key run in a temporary home with secrets in memory: the desktop app
//! where there is a display, else the agent alone. Commands are printed as a person would type
//! them. At the end all programs are stopped and the home is removed.

mod sandbox;

use std::time::{Duration, Instant};

use clap::Args;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::{self, Consent};
use crate::requirements;
use crate::ui;
use sandbox::{Mode, Sandbox};

/// Lifetime of a token: short, so that a refresh is soon seen.
const LIFETIME_SECONDS: u64 = 10;
/// Longest wait for the next token.
const REFRESH_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for the person to sign in.
const SIGN_IN_TIMEOUT: Duration = Duration::from_mins(10);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Run the demo.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Without a window, and with an automatic browser, even if there is a display
    #[arg(long)]
    headless: bool,
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let consent = Consent::from_flag(self.yes);
        let mode = if !self.headless && has_display() {
            Mode::Desktop
        } else {
            Mode::Headless
        };
        packages::prepare(requirements::DEMO, consent)?;
        let paths = match mode {
            Mode::Desktop => {
                ui::prepare(consent)?;
                binaries::build_all()?
            }
            Mode::Headless => binaries::build()?,
        };
        let mut sandbox = Sandbox::start(&paths, LIFETIME_SECONDS, mode)?;

        title("1. Tell Valet Key about an OAuth client (the demo provider's)");
        sandbox.valetkey(&["add", "--config", &sandbox.config()?])?;

        title("2. Sign in, once");
        match mode {
            Mode::Desktop => wait_for_sign_in(&mut sandbox)?,
            Mode::Headless => {
                command::print(
                    "There is no display here, so the demo follows the sign-in page by itself.",
                );
                sandbox.valetkey(&["connect", "demo"])?;
            }
        }

        title(
            "3. Any program gets a token: from the command, from the environment, from the socket",
        );
        sandbox.valetkey(&["token", "demo", "--json"])?;
        sandbox.valetkey(&[
            "run",
            "--env",
            "TOKEN=demo",
            "--",
            "sh",
            "-c",
            &sandbox.whoami(),
        ])?;
        sandbox.request_by_curl()?;

        title("4. The token ends; the next program gets a new one, and nobody signs in again");
        wait_for_another_token(&sandbox)?;
        sandbox.valetkey(&["events", "--limit", "5"])?;

        title("5. Disconnect: revoked at the provider, gone from the machine");
        sandbox.valetkey(&["disconnect", "demo", "--force"])?;
        if mode == Mode::Desktop {
            command::print(
                "\nThe app stays for you to look around. Quit it from its menu, or press Enter here.",
            );
            sandbox.wait_for_enter_or_quit();
        }
        drop(sandbox);
        command::print(
            "\nDone. Nothing is left behind; the README says how to connect your own accounts.",
        );
        Ok(())
    }
}

fn wait_for_sign_in(sandbox: &mut Sandbox) -> Result<(), TaskError> {
    command::print(
        "Valet Key's window is open. After its first steps (or Skip) click Connect beside Demo; the \
         icon in the tray has it too. Choose any account on the page that your browser opens.",
    );
    let start = Instant::now();
    while start.elapsed() < SIGN_IN_TIMEOUT {
        if sandbox.is_connected()? {
            return Ok(());
        }
        if sandbox.app_has_ended() {
            return Err(TaskError::Message("the app was quit".to_owned()));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Err(TaskError::Message(
        "nobody signed in; `cargo xtask demo --headless` needs nobody".to_owned(),
    ))
}

fn wait_for_another_token(sandbox: &Sandbox) -> Result<(), TaskError> {
    let first = sandbox.token()?;
    let start = Instant::now();
    command::print(&format!("The first token ends with ...{}", tail(&first)));
    while start.elapsed() < REFRESH_TIMEOUT {
        let next = sandbox.token()?;
        if next != first {
            let seconds = start.elapsed().as_secs();
            command::print(&format!(
                "{seconds} s later it ends with ...{}: refreshed",
                tail(&next)
            ));
            return Ok(());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Err(TaskError::Message(
        "the token was not refreshed within a minute".to_owned(),
    ))
}

/// The end of a token, so that not even the demo prints a whole one.
fn tail(token: &str) -> &str {
    token.get(token.len().saturating_sub(6)..).unwrap_or(token)
}

fn title(text: &str) {
    command::print(&format!("\n=== {text}"));
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
