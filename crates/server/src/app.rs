//! What every route has at hand: the agent, who runs it, and where it listens.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use valetkey_agent::{Actor, Agent, AgentError, ConnectionKey, LinkTarget};
use valetkey_api::core::home::Home;
use valetkey_api::core::id::ConnectionId;
use valetkey_api::core::name::{ConnectionName, ProfileName};
use valetkey_api::core::scope::Scopes;

use crate::caller::{Caller, Key};
use crate::doors::{CONNECT, KeyCheck};
use crate::permission::{self, Act, Host, Refusal};
use crate::refused::Refused;
use crate::stop::Stop;

/// The state of the router. A cheap handle.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    agent: Agent,
    home: Home,
    host: Host,
    stop: Stop,
    doors: OnceLock<OpenDoors>,
    /// Rung by whoever wants the window of the desktop app.
    window: Notify,
}

/// Where an agent listens.
#[derive(Debug, Clone, Default)]
pub struct OpenDoors {
    /// The Unix socket.
    pub socket: PathBuf,
    /// Port of the loopback listener; None while it is shut.
    pub port: Option<u16>,
    /// Why it is shut, if it should be open.
    pub port_problem: Option<String>,
}

impl App {
    /// For `agent`, which serves `home` and is run by `host`. `stop` ends the process.
    pub fn new(agent: Agent, home: Home, host: Host, stop: Stop) -> Self {
        Self(Arc::new(Inner {
            agent,
            home,
            host,
            stop,
            doors: OnceLock::new(),
            window: Notify::new(),
        }))
    }

    /// Tells where the agent listens; once, when the doors are open.
    pub fn opened(&self, doors: OpenDoors) {
        self.0.doors.get_or_init(|| doors);
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.0.agent
    }

    /// Its home.
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Who runs the agent.
    pub(crate) fn host(&self) -> Host {
        self.0.host
    }

    pub(crate) fn window_bell(&self) -> &Notify {
        &self.0.window
    }

    /// The wish to stop.
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// The doors that are open; none in a process that has only its window.
    pub fn doors(&self) -> OpenDoors {
        self.0.doors.get().cloned().unwrap_or_default()
    }

    /// Finds the holders of keys for the loopback listener.
    pub fn key_check(&self) -> KeyCheck {
        let agent = self.0.agent.clone();
        KeyCheck::new(move |shown| {
            let row = agent.verify_key(shown.expose())?;
            Some(Arc::new(Key {
                id: row.id,
                name: row.name,
                connections: row.connections,
                manage: row.manage,
            }))
        })
    }

    /// The caller's name for the log, if it may do this.
    pub(crate) fn allow(&self, caller: &Caller, act: Act) -> Result<Actor, Refused> {
        permission::check(caller, act, self.0.host)?;
        Ok(caller.actor())
    }

    /// The connection behind a name, if the caller may do `act` with it. None: the agent knows best
    /// why there is none.
    pub(crate) fn allow_connection(
        &self,
        caller: &Caller,
        key: &ConnectionKey,
        act: impl FnOnce(ConnectionId) -> Act,
    ) -> Result<Actor, Refused> {
        if let Some(id) = self.0.agent.connection_id(key) {
            return self.allow(caller, act(id));
        }
        match caller {
            // Which names exist is nothing that a key for others may find out.
            Caller::Key(own) if own.connections.is_some() && !own.manage => {
                Err(Refusal::OtherConnection.into())
            }
            Caller::Window | Caller::Process(_) | Caller::Key(_) => Ok(caller.actor()),
        }
    }

    /// The refusal for an error about this connection, with the local link that mends it.
    pub(crate) fn refuse(&self, error: AgentError, key: &ConnectionKey) -> Refused {
        let link = match &error {
            AgentError::AuthRequired { connection, .. } => {
                self.connect_url(key, connection, Scopes::default())
            }
            AgentError::InsufficientScope {
                connection,
                missing,
            } => self.connect_url(key, connection, missing.clone()),
            AgentError::InvalidRequest { .. }
            | AgentError::BadDraft(_)
            | AgentError::NotFound { .. }
            | AgentError::Conflict { .. }
            | AgentError::Disabled(_)
            | AgentError::NotRefreshable(_)
            | AgentError::ClientMisconfigured { .. }
            | AgentError::KeychainLocked(_)
            | AgentError::KeychainUnavailable(_)
            | AgentError::KeychainDenied(_)
            | AgentError::KeychainBroken(_)
            | AgentError::Paused
            | AgentError::ProviderUnreachable { .. }
            | AgentError::RateLimited
            | AgentError::Stopping
            | AgentError::Internal(_) => None,
        };
        Refused::from(error).connect_url(link)
    }

    fn connect_url(
        &self,
        key: &ConnectionKey,
        connection: &ConnectionName,
        scopes: Scopes,
    ) -> Option<String> {
        let base = self.base_url()?;
        let target = LinkTarget {
            profile: self.profile_of(key)?,
            connection: connection.clone(),
            scopes,
        };
        let nonce = self.0.agent.connect_link(target);
        Some(format!("{base}{CONNECT}{nonce}"))
    }

    fn profile_of(&self, key: &ConnectionKey) -> Option<ProfileName> {
        match key {
            ConnectionKey::Name(profile, _) => Some(profile.clone()),
            ConnectionKey::Id(_) => Some(self.0.agent.connection(key).ok()?.profile),
        }
    }

    /// Where the loopback listener is.
    pub(crate) fn base_url(&self) -> Option<String> {
        let port = self.0.doors.get()?.port?;
        Some(format!("http://127.0.0.1:{port}"))
    }
}

/// Reads the name or id of a connection.
pub(crate) fn connection_key(
    name: &str,
    profile: Option<ProfileName>,
) -> Result<ConnectionKey, Refused> {
    ConnectionKey::parse(name, profile.unwrap_or_default())
        .map_err(|error| Refused::invalid(error.to_string(), "`valetkey status` lists them"))
}
