//! Arguments of `export` and `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::completion;

/// `valetkey export`
#[derive(Debug, Args)]
#[command(
    after_help = "`valetkey import` reads it back. Refresh tokens are never exported: a login has one holder, \
                  so sign in once on the other machine."
)]
pub(crate) struct Export {
    /// The authenticators [default: all]
    #[arg(add = ArgValueCompleter::new(completion::authenticators))]
    pub(crate) authenticators: Vec<String>,
    /// Write to this file, closed to other users, instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// With the client secrets, encrypted with a passphrase (age)
    #[arg(long)]
    pub(crate) with_secrets: bool,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// `valetkey import`
#[derive(Debug, Args)]
#[command(
    override_usage = "valetkey import <FILE> [OPTIONS]\n       valetkey import <git|mcp-remote|oidc-agent|env> [OPTIONS]",
    after_help = "Nothing is changed where it is read from, unless you move a login."
)]
pub(crate) struct Import {
    /// A file (`-`: stdin): an export of Valet Key, a client file of Google's console, an account that
    /// `oidc-gen --print` shows, or a `.env` file with `FMCP_OAUTH_*` variables. Or what other tools keep:
    /// `git` (Git Credential Manager, git-credential-oauth), `mcp-remote`, `oidc-agent`, `env`
    pub(crate) source: PathBuf,
    /// An MCP server that mcp-remote is registered at, as its URL was given to mcp-remote; may be repeated
    #[arg(long = "server", value_name = "URL")]
    pub(crate) servers: Vec<String>,
    /// Move the logins of mcp-remote, too, without asking: its files of them are removed
    #[arg(long)]
    pub(crate) move_logins: bool,
    /// Call it so, if there is one
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What becomes of those whose name is taken
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub(crate) existing: Option<Existing>,
    /// Show what would be imported
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// What becomes of an authenticator whose name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Existing {
    /// The one that is there stays as it is
    Skip,
    /// The one that is there becomes as the imported one
    Replace,
}

/// Where the passphrase of an encrypted file comes from, if nobody is to be asked.
#[derive(Debug, Default, Args)]
#[group(id = "passphrase", multiple = false)]
pub(crate) struct Passphrase {
    /// Read the passphrase of an encrypted file from the first line of another
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Read the passphrase of an encrypted file from an environment variable
    #[arg(long, value_name = "VAR")]
    pub(crate) passphrase_env: Option<String>,
}
