//! What the person may set for the agent as a whole.

use serde::{Deserialize, Serialize};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::settings::Settings;
use valetkey_vault::Vault;

use crate::agent::{Agent, Inner};
use crate::error::AgentError;
use crate::key::Actor;

const KEY: &str = "settings";

/// What is stored under [`KEY`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stored {
    #[serde(flatten)]
    pub settings: Settings,
    /// Handing out is paused; survives a restart.
    pub paused: bool,
}

impl Stored {
    pub(crate) async fn load(vault: &Vault) -> Result<Self, AgentError> {
        let Some(text) = vault.setting(KEY).await? else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|error| {
            AgentError::Internal(format!("the stored settings cannot be read: {error}"))
        })
    }

    async fn store(&self, vault: &Vault) -> Result<(), AgentError> {
        let text = serde_json::to_string(self).expect("plain structs serialise");
        Ok(vault.set_setting(KEY, Some(&text)).await?)
    }
}

impl Agent {
    /// The settings as they stand.
    pub fn settings(&self) -> Settings {
        self.inner.stored().settings.clone()
    }

    /// Changes settings; returns all of them.
    pub async fn change_settings(
        &self,
        patch: impl FnOnce(&mut Settings) + Send + 'static,
        who: &Actor,
    ) -> Result<Settings, AgentError> {
        let event = Event::new(EventKind::SettingsChanged, self.inner.now()).actor(who.to_string());
        self.whole(|agent| async move {
            let inner = &agent.inner;
            if change(inner, |stored| patch(&mut stored.settings)).await? {
                inner.record(event).await;
            }
            Ok(agent.settings())
        })
        .await
    }
}

pub(crate) async fn store_paused(inner: &Inner, paused: bool) -> Result<(), AgentError> {
    change(inner, |stored| stored.paused = paused)
        .await
        .map(drop)
}

/// Disk first, then memory, one change after the other. Whether there was something to change.
async fn change(inner: &Inner, patch: impl FnOnce(&mut Stored)) -> Result<bool, AgentError> {
    let _one_at_a_time = inner.settling.lock().await;
    let mut changed = inner.stored().clone();
    patch(&mut changed);
    if *inner.stored() == changed {
        return Ok(false);
    }
    changed.store(&inner.vault).await?;
    inner
        .audit_log
        .set_retention(changed.settings.retention_days);
    *inner.stored() = changed;
    Ok(true)
}
