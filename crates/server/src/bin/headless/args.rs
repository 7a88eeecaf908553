//! Flags. The environment completes them: `VALETKEY_HOME`, `VALETKEY_SECRET_STORE`,
//! `VALETKEY_PASSPHRASE_FILE`, `VALETKEY_PASSPHRASE`, `VALETKEY_KEY_FILE`, `VALETKEY_LOG`.

use clap::Parser;
use valetkey_server::start::{PolicyChoice, Store};

/// Holds OAuth logins and hands short-lived tokens to local programs.
#[derive(Debug, Parser)]
#[command(name = "valetkey-agent", version, about)]
pub(crate) struct Args {
    /// Where secrets are kept; without it `VALETKEY_SECRET_STORE` says, else the keychain. What opens
    /// the encrypted file: `VALETKEY_KEY_FILE`, `VALETKEY_PASSPHRASE_FILE`, `VALETKEY_PASSPHRASE`, or a
    /// prompt
    #[arg(long, value_name = "STORE")]
    pub(crate) secret_store: Option<Store>,

    /// Port of the loopback listener; 0 takes any free one [default: the setting, else 4315]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// What programs get that no rule decides about [default: `allow` until the desktop app has run,
    /// then `deny`]
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PolicyChoice>,

    /// Requests that each program and each client key may send per second in the long run, and ten times
    /// as many at once
    #[arg(long, value_name = "REQUESTS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate_limit: u32,

    /// Log to the file only, ask nothing
    #[arg(long)]
    pub(crate) background: bool,

    /// Log more, and in front also here
    #[arg(long, short)]
    pub(crate) verbose: bool,
}
