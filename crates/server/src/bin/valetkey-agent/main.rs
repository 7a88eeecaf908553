//! `valetkey-agent`: the agent without a desktop. `valetkey serve` runs it in front, other commands
//! start it in the background.
//!
//! Start: harden the process, take the home's lock, open vault and agent, open the doors, say so in
//! one line on stdout. Stop (SIGTERM, SIGINT, `POST shutdown`): close the doors, let the agent store
//! what is not stored, release the lock.

mod args;
mod run;
mod say;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use valetkey_server::start::harden;

fn main() -> ExitCode {
    let args = Args::parse();
    harden();
    let say = say::Say::new(args.background);
    match run::run(&args, &say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say.failed(&failure);
            failure.exit_code()
        }
    }
}
