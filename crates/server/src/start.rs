//! Start of an agent process: what `valetkey-agent` and the desktop app have in common.
//!
//! Harden the process, take the home's [`AgentLock`](crate::agent_lock::AgentLock), start the log,
//! choose the secret store, read the person's own provider files, open vault and agent. Then each serves in its own way.

mod failure;
mod log_file;
mod process;
mod secrets;

use std::sync::Arc;

pub use valetkey_agent::AccessConfig;
use valetkey_agent::vault::{StoreChoice, StoreError, Vault};
use valetkey_agent::{Agent, AgentError, Config, SystemClock};
use valetkey_api::core::access::Policy;
use valetkey_api::core::catalogue;
use valetkey_api::core::home::Home;
use valetkey_api::own_providers;

pub use failure::Failure;
pub(crate) use log_file::set_log_level;
pub use log_file::{LogOptions, start_log};
pub use process::{Signals, harden};
pub use secrets::{Store, choose_store};

/// The home that the environment names.
pub fn home() -> Result<Home, Failure> {
    Home::from_env(|name| std::env::var_os(name)).map_err(|error| {
        Failure::not_configured(
            error.to_string(),
            "set `VALETKEY_HOME` to a path that starts with `/`, or unset it and set `HOME`",
        )
    })
}

/// What programs get that no rule decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PolicyChoice {
    /// The person is asked, where there is a desktop
    Ask,
    /// Any program of this user may have tokens
    Allow,
    /// Only programs that a rule allows
    Deny,
}

impl From<PolicyChoice> for Policy {
    fn from(choice: PolicyChoice) -> Self {
        match choice {
            PolicyChoice::Ask => Self::Ask,
            PolicyChoice::Allow => Self::Allow,
            PolicyChoice::Deny => Self::Deny,
        }
    }
}

/// What to do on a machine without a keychain. A locked one can be unlocked later, and is never a
/// reason to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutKeychain {
    /// Nothing could ever be stored: report it and end.
    Refuse,
    /// Start all the same: there is a window that shows it.
    Continue,
}

/// The loopback listener's port: from the flag, else from the settings.
pub fn port(flag: Option<u16>, agent: &Agent) -> u16 {
    let set = agent.settings().port.unwrap_or_default();
    flag.unwrap_or(set.get())
}

/// Opens the vault and starts the agent. From here on the log is as its settings say.
pub async fn open_agent(
    home: &Home,
    store: StoreChoice,
    without_keychain: WithoutKeychain,
    access: AccessConfig,
) -> Result<Agent, Failure> {
    let kind = store.as_str();
    own_providers::install(home);
    for wrong in catalogue::wrong_files() {
        tracing::warn!(
            file = wrong.file,
            problem = wrong.message,
            "provider file not used"
        );
    }
    let vault = Vault::open(home, store).await?;
    if without_keychain == WithoutKeychain::Refuse
        && let Err(error @ StoreError::Unavailable(_)) = vault.check_store().await
    {
        return Err(AgentError::from(error).into());
    }
    let config = Config {
        clock: Arc::new(SystemClock::default()),
        version: env!("CARGO_PKG_VERSION"),
        store: kind,
        access,
    };
    let agent = Agent::start(vault, config).await?;
    set_log_level(agent.settings().log_level);
    Ok(agent)
}
