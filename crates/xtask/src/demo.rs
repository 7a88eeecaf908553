//! `cargo xtask demo`: the main job in half a minute, with nothing of the person's own at stake.
//!
//! A demo provider and an agent run in a throw-away home with secrets in memory; the commands are
//! shown as a person would type them. Both programs and the home are gone at the end.

mod stage;

use std::time::{Duration, Instant};

use clap::Args;

use crate::binaries;
use crate::machine::{self, Consent};
use crate::needs;
use crate::shell::{self, Failure};
use stage::Stage;

/// Short, so that nobody waits long to see a refresh.
const LIFETIME_SECONDS: u64 = 10;
/// A token ends, and the next one is there, within this time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Show the main job.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play the browser even if there is one
    #[arg(long)]
    headless: bool,
    /// Install missing packages without asking
    #[arg(long)]
    yes: bool,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        machine::prepare(needs::DEMO, Consent::from_flag(self.yes))?;
        let paths = binaries::build()?;
        let has_browser = !self.headless && has_display();
        let stage = Stage::set(&paths, LIFETIME_SECONDS, has_browser)?;

        title("1. Tell Valet Key about an OAuth client (the demo provider's)");
        stage.valetkey(&["add", "--config", &stage.config()?])?;

        title("2. Sign in, once");
        if has_browser {
            shell::say("Your browser opens the demo provider's consent page; choose any account.");
        } else {
            shell::say(
                "There is no display here, so this demo plays the browser itself and says yes.",
            );
        }
        stage.valetkey(&["connect", "demo"])?;

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
        stage.strike();
        shell::say(
            "\nDone. Nothing is left behind; the README says how to connect your own accounts.",
        );
        Ok(())
    }
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
        std::thread::sleep(Duration::from_millis(500));
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
