//! What the person may set for the agent as a whole, and the pause.

use std::sync::atomic::Ordering;

use serde_json::json;
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
        let event = Event::new(EventKind::Paused, self.inner.now()).actor(who);
        self.set_paused(event, |stored| {
            stored.paused = true;
            // From here on it is the person's own.
            stored.paused_by_lock = false;
        })
        .await
    }

    /// Serves tokens again; they are loaded as they are asked for.
    pub async fn resume(&self, who: &Actor) -> Result<(), AgentError> {
        let event = Event::new(EventKind::Resumed, self.inner.now()).actor(who);
        self.set_paused(event, |stored| {
            stored.paused = false;
            stored.paused_by_lock = false;
        })
        .await
    }

    /// The person's session was locked or unlocked. A lock pauses if the setting says so; an unlock
    /// ends only a pause that a lock began.
    pub async fn session_locked(&self, locked: bool, who: &Actor) -> Result<(), AgentError> {
        let (kind, why) = if locked {
            (EventKind::Paused, "the session was locked")
        } else {
            (EventKind::Resumed, "the session was unlocked")
        };
        let event = Event::new(kind, self.inner.now())
            .actor(who)
            .detail(json!({ "why": why }));
        self.set_paused(event, move |stored| {
            if locked && !stored.paused && stored.settings.pause_on_lock {
                stored.paused = true;
                stored.paused_by_lock = true;
            } else if !locked && stored.paused_by_lock {
                stored.paused = false;
                stored.paused_by_lock = false;
            }
        })
        .await
    }

    /// Changes the pause; `event` is recorded if that makes a difference.
    async fn set_paused(
        &self,
        event: Event,
        patch: impl FnOnce(&mut StoredSettings) + Send + 'static,
    ) -> Result<(), AgentError> {
        self.run(|agent| async move {
            let inner = &agent.inner;
            change(inner, patch).await?;
            let paused = {
                // Nothing is served under this lock: each hand-out stands on its side of the line.
                let _registry = inner.registry();
                let paused = inner.stored_settings().paused;
                if inner.paused.swap(paused, Ordering::SeqCst) == paused {
                    return Ok(());
                }
                inner.audit_log.record(Entry::Change(Box::new(event)));
                inner.changed.send_replace(());
                paused
            };
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
