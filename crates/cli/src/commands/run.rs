//! `valetkey run`: becomes the command, with tokens in its environment.
//!
//! It replaces this process, so exit codes, signals and the terminal are the command's own. Tokens
//! stand in the environment, never in argv, which every user can read.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use valetkey_api::token::TokenRequest;

use super::token::warn_if_short;
use crate::agent;
use crate::args::{Global, Run};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Runs the command. Returns only if it could not be started.
pub(super) fn run(terminal: Terminal, global: &Global, args: &Run) -> Result<(), Failure> {
    let (program, rest) = args.command.split_first().expect("clap requires a command");
    let mut command = Command::new(program);
    command.args(rest);
    // What opens our own store is not for the command. A `valetkey` in it needs the rest to find the
    // same home.
    command.env_remove("VALETKEY_PASSPHRASE");
    let mut client = agent::connect(global)?;
    let request = TokenRequest {
        min_valid_seconds: args.min_ttl,
        ..TokenRequest::default()
    };
    for variable in &args.variables {
        let reply = client.token(&variable.connection, &request)?;
        warn_if_short(terminal, &reply, args.min_ttl);
        command.env(&variable.name, reply.access_token.expose());
    }
    drop(client);
    let error = command.exec();
    let exit = match error.kind() {
        ErrorKind::NotFound => Exit::CommandNotFound,
        _ => Exit::CommandNotExecutable,
    };
    let program = program.to_string_lossy();
    Err(Failure::new(exit, format!("`{program}` cannot be run")).why(error))
}
