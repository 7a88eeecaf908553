//! Completion in the shell. The script that `valetkey completions` prints asks `valetkey` itself for
//! what may come next, so that it offers the names of connections and authenticators, too. It starts no
//! agent for that.

use std::ffi::OsStr;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};
use valetkey_api::client::Client;

use crate::agent;
use crate::args::Cli;

/// Names the shell that asks.
const VARIABLE: &str = "VALETKEY_COMPLETE";
const COMMAND: &str = "valetkey";

/// Answers the shell and ends, if this process was started to do that.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .complete();
}

/// The script for the shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string());
    completer
        .expect("both lists name the same shells")
        .write_registration(VARIABLE, COMMAND, COMMAND, COMMAND, &mut script)
        .expect("a Vec takes everything");
    script
}

/// Names of connections.
pub(crate) fn connections(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, connection_names)
}

/// Names of authenticators.
pub(crate) fn authenticators(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, authenticator_names)
}

/// Names of authenticators, and those of accounts that have a label.
pub(crate) fn accounts(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, |client| {
        let mut names = authenticator_names(client)?;
        let labelled = connection_names(client)?.into_iter();
        names.extend(labelled.filter(|name| name.contains('/')));
        Some(names)
    })
}

fn connection_names(client: &mut Client) -> Option<Vec<String>> {
    let list = client.connections().ok()?.connections.into_iter();
    Some(list.map(|view| view.name.to_string()).collect())
}

fn authenticator_names(client: &mut Client) -> Option<Vec<String>> {
    let list = client.authenticators().ok()?.authenticators.into_iter();
    Some(list.map(|view| view.name.to_string()).collect())
}

/// The names that begin as `typed` does; none while no agent runs.
fn candidates(
    typed: &OsStr,
    names: impl FnOnce(&mut Client) -> Option<Vec<String>>,
) -> Vec<CompletionCandidate> {
    let (Some(typed), Ok(home)) = (typed.to_str(), agent::home()) else {
        return Vec::new();
    };
    let client = Client::connect(&home, None).ok();
    let mut names = client
        .and_then(|mut client| names(&mut client))
        .unwrap_or_default();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| name.starts_with(typed))
        .map(CompletionCandidate::new)
        .collect()
}
