//! `valetkey`: a client of the agent's API. It decides nothing: what may happen is up to the agent.
//!
//! `valetkey token` is a process per token, so the released binary is linked statically
//! (`-C target-feature=+crt-static`, which `cargo xtask` sets for this package alone: the dynamic
//! linker would cost as much as everything else), and the hot path meets neither clap nor a thread.
//!
//! | module | |
//! | --- | --- |
//! | [`args`] | what may be typed |
//! | [`fast`], `commands::token` | the short way of `valetkey token` |
//! | [`commands`] | each command: arguments -> requests -> a response |
//! | `commands::draft`, `commands::secret` | an authenticator's file (`${VAR}` is resolved here, by core's `draft`), flags and secret |
//! | `commands::export`, `commands::import` | authenticators to and from files; what these hold is `valetkey_transfer`'s business |
//! | `commands::run` | becomes the command, with tokens in its environment |
//! | [`render`] | pure: responses -> text |
//! | [`terminal`], [`style`] | output: data to stdout, messages to stderr |
//! | [`completion`] | what may come next on the command line, for the shell |
//! | [`agent`] | finds or starts `valetkey-agent` |
//! | [`browser`], [`wait`] | opens the browser; waits for several things at once |
//! | [`failure`], [`exit`] | what, why, what to do; exit codes |

mod agent;
mod args;
mod commands;
mod completion;
mod duration;
mod exit;
mod expiry;
mod failure;
mod fast;
mod render;
mod style;
mod terminal;
mod wait;

use std::env;
use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use terminal::Terminal;

fn main() -> ExitCode {
    let quick = fast::token(env::args_os().skip(1));
    let (terminal, result) = if let Some((global, args)) = quick {
        let terminal = Terminal::new(global.json);
        (terminal, commands::token(terminal, &global, args))
    } else {
        completion::answer();
        let Cli { global, command } = Cli::parse();
        let terminal = Terminal::new(global.json);
        (terminal, commands::run(terminal, &global, command))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(terminal.failure(&failure) as u8),
    }
}
