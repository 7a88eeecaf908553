//! Start, stop, and the events of the audit log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, broadcast};
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::ConnectionId;
use valetkey_vault::{EventFilter, LogCheck, Vault};

use crate::audit_log::AuditLog;
use crate::discovery::Registrations;
use crate::error::AgentError;
use crate::links::Links;
use crate::protocol::{MAX_REFRESH_TIME, ProviderClient};
use crate::registry::ConnectionRegistry;
use crate::sign_in::session::Sessions;
use crate::sign_in::token_import;
use crate::state::{Agent, Config, Inner};
use crate::stored_settings::StoredSettings;
use crate::tasks::Tasks;
use crate::{access, disconnect, grants, reconcile, scheduler};

/// A stop waits this long for work that has begun. What a refresh brings may be the only refresh
/// token that still works, so it is longer than the longest refresh plus the keychain write, and
/// shorter than the 90 s after which systemd kills.
const DRAIN_TIMEOUT: Duration = MAX_REFRESH_TIME.saturating_add(Duration::from_secs(15));

/// Events of older removals show no name after a restart.
const MAX_REMOVED_NAMES: u32 = 1000;

/// A failure before these shows no more after a restart.
const MAX_SIGN_INS: u32 = 1000;

impl Agent {
    /// Starts an agent on `vault`: reconciles what a crash left, finishes removals, plans refreshes.
    pub async fn start(vault: Vault, config: Config) -> Result<Self, AgentError> {
        let reading = config.clock.reading();
        let now = reading.wall;
        let unlogged = vault.unlogged_events().await?;
        let report = vault.reconcile(now).await?;
        let authenticators = vault.authenticators(None).await?;
        let rows = vault.connections().await?;
        let stored_settings = StoredSettings::load(&vault).await?;
        let client_keys = vault.client_keys().await?;
        let access = access::load(&vault, config.access, !report.adopted.is_empty()).await?;
        let removed_names = removed_names(&vault).await?;
        let mut registry = ConnectionRegistry::new(authenticators, rows, reading);
        // The newest is the first.
        for sign_in in vault.sign_ins(MAX_SIGN_INS).await?.iter().rev() {
            registry.follow_sign_in(sign_in);
        }
        let inner = Arc::new(Inner {
            audit_log: AuditLog::new(
                vault.clone(),
                Arc::clone(&config.clock),
                stored_settings.settings.retention_days,
            ),
            removed_names: Mutex::new(removed_names),
            renewed_for_hosts: Mutex::default(),
            provider_client: ProviderClient::new(Arc::clone(&config.clock)),
            clock: config.clock,
            version: config.version,
            store: config.store,
            started_at: now,
            registry: Mutex::new(registry),
            sessions: Sessions::default(),
            registrations: Registrations::default(),
            naming_lock: tokio::sync::Mutex::default(),
            links: Links::default(),
            access,
            client_keys: Mutex::new(client_keys),
            paused: AtomicBool::new(stored_settings.paused),
            stored_settings: Mutex::new(stored_settings),
            settings_lock: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            unfinished: AtomicBool::new(false),
            schedule_changed: Notify::new(),
            tasks: Tasks::default(),
            audit_log_tasks: Mutex::default(),
            vault,
        });
        let audit_log_tasks = [
            tokio::spawn(Arc::clone(&inner.audit_log).run()),
            tokio::spawn(Arc::clone(&inner.audit_log).prune()),
            tokio::spawn(Arc::clone(&inner.audit_log).count_refusals()),
            tokio::spawn(Arc::clone(&inner.audit_log).keep_anchored()),
        ];
        inner.audit_log_tasks().extend(audit_log_tasks);
        inner.audit_log.open().await;
        // What a kill kept from the log of the last run.
        for (stored, event) in unlogged {
            inner.audit_log.queue_change(event, Some(stored));
        }
        // First of this one, so that the log shows where the last run ended.
        let started =
            Event::new(EventKind::AgentStarted, now).detail(json!({ "version": config.version }));
        inner.audit_log.record(started.into());
        disconnect::schedule_removals(&inner);
        inner.run(scheduler::run(Arc::clone(&inner)));
        inner.run(go_on_with_imports(Arc::clone(&inner)));
        inner.run(access::show_in_turn(Arc::clone(&inner)));
        reconcile::record(&inner, &report).await;
        inner.audit_log.flush().await;
        Ok(Self { inner })
    }

    /// Stops in order: nothing new begins, unsaved grants are stored, events are written.
    pub async fn shutdown(&self) {
        let inner = &self.inner;
        if inner.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        inner.audit_log.changed.send_replace(());
        inner.schedule_changed.notify_one();
        inner.access.approvals.drop_all();
        inner.cancel_all_sign_ins().await;
        tokio::select! {
            () = inner.tasks.drain() => {}
            () = inner.clock.sleep(DRAIN_TIMEOUT) => {
                tracing::warn!("some work did not end in time and was aborted");
            }
        }
        inner.tasks.close();
        grants::save_all_unsaved(inner).await;
        for task in inner.audit_log_tasks().drain(..) {
            task.abort();
        }
        inner.audit_log.write_counted(None);
        inner
            .record(Event::new(EventKind::AgentStopped, inner.now()))
            .await;
        inner.audit_log.anchor().await;
        if let Err(error) = inner.vault.close().await {
            tracing::warn!(%error, "the vault was not closed cleanly");
        }
    }

    /// Events of the audit log.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<(EventId, Event)>, AgentError> {
        self.inner.audit_log.flush().await;
        Ok(self.inner.vault.events(filter).await?)
    }

    /// Checks every line of the audit log against its chain.
    pub async fn check_log(&self) -> Result<LogCheck, AgentError> {
        Ok(self.inner.audit_log.check().await?)
    }

    /// The last name of a connection that was removed, while the log knows of it.
    pub fn removed_name(&self, id: ConnectionId) -> Option<String> {
        self.inner.removed_names().get(&id).cloned()
    }

    /// Ids of new events as they are written.
    pub fn follow(&self) -> broadcast::Receiver<EventId> {
        self.inner.audit_log.follow()
    }
}

/// What a kill kept from being imported.
async fn go_on_with_imports(inner: Arc<Inner>) {
    if let Err(error) = token_import::resume(&inner).await {
        tracing::warn!(%error, "imports go on later");
        inner.finish_later();
    }
}

/// Of the last connections that were removed, as the log tells.
async fn removed_names(vault: &Vault) -> Result<HashMap<ConnectionId, String>, AgentError> {
    let removals = EventFilter {
        kinds: vec![EventKind::ConnectionRemoved],
        limit: MAX_REMOVED_NAMES,
        ..EventFilter::default()
    };
    let events = vault.events(removals).await?;
    let names = events.into_iter().filter_map(|(_, event)| {
        let name = event.detail.get("connection")?.as_str()?.to_owned();
        Some((event.connection?, name))
    });
    Ok(names.collect())
}
