//! What every route has at hand: the agent, who runs it, and where it listens.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use valetkey_agent::{
    Actor, Agent, AgentError, ConnectionKey, ConnectionView, LinkTarget, LiveGrant,
};
use valetkey_api::core::grant::GrantKind;
use valetkey_api::core::home::Home;
use valetkey_api::core::id::ConnectionId;
use valetkey_api::core::name::{ConnectionName, InProfile, ProfileName};
use valetkey_api::core::needed_scopes::NeededScopes;
use valetkey_api::core::scope::Scopes;
use valetkey_api::core::secret::ClientKey;
use valetkey_api::core::settings::{ApiPort, Settings};
use valetkey_api::error::{InUse, InUseKind};
use valetkey_api::{ApiError, ErrorCode, Patch};

use crate::caller::{Caller, Key};
use crate::confirmation::ChangeLocks;
use crate::error_response::ErrorResponse;
use crate::event_feed::EventFeed;
use crate::listeners::{CONNECT_PATH, Verifier};
use crate::permission::{self, Action, Host, PermissionError};
use crate::stop::Stop;

/// The state of the router. A cheap handle.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    agent: Agent,
    home: Home,
    host: Host,
    stop: Stop,
    addresses: OnceLock<ListenAddresses>,
    events: EventFeed,
    changes: ChangeLocks,
    /// Notified by requests to show the window of the desktop app.
    window_request: Notify,
}

/// Where an agent listens.
#[derive(Debug, Clone, Default)]
pub struct ListenAddresses {
    /// The Unix socket.
    pub socket: PathBuf,
    /// Port of the loopback listener; None while it is closed.
    pub port: Option<u16>,
    /// The port in the settings when it was bound.
    pub configured_port: u16,
    /// Why it is closed, if it should be open.
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
            addresses: OnceLock::new(),
            events: EventFeed::default(),
            changes: ChangeLocks::default(),
            window_request: Notify::new(),
        }))
    }

    /// Sets where the agent listens; once, when its listeners are bound.
    pub fn set_addresses(&self, addresses: ListenAddresses) {
        self.0.addresses.get_or_init(|| addresses);
    }

    pub fn agent(&self) -> &Agent {
        &self.0.agent
    }

    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Who runs the agent.
    pub(crate) fn host(&self) -> Host {
        self.0.host
    }

    pub(crate) fn window_request(&self) -> &Notify {
        &self.0.window_request
    }

    pub(crate) fn changes(&self) -> &ChangeLocks {
        &self.0.changes
    }

    pub(crate) fn events(&self) -> &EventFeed {
        &self.0.events
    }

    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Where the agent listens; nowhere in a process that has only its window.
    pub fn addresses(&self) -> ListenAddresses {
        self.0.addresses.get().cloned().unwrap_or_default()
    }

    /// Verifies client keys and connect pages for the loopback listener.
    pub fn verifier(&self) -> Verifier {
        let agent = self.0.agent.clone();
        let links = agent.clone();
        let find_key = move |shown: &ClientKey| {
            let row = agent.verify_key(shown.expose())?;
            Ok(Arc::new(Key {
                id: row.id,
                name: row.name,
                connections: row.connections,
                manage: row.manage,
            }))
        };
        let log = links.clone();
        Verifier::new(
            find_key,
            move |nonce| links.connect_link_target(nonce).is_some(),
            move |count| log.report_wrong_keys(count),
        )
    }

    /// The caller's name for the log, if the caller may do this.
    pub(crate) fn allow(&self, caller: &Caller, action: Action) -> Result<Actor, ErrorResponse> {
        permission::check(caller, action, self.0.host)?;
        Ok(caller.actor())
    }

    /// The connection of this name, if the caller may do `action` with it. From here on the id travels:
    /// the name may be given to another connection meanwhile.
    pub(crate) fn allow_connection(
        &self,
        caller: &Caller,
        key: &ConnectionKey,
        action: impl FnOnce(ConnectionId) -> Action,
    ) -> Result<ConnectionId, ErrorResponse> {
        let found = self.0.agent.connection_id(key);
        let id = found.map_err(|error| self.no_connection(caller, error))?;
        permission::check(caller, action(id), self.0.host).inspect_err(|error| {
            let why = error.message().to_owned();
            if self.0.agent.record_refused(id, why, &caller.actor()) {
                tracing::warn!(%caller, connection = %id, "refused: not allowed to use this connection");
            }
        })?;
        Ok(id)
    }

    /// The row behind a name, if the caller may read it.
    pub(crate) fn allow_reading(
        &self,
        caller: &Caller,
        key: &ConnectionKey,
    ) -> Result<ConnectionView, ErrorResponse> {
        let found = self.0.agent.connection(key);
        let view = found.map_err(|error| self.no_connection(caller, error))?;
        permission::check(caller, Action::ReadConnection(view.row.id), self.0.host)?;
        Ok(view)
    }

    fn no_connection(&self, caller: &Caller, error: AgentError) -> ErrorResponse {
        match caller {
            // A key for other connections may not find out which names exist.
            Caller::Key(own) if own.connections.is_some() && !own.manage => {
                PermissionError::OtherConnection.into()
            }
            Caller::Window
            | Caller::Tray
            | Caller::Notification
            | Caller::Process(_)
            | Caller::Key(_) => self.error_response(error, &caller.asked_by()),
        }
    }

    /// The response to an error, with the local link whose sign-in fixes it.
    pub(crate) fn error_response(&self, error: AgentError, asked_by: &str) -> ErrorResponse {
        let link = error
            .sign_in()
            .and_then(|(connection, scopes)| self.connect_url(connection, scopes, None, asked_by));
        ErrorResponse::from(error).connect_url(link)
    }

    /// What a program is told whose request a host refused for want of scopes: with the local link that
    /// asks for them, unless that was in vain several times.
    pub(crate) fn needed_scopes_error(
        &self,
        live: &LiveGrant,
        needed: &NeededScopes,
        asked_by: &str,
    ) -> ApiError {
        let connection = InProfile::new(live.profile.clone(), live.connection.clone());
        let (name, scopes) = (&live.connection, &needed.scopes);
        let by_key = live.grant.kind == GrantKind::ApiKey;
        let error = AgentError::InsufficientScope {
            connection: connection.clone(),
            missing: scopes.clone(),
            by_key,
        };
        let error = ErrorResponse::from(error).into_error();
        let host = &needed.host;
        let message = format!("{host} refused the request: `{name}` lacks `{scopes}`");
        let (hint, connect_url) = if by_key {
            (error.hint, None)
        } else if needed.is_offered() {
            let reason = format!("{host} refused a request without it");
            let link = self.connect_url(connection, scopes.clone(), Some(reason), asked_by);
            (error.hint, link)
        } else {
            let tries = needed.tries;
            let hint =
                format!("{tries} sign-ins asked for it in vain: the provider does not grant it");
            (Some(hint), None)
        };
        ApiError {
            message,
            hint,
            connect_url,
            ..error
        }
    }

    fn connect_url(
        &self,
        connection: InProfile<ConnectionName>,
        scopes: Scopes,
        reason: Option<String>,
        asked_by: &str,
    ) -> Option<String> {
        let base = self.base_url()?;
        let target = LinkTarget {
            profile: connection.profile,
            connection: connection.name,
            scopes,
            reason,
            asked_by: asked_by.to_owned(),
        };
        let nonce = self.0.agent.connect_link(target);
        Some(format!("{base}{CONNECT_PATH}{nonce}"))
    }

    /// A new key names the port that the loopback listener has now. So the agent must insist on it at
    /// the next start, too: else whoever gets the port then would be shown the key.
    pub(crate) async fn keep_port(&self, actor: &Actor) -> Result<(), ErrorResponse> {
        let addresses = self.addresses();
        let Some(port) = addresses.port else {
            return Ok(());
        };
        let agent = self.agent();
        let next = agent.settings().port.unwrap_or_default().get();
        if next == port {
            return Ok(());
        }
        let may_fix = next == addresses.configured_port && !agent.has_keys();
        match ApiPort::try_from(port) {
            Ok(port) if may_fix => {
                let fix = move |settings: &mut Settings| settings.port = Some(port);
                agent.change_settings(fix, actor).await?;
                Ok(())
            }
            Ok(_) | Err(_) => {
                let message = format!(
                    "the loopback listener has port {port} now, and {next} from the next start on"
                );
                let hint = format!(
                    "run `valetkey stop`, so that the next command starts the agent at port {next}, or keep the port: `valetkey settings port {port}`"
                );
                Err(ApiError::new(ErrorCode::Conflict, message)
                    .hint(hint)
                    .into())
            }
        }
    }

    /// Client keys are used at the port that they were made for: another one is chosen knowingly.
    pub(crate) fn check_port_change(&self, change: &Patch<ApiPort>) -> Result<(), ErrorResponse> {
        let new = match change {
            Patch::Keep => return Ok(()),
            Patch::Clear => ApiPort::default(),
            Patch::Set(port) => *port,
        };
        let agent = self.agent();
        let old = agent.settings().port.unwrap_or_default();
        if new == old || !agent.has_keys() {
            return Ok(());
        }
        let message =
            format!("client keys are used at port {old}, and would not work at port {new}");
        let hint = "`--force` changes the port; set it in the programs that have these keys, too";
        let in_use = agent.keys().into_iter().map(|row| InUse {
            kind: InUseKind::Client,
            name: format!("key {}", row.name),
            used_at: row.used_at,
        });
        Err(ApiError {
            in_use: in_use.collect(),
            ..ApiError::new(ErrorCode::Conflict, message).hint(hint)
        }
        .into())
    }

    /// Where the loopback listener is.
    pub(crate) fn base_url(&self) -> Option<String> {
        let port = self.0.addresses.get()?.port?;
        Some(format!("http://127.0.0.1:{port}"))
    }
}

/// Reads the name or id of a connection.
pub(crate) fn connection_key(
    name: &str,
    profile: Option<ProfileName>,
) -> Result<ConnectionKey, ErrorResponse> {
    ConnectionKey::parse(name, profile.unwrap_or_default())
        .map_err(|error| ErrorResponse::invalid(error.to_string(), "`valetkey status` lists them"))
}
