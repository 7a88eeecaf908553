//! `cargo xtask demo`: the main job in half a minute, with nothing of the person's own at stake.
//!
//! A demo provider and Valet Key run in a throw-away home with secrets in memory: the desktop app
//! where there is a display, else the agent alone. The commands are shown as a person would type
//! them. All programs and the home are gone at the end.

mod stage;

use std::time::{Duration, Instant};

use clap::Args;

use crate::binaries;
use crate::machine::{self, Consent};
use crate::needs;
use crate::shell::{self, Failure};
use crate::ui;
use stage::{Stage, Where};

/// Short, so that nobody waits long to see a refresh.
const LIFETIME_SECONDS: u64 = 10;
/// A token ends, and the next one is there, within this time.
const PATIENCE: Duration = Duration::from_mins(1);
/// A person who looks around first still signs in within this time.
const LEISURE: Duration = Duration::from_mins(10);
const LOOK: Duration = Duration::from_millis(500);

/// Show the main job.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Without a window, and with a played browser, even if there is a display
    #[arg(long)]
    headless: bool,
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let consent = Consent::from_flag(self.yes);
        let place = if !self.headless && has_display() {
            Where::Desktop
        } else {
            Where::Headless
        };
        machine::prepare(needs::DEMO, consent)?;
        let paths = match place {
            Where::Desktop => {
                ui::prepare(consent)?;
                binaries::build_all()?
            }
            Where::Headless => binaries::build()?,
        };
        let mut stage = Stage::set(&paths, LIFETIME_SECONDS, place)?;

        title("1. Tell Valet Key about an OAuth client (the demo provider's)");
        stage.valetkey(&["add", "--config", &stage.config()?])?;

        title("2. Sign in, once");
        match place {
            Where::Desktop => wait_for_the_person(&mut stage)?,
            Where::Headless => {
                shell::say(
                    "There is no display here, so this demo plays the browser itself and says yes.",
                );
                stage.valetkey(&["connect", "demo"])?;
            }
        }

        title(
            "3. Any program gets a token: from the command, from the environment, from the socket",
        );
        stage.valetkey(&["token", "demo", "--json"])?;
        stage.valetkey(&[
            "run",
            "--env",
            "TOKEN=demo",
            "--",
            "sh",
            "-c",
            &stage.whoami(),
        ])?;
        stage.ask_socket()?;

        title("4. The token ends; the next program gets a new one, and nobody signs in again");
        wait_for_another_token(&stage)?;
        stage.valetkey(&["events", "--limit", "5"])?;

        title("5. Disconnect: revoked at the provider, gone from the machine");
        stage.valetkey(&["disconnect", "demo", "--force"])?;
        if place == Where::Desktop {
            shell::say(
                "\nThe app stays for you to look around. Quit it from its menu, or press Enter here.",
            );
            stage.wait_for_the_end();
        }
        stage.strike();
        shell::say(
            "\nDone. Nothing is left behind; the README says how to connect your own accounts.",
        );
        Ok(())
    }
}

fn wait_for_the_person(stage: &mut Stage) -> Result<(), Failure> {
    shell::say(
        "Valet Key's window is open. After its first steps (or Skip) click Connect beside Demo; the \
         icon in the tray has it too. Choose any account on the page that your browser opens.",
    );
    let start = Instant::now();
    while start.elapsed() < LEISURE {
        if stage.is_connected()? {
            return Ok(());
        }
        if stage.app_has_ended() {
            return Err(Failure::Stopped("the app was quit".to_owned()));
        }
        std::thread::sleep(LOOK);
    }
    Err(Failure::Stopped(
        "nobody signed in; `cargo xtask demo --headless` needs nobody".to_owned(),
    ))
}

fn wait_for_another_token(stage: &Stage) -> Result<(), Failure> {
    let first = stage.quiet_token()?;
    let start = Instant::now();
    shell::say(&format!("The first token ends with ...{}", tail(&first)));
    while start.elapsed() < PATIENCE {
        let next = stage.quiet_token()?;
        if next != first {
            let seconds = start.elapsed().as_secs();
            shell::say(&format!(
                "{seconds} s later it ends with ...{}: refreshed",
                tail(&next)
            ));
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(Failure::Stopped(
        "the token was not refreshed within a minute".to_owned(),
    ))
}

/// The demo's tokens open nothing, but a habit of printing whole tokens is a bad one.
fn tail(token: &str) -> &str {
    token.get(token.len().saturating_sub(6)..).unwrap_or(token)
}

fn title(words: &str) {
    shell::say(&format!("\n=== {words}"));
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
