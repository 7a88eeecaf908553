//! Flags. The environment completes them as it does for `valetkey-agent`.

use clap::{Parser, Subcommand};
use valetkey_server::start::{PolicyChoice, Store};

/// Holds OAuth logins in the tray and hands short-lived tokens to local programs.
#[derive(Debug, Parser)]
#[command(name = "valetkey-desktop", version, about)]
pub(crate) struct Args {
    /// Start in the tray, without a window (as at login)
    #[arg(long)]
    pub(crate) hidden: bool,

    /// Where secrets are kept; without it `VALETKEY_SECRET_STORE` says, else the keychain
    #[arg(long, value_name = "STORE")]
    pub(crate) secret_store: Option<Store>,

    /// Port of the loopback listener; 0 takes any free one [default: the setting, else 4315]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// What programs get that no rule decides about, in this run [default: the setting, else they ask]
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PolicyChoice>,

    /// Log more
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) subprocess: Option<Subprocess>,
}

/// What the app does in child processes.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(rename_all = "kebab-case")]
pub(crate) enum Subprocess {
    #[command(flatten)]
    Prompt(Prompt),
    /// The window; see `window_process`
    #[command(hide = true)]
    Window {
        /// Where in the page to begin
        #[arg(long)]
        at: Option<String>,
    },
    /// Whether tray icons can be made; see `tray::appindicator`
    #[command(hide = true)]
    TryTray,
}

impl Subprocess {
    pub(crate) fn to_args(&self) -> Vec<String> {
        match self {
            Self::Prompt(prompt) => prompt.to_args(),
            Self::Window { at } => {
                let at = at.as_ref().map(|at| format!("--at={at}"));
                let command = "window".to_owned();
                [command].into_iter().chain(at).collect()
            }
            Self::TryTray => vec!["try-tray".to_owned()],
        }
    }
}

/// A dialog; see `prompt`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(rename_all = "kebab-case")]
pub(crate) enum Prompt {
    /// May this app take over from the agent that runs?
    #[command(hide = true)]
    TakeOver {
        /// Its process
        #[arg(long)]
        process: Option<u32>,
    },
    /// Something to read
    #[command(hide = true)]
    Tell {
        /// The words
        message: String,
    },
}

impl Prompt {
    fn to_args(&self) -> Vec<String> {
        match self {
            Self::TakeOver { process } => {
                let process = process.map(|pid| format!("--process={pid}"));
                let command = "take-over".to_owned();
                [command].into_iter().chain(process).collect()
            }
            Self::Tell { message } => vec!["tell".to_owned(), message.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subprocess_arguments_read_back() {
        for subprocess in [
            Subprocess::Prompt(Prompt::TakeOver { process: Some(7) }),
            Subprocess::Prompt(Prompt::TakeOver { process: None }),
            Subprocess::Prompt(Prompt::Tell {
                message: "one\ntwo".to_owned(),
            }),
            Subprocess::Window { at: None },
            Subprocess::TryTray,
            Subprocess::Window {
                at: Some("#/settings".to_owned()),
            },
        ] {
            let words = ["app".to_owned()].into_iter().chain(subprocess.to_args());
            let args = Args::try_parse_from(words).unwrap();
            assert_eq!(args.subprocess, Some(subprocess));
        }
    }
}
