//! What the person may set for the agent as a whole, and the pause.

use std::sync::atomic::Ordering;

use valetkey_core::event::{Event, EventKind};
use valetkey_core::settings::Settings;

use crate::audit_log::Entry;
use crate::error::AgentError;
use crate::grants;
use crate::key::Actor;
use crate::state::{Agent, Inner};
use crate::stored_settings::StoredSettings;

impl Agent {
    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.inner.stored_settings().settings.clone()
    }

    /// Changes settings; returns all of them.
    pub async fn change_settings(
        &self,
        patch: impl FnOnce(&mut Settings) + Send + 'static,
        who: &Actor,
    ) -> Result<Settings, AgentError> {
        let event = Event::new(EventKind::SettingsChanged, self.inner.now()).actor(who);
        self.run(|agent| async move {
            let inner = &agent.inner;
            if change(inner, |stored| patch(&mut stored.settings)).await? {
                inner.record(event).await;
            }
            Ok(agent.settings())
        })
        .await
    }

    /// Withholds all tokens until [`Self::resume`], and forgets those that the keychain has, too.
    pub async fn pause(&self, who: &Actor) -> Result<(), AgentError> {
        self.set_paused(true, EventKind::Paused, who).await
    }

    /// Serves tokens again; they are loaded as they are asked for.
    pub async fn resume(&self, who: &Actor) -> Result<(), AgentError> {
        self.set_paused(false, EventKind::Resumed, who).await
    }

    async fn set_paused(
        &self,
        paused: bool,
        kind: EventKind,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let event = Event::new(kind, self.inner.now()).actor(who);
        self.run(|agent| async move {
            let inner = &agent.inner;
            change(inner, |stored| stored.paused = paused).await?;
            {
                // Nothing is served under this lock: each hand-out stands on its side of the line.
                let _registry = inner.registry();
                if inner.paused.swap(paused, Ordering::SeqCst) == paused {
                    return Ok(());
                }
                inner.audit_log.record(Entry::Change(Box::new(event)));
            }
            // What waits to be written to the log holds grants, too.
            inner.audit_log.flush().await;
            if paused {
                grants::forget_all(inner);
            }
            Ok(())
        })
        .await
    }

    /// Whether tokens are withheld.
    pub fn is_paused(&self) -> bool {
        self.inner.paused.load(Ordering::SeqCst)
    }
}

/// Disk first, then memory, one change after the other. True if there was something to change.
async fn change(
    inner: &Inner,
    patch: impl FnOnce(&mut StoredSettings),
) -> Result<bool, AgentError> {
    let _one_at_a_time = inner.settings_lock.lock().await;
    let mut changed = inner.stored_settings().clone();
    patch(&mut changed);
    if *inner.stored_settings() == changed {
        return Ok(false);
    }
    changed.store(&inner.vault).await?;
    inner
        .audit_log
        .set_retention(changed.settings.retention_days);
    *inner.stored_settings() = changed;
    Ok(true)
}
