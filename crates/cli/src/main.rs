//! `valetkey`: the API's client, and words. It decides nothing: what may happen is the agent's.
//!
//! `valetkey token` is a process per token, so the released binary is linked statically
//! (`-C target-feature=+crt-static`, which `cargo xtask` sets for this package alone: the dynamic
//! linker would cost as much as everything else), and the hot path meets neither clap nor a thread.
//!
//! | module | |
//! | --- | --- |
//! | [`args`] | what may be typed |
//! | [`fast`], `verbs::token` | the short way of `valetkey token` |
//! | [`verbs`] | each verb: arguments -> requests -> a reply |
//! | `verbs::draft`, `verbs::secret` | an authenticator's file (`${VAR}` is resolved here, by core's `draft`), flags and secret |
//! | `verbs::run` | becomes the command, with tokens in its environment |
//! | [`render`] | pure: replies -> words |
//! | [`terminal`], [`style`] | where words and data leave |
//! | [`agent`] | finds or starts `valetkey-agent` |
//! | [`browser`], [`wait`] | opens the browser; waits for several things at once |
//! | [`failure`], [`exit`] | what, why, what to do; exit codes |

mod agent;
mod args;
mod duration;
mod exit;
mod failure;
mod fast;
mod render;
mod style;
mod terminal;
mod verbs;
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
        (terminal, verbs::token(terminal, &global, args))
    } else {
        let Cli { global, verb } = Cli::parse();
        let terminal = Terminal::new(global.json);
        (terminal, verbs::run(terminal, &global, verb))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(terminal.failure(&failure) as u8),
    }
}
