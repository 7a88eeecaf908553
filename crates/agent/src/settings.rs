//! What the person may set for the agent as a whole, and the pause.

use std::sync::atomic::Ordering;

use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::settings::Settings;
use valetkey_vault::UnloggedId;

use crate::error::AgentError;
use crate::grants;
use crate::key::Actor;
use crate::state::{Agent, Inner};
use crate::stored_settings::{Absence, StoredSettings};

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
            let patch = |stored: &mut StoredSettings| patch(&mut stored.settings);
            if let Some(stored) = change(inner, patch, &event, |_, _| true).await? {
                inner.audit_log.record_stored(event, stored).await;
            }
            Ok(agent.settings())
        })
        .await
    }

    /// Withholds all tokens until [`Self::resume`], and forgets those that the keychain has, too.
    pub async fn pause(&self, who: &Actor) -> Result<(), AgentError> {
        let event = Event::new(EventKind::Paused, self.inner.now()).actor(who);
        self.set_paused(event, |stored| stored.set_paused(true))
            .await
    }

    /// Serves tokens again; they are loaded as they are asked for.
    pub async fn resume(&self, who: &Actor) -> Result<(), AgentError> {
        let event = Event::new(EventKind::Resumed, self.inner.now()).actor(who);
        self.set_paused(event, |stored| stored.set_paused(false))
            .await
    }

    /// The person's session was locked or unlocked, or is idle or used again. That pauses if the setting
    /// says so; its end ends only a pause that began like this.
    pub async fn session_absence(
        &self,
        absence: Absence,
        begins: bool,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let why = match (absence, begins) {
            (Absence::Lock, true) => "the session was locked",
            (Absence::Lock, false) => "the session was unlocked",
            (Absence::Idle, true) => "the session is idle",
            (Absence::Idle, false) => "the session is used again",
        };
        let kind = if begins {
            EventKind::Paused
        } else {
            EventKind::Resumed
        };
        let event = Event::new(kind, self.inner.now())
            .actor(who)
            .detail(json!({ "why": why }));
        self.set_paused(event, move |stored| stored.set_absence(absence, begins))
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
            let is_about_pause =
                |old: &StoredSettings, new: &StoredSettings| old.paused != new.paused;
            let Some(stored) = change(inner, patch, &event, is_about_pause).await? else {
                return Ok(());
            };
            let paused = {
                // Nothing is served under this lock: each hand-out stands on its side of the line.
                let _registry = inner.registry();
                let paused = inner.stored_settings().paused;
                inner.paused.store(paused, Ordering::SeqCst);
                inner.audit_log.queue_change(event, Some(stored));
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

/// Disk first, then memory, one change after the other. With the event, if it is about such a change;
/// None if there is nothing to record.
async fn change(
    inner: &Inner,
    patch: impl FnOnce(&mut StoredSettings),
    event: &Event,
    is_about: impl Fn(&StoredSettings, &StoredSettings) -> bool,
) -> Result<Option<UnloggedId>, AgentError> {
    let _one_at_a_time = inner.settings_lock.lock().await;
    let old = inner.stored_settings().clone();
    let mut changed = old.clone();
    patch(&mut changed);
    if old == changed {
        return Ok(None);
    }
    let event = is_about(&old, &changed).then_some(event);
    let stored = changed.store(&inner.vault, event).await?;
    inner
        .audit_log
        .set_retention(changed.settings.retention_days);
    *inner.stored_settings() = changed;
    Ok(stored)
}
