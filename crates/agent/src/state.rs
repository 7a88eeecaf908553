//! The agent's state and its handle. What happens to the state stands in the flows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Notify, OwnedMutexGuard, oneshot};
use tokio::task::JoinHandle;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::event::Event;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_vault::{ClientKeyRow, Vault};

use crate::access::{Access, AccessConfig};
use crate::audit_log::AuditLog;
use crate::clock::Clock;
use crate::discovery::Registrations;
use crate::error::AgentError;
use crate::links::Links;
use crate::protocol::ProviderClient;
use crate::registry::ConnectionRegistry;
use crate::sign_in::session::Sessions;
use crate::stored_settings::StoredSettings;
use crate::tasks::Tasks;

/// What an agent is built from.
pub struct Config {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Version of the program around it, for `status` and the log.
    pub version: &'static str,
    /// `keychain`, `file` or `memory`, for `status`.
    pub store: &'static str,
    /// Who may have a token that no rule decides about.
    pub access: AccessConfig,
}

/// Holds the logins and serves tokens. Clones are handles to the same agent.
#[derive(Clone)]
pub struct Agent {
    pub(crate) inner: Arc<Inner>,
}

/// The state behind every [`Agent`] handle. The order of its locks stands in the crate's root.
pub(crate) struct Inner {
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub version: &'static str,
    pub store: &'static str,
    pub started_at: Timestamp,
    pub provider_client: ProviderClient,
    pub audit_log: Arc<AuditLog>,
    /// Names of connections that were removed, for the events that are about them.
    pub(crate) removed_names: Mutex<HashMap<ConnectionId, String>>,
    /// Tokens that the proxy had replaced because a host refused the one before, and when.
    pub(crate) renewed_for_hosts: Mutex<HashMap<ConnectionId, (Generation, Instant)>>,
    pub(crate) registry: Mutex<ConnectionRegistry>,
    pub sessions: Sessions,
    pub registrations: Registrations,
    /// Held while a connection's name is chosen and taken: two at once would choose the same.
    pub naming_lock: tokio::sync::Mutex<()>,
    pub links: Links,
    pub(crate) access: Access,
    pub(crate) client_keys: Mutex<Vec<ClientKeyRow>>,
    pub(crate) stored_settings: Mutex<StoredSettings>,
    /// Held while settings change.
    pub settings_lock: tokio::sync::Mutex<()>,
    pub paused: AtomicBool,
    pub stopping: AtomicBool,
    /// Something was left half-way, at start or since; the scheduler has it finished.
    pub unfinished: AtomicBool,
    /// Wakes the scheduler: the earliest deadline may have changed.
    pub schedule_changed: Notify,
    pub tasks: Tasks,
    pub(crate) audit_log_tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Inner {
    /// The registry, with its times by the wall clock as it is set now.
    pub(crate) fn registry(&self) -> MutexGuard<'_, ConnectionRegistry> {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if registry.follow_clock(self.clock.reading()) {
            self.schedule_changed.notify_one();
        }
        registry
    }

    pub(crate) fn stored_settings(&self) -> MutexGuard<'_, StoredSettings> {
        self.stored_settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn client_keys(&self) -> MutexGuard<'_, Vec<ClientKeyRow>> {
        self.client_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn audit_log_tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.audit_log_tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn removed_names(&self) -> MutexGuard<'_, HashMap<ConnectionId, String>> {
        self.removed_names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn renewed_for_hosts(
        &self,
    ) -> MutexGuard<'_, HashMap<ConnectionId, (Generation, Instant)>> {
        self.renewed_for_hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits for the authenticator's write lock. None if it is, or was meanwhile, removed.
    pub(crate) async fn lock_authenticator(
        &self,
        id: AuthenticatorId,
    ) -> Option<(OwnedMutexGuard<()>, Arc<Authenticator>)> {
        let write_lock = self.registry().authenticator_lock(id)?;
        let one_writer = write_lock.lock_owned().await;
        let current = self.registry().authenticator(id).cloned()?;
        Some((one_writer, current))
    }

    pub(crate) async fn record(&self, event: Event) {
        self.audit_log.record_change(event).await;
    }

    /// Work failed on its way and may have left a row or an item behind: the scheduler has it finished.
    pub(crate) fn finish_later(&self) {
        self.unfinished.store(true, Ordering::SeqCst);
        self.schedule_changed.notify_one();
    }

    /// Starts `work`, which runs to its end whether or not the caller awaits it: the one way to
    /// change anything. The result is an error only if the agent stops first.
    pub(crate) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Running<T> {
        Running(self.tasks.run(work))
    }
}

/// Started work. Awaiting it yields the result; dropping it does not stop the work.
pub(crate) struct Running<T>(oneshot::Receiver<T>);

impl<T> Future for Running<T> {
    type Output = Result<T, AgentError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0)
            .poll(context)
            .map_err(|_| AgentError::Stopping)
    }
}

impl Agent {
    /// [`Inner::run`] for a change that a caller asked for; refused once the agent stops.
    pub(crate) async fn run<T, F>(&self, change: impl FnOnce(Self) -> F) -> Result<T, AgentError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, AgentError>> + Send + 'static,
    {
        self.check_running()?;
        self.inner.run(change(self.clone())).await?
    }

    /// Fails once the agent no longer takes new work.
    pub(crate) fn check_running(&self) -> Result<(), AgentError> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            return Err(AgentError::Stopping);
        }
        Ok(())
    }
}
