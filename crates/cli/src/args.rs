//! The command line: what may be typed. No behaviour.

mod authenticators;
mod connections;
mod tools;
mod transfer;

use clap::{ArgAction, Parser, Subcommand};
use valetkey_api::core::name::ProfileName;

pub(crate) use authenticators::{Add, Fields, One, Removal, Secret, Update};
pub(crate) use connections::{
    Connect, Disconnect, KeepWarm, Label, Named, Policy, ProxyMethods, ProxyOnly, StatusOf, Switch,
    Token,
};
pub(crate) use tools::{
    Access, Allow, EventFormat, EventSelection, Events, EventsAction, Key, Provider, Run, Serve,
    Setting, Settings,
};

pub(crate) use transfer::{Existing, Export, Import, Passphrase};

/// The hidden command by which `valetkey` becomes the agent.
pub(crate) const DETACH: &str = "detach-agent";

/// Sign in once; every local program gets a fresh token.
#[derive(Debug, Parser)]
#[command(
    name = "valetkey",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 66 not found, 69 agent or keychain unavailable, 75 try \
                  later, 77 sign-in needed or access denied, 78 not configured."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Data and failures as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The set of authenticators and connections that names stand in [default: default]
    #[arg(long, global = true, value_name = "NAME", alias = "to-instance")]
    pub(crate) profile: Option<ProfileName>,
    /// Start the agent with a detailed log
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register an OAuth client of yours: `valetkey add github --client-id ...`
    #[command(alias = "register-authenticator")]
    Add(Box<Add>),
    /// List authenticators
    #[command(alias = "list-authenticators")]
    List,
    /// Show an authenticator
    Show(One),
    /// Change an authenticator; its connections stay signed in
    #[command(alias = "update-authenticator")]
    Update(Box<Update>),
    /// Enable an authenticator
    Enable(One),
    /// Disable an authenticator: no sign-ins, no tokens, nothing is lost
    Disable(One),
    /// Remove an authenticator
    #[command(alias = "delete-authenticator")]
    Remove(Removal),
    /// Write authenticators to a file; secrets only if you ask, then encrypted
    Export(Export),
    /// Read authenticators from a file, or from what other tools keep
    Import(Import),
    /// List the services of the catalogue, or how to register at one
    Providers(Provider),
    /// Sign in with the browser
    #[command(alias = "login")]
    Connect(Connect),
    /// Sign out: revoke the tokens at the provider and forget them
    #[command(alias = "logout")]
    Disconnect(Disconnect),
    /// Show connections and the agent's state
    Status(StatusOf),
    /// Give a connection's account a label: `label github work` makes it `github/work`
    Label(Label),
    /// Say when a connection is refreshed without being asked
    KeepWarm(KeepWarm),
    /// Print the URLs under which a connection's hosts are reached without its token
    ProxyUrl(Named),
    /// Never hand out a connection's token: programs use its proxy URL
    ProxyOnly(ProxyOnly),
    /// Say which requests the proxy passes on: `proxy-methods github GET,HEAD` only reads
    ProxyMethods(ProxyMethods),
    /// Ask the provider whether a connection works
    Test(Named),
    /// Print a fresh access token
    Token(Token),
    /// Run a command with fresh tokens in its environment
    Run(Run),
    /// Which program may use which connection
    #[command(subcommand)]
    Access(Access),
    /// Client keys: for programs that connect by loopback HTTP
    #[command(subcommand)]
    Key(Key),
    /// Show the audit log
    Events(Events),
    /// Show or change the settings
    Settings(Settings),
    /// Check keychain, listeners, browser and database
    Doctor,
    /// Run the agent in the foreground
    Serve(Serve),
    /// Hand out no tokens until `resume`
    Pause,
    /// Hand out tokens again
    Resume,
    /// End the agent; nothing is lost
    Stop,
    /// Print a completion script: `source <(valetkey completions bash)`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    #[command(hide = true)]
    Man {
        /// Into this folder
        folder: std::path::PathBuf,
    },
    /// Become the background agent: own session, no inherited descriptors
    #[command(name = DETACH, hide = true)]
    Detach,
}

#[cfg(test)]
mod tests;
