//! `valetkey-agent`: the agent without a desktop. `valetkey serve` runs it in front, other commands
//! start it in the background.
//!
//! Start: harden the process, take the home's lock, open vault and agent, open the doors, say so in
//! one line on stdout. Stop (SIGTERM, SIGINT, `POST shutdown`): close the doors, let the agent store
//! what is not stored, release the lock.

mod args;
mod failure;
mod log_file;
mod passphrase;
mod process;
mod say;
mod start;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    process::harden();
    let say = say::Say::new(args.background);
    match start::run(&args, &say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say.failed(&failure);
            failure.exit_code()
        }
    }
}
