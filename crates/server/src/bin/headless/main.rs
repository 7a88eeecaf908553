//! `valetkey-agent`: the agent without a desktop. `valetkey serve` runs it in front, other commands
//! start it in the background.
//!
//! Start: harden the process, take the home's lock, open vault and agent, bind the listeners,
//! report it in one line on stdout. Stop (SIGTERM, SIGINT, `POST shutdown`): close the listeners, let
//! the agent store what is not stored, release the lock.

mod args;
mod output;
mod run;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use valetkey_server::start::harden;

fn main() -> ExitCode {
    let args = Args::parse();
    harden();
    let output = output::Output::new(args.background);
    match run::run(&args, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failed(&failure);
            failure.exit_code()
        }
    }
}
