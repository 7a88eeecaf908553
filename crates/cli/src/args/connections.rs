//! Arguments of the commands about connections.

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use jiff::Timestamp;
use valetkey_api::core::connection;

use crate::{completion, duration, expiry};

/// A command that takes one connection.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The connection: `github`, or `github/work`
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
}

/// `valetkey status`
#[derive(Debug, Args)]
pub(crate) struct StatusOf {
    /// One connection, in full [default: all]
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: Option<String>,
}

/// `valetkey connect`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option")]
pub(crate) struct Connect {
    /// The authenticator: `github`, or `github/work` for a second account
    #[arg(add = ArgValueCompleter::new(completion::accounts))]
    pub(crate) authenticator: String,
    /// Label for the account: `--account work` makes it `github/work`
    #[arg(long, value_name = "LABEL")]
    pub(crate) account: Option<String>,
    /// Put the login or key in the place of whatever has this name: another account, or a sign-in
    #[arg(long)]
    pub(crate) replace: bool,
    /// Ask for these scopes, too; separated by commas
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
    /// Ask for no other scopes than those of `--scopes`, or without any the authenticator's own
    #[arg(long)]
    pub(crate) only_scopes: bool,
    /// Register another client first, where Valet Key has registered this one and the page in the browser
    /// says that it does not know it
    #[arg(long)]
    pub(crate) register_again: bool,
    /// Print the address instead of opening a browser, and take the address it ends at from stdin
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Show a code to enter at the provider, in a browser on any machine, instead of opening one here
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) device: bool,
    /// Give an API key or a personal access token that you have already, instead of signing in: read it
    /// from stdin, or ask for it at a terminal without showing it
    #[arg(long, conflicts_with_all = ["scopes", "only_scopes", "register_again", "no_browser", "device"])]
    pub(crate) api_key_stdin: bool,
    /// Give a refresh token that was issued to this client, instead of signing in: read it from stdin, or
    /// ask for it at a terminal without showing it. Nothing else may use it from then on
    #[arg(long, conflicts_with_all = ["scopes", "only_scopes", "register_again", "no_browser", "device", "api_key_stdin"])]
    pub(crate) token_stdin: bool,
    /// When that key ends, such as `90d` or `2026-12-31`; you are told before
    #[arg(long, value_name = "WHEN", requires = "api_key_stdin", value_parser = expiry::read)]
    pub(crate) expires: Option<Timestamp>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `valetkey disconnect`
#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// The connection
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// Even if a program used it within the last day
    #[arg(long)]
    pub(crate) force: bool,
}

/// `valetkey label`
#[derive(Debug, Args)]
pub(crate) struct Label {
    /// The connection, as it is named now
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// The new label, such as `work`
    #[arg(value_name = "LABEL", required_unless_present = "none")]
    pub(crate) account: Option<String>,
    /// Without a label: the authenticator's first account
    #[arg(long, conflicts_with = "account")]
    pub(crate) none: bool,
}

/// `valetkey keep-warm`
#[derive(Debug, Args)]
pub(crate) struct KeepWarm {
    /// The connection
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// When
    pub(crate) policy: Policy,
}

/// When a connection is refreshed without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// Always: a token is ready at any time
    Always,
    /// While a program used it within the last day, as from the start
    WhenUsed,
    /// Only when a program asks, and before an idle login would end
    OnDemand,
}

impl From<Policy> for connection::KeepWarm {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Always => Self::Always,
            Policy::WhenUsed => Self::WhenUsed,
            Policy::OnDemand => Self::OnDemand,
        }
    }
}

/// `valetkey proxy-only`
#[derive(Debug, Args)]
pub(crate) struct ProxyOnly {
    /// The connection
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// Whether
    pub(crate) state: Switch,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Its token is never handed out
    On,
    /// Its token is handed out, as from the start
    Off,
}

/// `valetkey proxy-methods`
#[derive(Debug, Args)]
pub(crate) struct ProxyMethods {
    /// The connection
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// Methods separated by commas, or `any`
    #[arg(value_name = "METHOD", value_delimiter = ',', required = true)]
    pub(crate) methods: Vec<String>,
}

/// `valetkey token`
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct Token {
    /// The connection: `github`, or `github/work`
    #[arg(add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: String,
    /// As a header line: `Authorization: Bearer ...`
    #[arg(long, conflicts_with = "json")]
    pub(crate) header: bool,
    /// It must still live this long, such as `90s` or `10min` [default: 60s or a fifth of its life]
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds, allow_hyphen_values = true)]
    pub(crate) min_ttl: Option<u64>,
    /// It must have these scopes; separated by commas
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Option<Vec<String>>,
    /// It may have no other scopes, where the provider issues such tokens
    #[arg(long, requires = "scopes")]
    pub(crate) only_scopes: bool,
    /// Get a new one from the provider in any case
    #[arg(long)]
    pub(crate) refresh: bool,
    /// How long you may take to allow it in the desktop app, such as `10s`; 0 asks nobody [default: a minute from when you are asked]
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub(crate) wait: Option<u64>,
}
