//! The agent's handle: cheap to clone, the one writer of everything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, broadcast, oneshot};
use tokio::task::JoinHandle;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_vault::{EventFilter, GrantNotKept, ReconcileReport, StoreError, Vault, VaultError};

use crate::audit_log::AuditLog;
use crate::book::Book;
use crate::clock::Clock;
use crate::error::AgentError;
use crate::key::Actor;
use crate::keys::Keys;
use crate::links::Links;
use crate::protocol::{LONGEST_REFRESH, ProviderClient};
use crate::settings::Stored;
use crate::sign_in::SignIns;
use crate::work::Work;

/// A stop waits this long for work that has begun. What a refresh brings may be the only refresh
/// token that still works, so it is longer than the longest refresh, with a while for the keychain;
/// and shorter than the 90 s after which systemd kills.
const WORK_LIMIT: Duration = LONGEST_REFRESH.saturating_add(Duration::from_secs(15));

/// What an agent is built from.
pub struct Config {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Version of the program around it, for `status` and the log.
    pub version: &'static str,
    /// `keychain`, `file` or `memory`, for `status`.
    pub store: &'static str,
}

/// Holds the logins and hands out tokens. Clones are handles to the same agent.
#[derive(Clone)]
pub struct Agent {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub version: &'static str,
    pub store: &'static str,
    pub started_at: Timestamp,
    pub provider_client: ProviderClient,
    pub audit_log: Arc<AuditLog>,
    book: Mutex<Book>,
    pub sign_ins: SignIns,
    /// Held while a connection's name is chosen and taken: side by side two would choose the same.
    pub naming: tokio::sync::Mutex<()>,
    pub links: Links,
    pub keys: Keys,
    stored: Mutex<Stored>,
    /// Held while settings change.
    pub settling: tokio::sync::Mutex<()>,
    pub paused: AtomicBool,
    pub stopping: AtomicBool,
    /// The keychain could not be read at start: reconcile when it can.
    pub reconcile_later: AtomicBool,
    /// The alarm clock looks again.
    pub alarm: Notify,
    work: Work,
    keepers: Mutex<Vec<JoinHandle<()>>>,
}

impl Inner {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `work` to its end whether or not anybody still waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.work.spawn(work);
    }

    /// As [`Self::spawn`], for a caller who waits: one that hangs up leaves nothing half done.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, AgentError> {
        let (done, result) = oneshot::channel();
        self.spawn(async move {
            // Nobody may be waiting any more.
            let _ = done.send(work.await);
        });
        result.await.map_err(|_| AgentError::Stopping)
    }

    pub(crate) async fn record(&self, event: Event) {
        self.audit_log.record_change(event).await;
    }
}

impl Agent {
    /// Starts an agent on `vault`: reconciles what a crash left, finishes removals, sets the alarms.
    pub async fn start(vault: Vault, config: Config) -> Result<Self, AgentError> {
        let now = config.clock.now();
        let report = vault.reconcile(now).await?;
        let authenticators = vault.authenticators(None).await?;
        let rows = vault.connections().await?;
        let stored = Stored::load(&vault).await?;
        let keys = Keys::load(&vault).await?;
        let inner = Arc::new_cyclic(|weak: &Weak<Inner>| Inner {
            audit_log: AuditLog::new(
                vault.clone(),
                Arc::clone(&config.clock),
                stored.settings.retention_days,
            ),
            provider_client: ProviderClient::default(),
            clock: config.clock,
            version: config.version,
            store: config.store,
            started_at: now,
            book: Mutex::new(Book::new(authenticators, rows)),
            sign_ins: SignIns::new(weak.clone()),
            naming: tokio::sync::Mutex::default(),
            links: Links::default(),
            keys,
            paused: AtomicBool::new(stored.paused),
            stored: Mutex::new(stored),
            settling: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            reconcile_later: AtomicBool::new(false),
            alarm: Notify::new(),
            work: Work::default(),
            keepers: Mutex::default(),
            vault,
        });
        let agent = Self { inner };
        agent.tell_reconciled(&report).await;
        agent.finish_removals();
        agent.keep(Arc::clone(&agent.inner.audit_log).run());
        agent.keep(Arc::clone(&agent.inner.audit_log).prune());
        agent
            .inner
            .spawn(crate::alarm::run(Arc::clone(&agent.inner)));
        let started =
            Event::new(EventKind::AgentStarted, now).detail(json!({ "version": config.version }));
        agent.inner.record(started).await;
        Ok(agent)
    }

    fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut keepers = self
            .inner
            .keepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        keepers.push(tokio::spawn(task));
    }

    async fn tell_reconciled(&self, report: &ReconcileReport) {
        let now = self.inner.now();
        for row in &report.adopted {
            tracing::info!(connection = %row.id, "connection rebuilt from the keychain");
            let event = Event::new(EventKind::ConnectionAdopted, now).connection(row.id);
            self.inner.record(event).await;
        }
        for row in &report.interrupted_sign_ins {
            let event = Event::new(EventKind::SignInFailed, now)
                .sign_in(row.id)
                .authenticator(row.authenticator)
                .detail(json!({ "why": row.problem }));
            self.inner.record(event).await;
        }
        if let Some(problem) = &report.deferred {
            tracing::warn!(%problem, "the keychain cannot be read yet; logins are checked when it can");
            self.inner.reconcile_later.store(true, Ordering::SeqCst);
        }
    }

    /// Takes over what a late reconciliation found.
    pub(crate) async fn take_over(&self, report: ReconcileReport) {
        let authenticators = match self.inner.vault.authenticators(None).await {
            Ok(authenticators) => authenticators,
            Err(error) => return tracing::error!(%error, "authenticators not read"),
        };
        {
            let now = self.inner.now();
            let mut book = self.inner.book();
            for authenticator in authenticators {
                book.put_authenticator(authenticator);
            }
            for id in &report.dropped {
                book.remove(*id);
            }
            for row in &report.mended {
                if let Some(entry) = book.get_mut(row.id)
                    && entry.row.state.generation <= row.state.generation
                {
                    entry.row = row.clone();
                }
            }
            for row in &report.adopted {
                book.insert(row.clone());
            }
            for row in report.mended.iter().chain(&report.adopted) {
                book.replan(row.id, now);
            }
        }
        self.inner.alarm.notify_one();
        self.tell_reconciled(&report).await;
        self.finish_removals();
    }

    /// Stops in good order: nothing new begins, held grants are stored, events are written.
    pub async fn shutdown(&self) {
        if self.inner.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        self.inner.alarm.notify_one();
        self.inner.sign_ins.cancel_all().await;
        tokio::select! {
            () = self.inner.work.end() => {}
            () = self.inner.clock.sleep(WORK_LIMIT) => {
                tracing::warn!("some work did not end in time and was stopped");
            }
        }
        self.inner.work.close();
        crate::refresh::store_unsaved(&self.inner).await;
        let keepers = std::mem::take(
            &mut *self
                .inner
                .keepers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for keeper in keepers {
            keeper.abort();
        }
        self.inner
            .record(Event::new(EventKind::AgentStopped, self.inner.now()))
            .await;
        self.inner.audit_log.flush().await;
        if let Err(error) = self.inner.vault.close().await {
            tracing::warn!(%error, "the vault was not closed in good order");
        }
    }

    /// Whether the agent no longer takes new work.
    pub(crate) fn check_running(&self) -> Result<(), AgentError> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            return Err(AgentError::Stopping);
        }
        Ok(())
    }

    /// Events of the audit log.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<(EventId, Event)>, AgentError> {
        self.inner.audit_log.flush().await;
        Ok(self.inner.vault.events(filter).await?)
    }

    /// A change of more than one step (disk, memory, log), done whole even if its caller hangs up.
    pub(crate) async fn whole<T, F>(&self, change: impl FnOnce(Self) -> F) -> Result<T, AgentError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, AgentError>> + Send + 'static,
    {
        self.inner.to_the_end(change(self.clone())).await?
    }

    /// Ids of new events as they are written.
    pub fn follow(&self) -> broadcast::Receiver<EventId> {
        self.inner.audit_log.follow()
    }

    /// Stops handing out tokens until [`Self::resume`].
    pub async fn pause(&self, who: &Actor) -> Result<(), AgentError> {
        self.set_paused(true, EventKind::Paused, who).await
    }

    /// Hands out tokens again.
    pub async fn resume(&self, who: &Actor) -> Result<(), AgentError> {
        self.set_paused(false, EventKind::Resumed, who).await
    }

    async fn set_paused(
        &self,
        paused: bool,
        kind: EventKind,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let event = Event::new(kind, self.inner.now()).actor(who.to_string());
        self.whole(|agent| async move {
            let inner = &agent.inner;
            crate::settings::store_paused(inner, paused).await?;
            if inner.paused.swap(paused, Ordering::SeqCst) != paused {
                inner.record(event).await;
            }
            Ok(())
        })
        .await
    }

    /// Whether handing out is paused.
    pub fn is_paused(&self) -> bool {
        self.inner.paused.load(Ordering::Relaxed)
    }
}

impl From<StoreError> for AgentError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Locked(_) | StoreError::Hung => Self::KeychainLocked(text),
            StoreError::Denied(_) => Self::KeychainDenied(text),
            StoreError::Unavailable(_) => Self::KeychainUnavailable(text),
            StoreError::Broken(_) => Self::KeychainBroken(text),
        }
    }
}

impl From<VaultError> for AgentError {
    fn from(error: VaultError) -> Self {
        let text = error.to_string();
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::InUse(_) => Self::conflict(text, "`--force` disconnects them all"),
            VaultError::NameTaken(_) => Self::conflict(text, "choose another name"),
            VaultError::DiskFull(_)
            | VaultError::Disk(_)
            | VaultError::NotFound(_)
            | VaultError::WrongPassphrase(_)
            | VaultError::OtherStore { .. }
            | VaultError::Corrupt(_)
            | VaultError::NewerSchema { .. }
            | VaultError::Bug(_) => Self::Internal(text),
        }
    }
}

impl From<GrantNotKept> for AgentError {
    fn from(error: GrantNotKept) -> Self {
        match error {
            GrantNotKept::NotStored(error) | GrantNotKept::RowNotSaved(error) => error.into(),
            GrantNotKept::StaleTransition => {
                Self::Internal("the connection is being removed".to_owned())
            }
        }
    }
}
