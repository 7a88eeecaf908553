//! Flags. The environment completes them as it does for `valetkey-agent`.

use clap::{Parser, Subcommand};
use valetkey_server::start::Store;

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

    /// Log more
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// What the app does in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(rename_all = "kebab-case")]
pub(crate) enum Part {
    #[command(flatten)]
    Ask(Question),
    /// The window; see `page`
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

impl Part {
    pub(crate) fn to_args(&self) -> Vec<String> {
        match self {
            Self::Ask(question) => question.to_args(),
            Self::Window { at } => {
                let at = at.as_ref().map(|at| format!("--at={at}"));
                let verb = "window".to_owned();
                [verb].into_iter().chain(at).collect()
            }
            Self::TryTray => vec!["try-tray".to_owned()],
        }
    }
}

/// What it asks; see `ask`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(rename_all = "kebab-case")]
pub(crate) enum Question {
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

impl Question {
    fn to_args(&self) -> Vec<String> {
        match self {
            Self::TakeOver { process } => {
                let process = process.map(|pid| format!("--process={pid}"));
                let verb = "take-over".to_owned();
                [verb].into_iter().chain(process).collect()
            }
            Self::Tell { message } => vec!["tell".to_owned(), message.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_back() {
        for part in [
            Part::Ask(Question::TakeOver { process: Some(7) }),
            Part::Ask(Question::TakeOver { process: None }),
            Part::Ask(Question::Tell {
                message: "one\ntwo".to_owned(),
            }),
            Part::Window { at: None },
            Part::TryTray,
            Part::Window {
                at: Some("#/settings".to_owned()),
            },
        ] {
            let words = ["app".to_owned()].into_iter().chain(part.to_args());
            let args = Args::try_parse_from(words).unwrap();
            assert_eq!(args.part, Some(part));
        }
    }
}
