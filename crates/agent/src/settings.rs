//! What the person may set for the agent as a whole.

use serde::{Deserialize, Serialize};
use valetkey_core::event::{Event, EventKind};
use valetkey_vault::Vault;

use crate::agent::{Agent, Inner};
use crate::error::AgentError;
use crate::key::Actor;

const KEY: &str = "settings";

/// The settings, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Command that opens the browser, before `$BROWSER` and the system's own.
    pub browser: Option<String>,
    /// Handing out is paused; survives a restart.
    pub paused: bool,
}

impl Settings {
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
        self.inner.settings().clone()
    }

    /// Sets the command that opens the browser; None for the usual order.
    pub async fn set_browser(
        &self,
        browser: Option<String>,
        who: &Actor,
    ) -> Result<Settings, AgentError> {
        let changed = Settings {
            browser,
            ..self.settings()
        };
        let event = Event::new(EventKind::SettingsChanged, self.inner.now()).actor(who.to_string());
        self.whole(|agent| async move {
            change(&agent.inner, changed.clone()).await?;
            agent.inner.record(event).await;
            Ok(changed)
        })
        .await
    }
}

pub(crate) async fn store_paused(inner: &Inner, paused: bool) -> Result<(), AgentError> {
    let changed = Settings {
        paused,
        ..inner.settings().clone()
    };
    change(inner, changed).await
}

async fn change(inner: &Inner, changed: Settings) -> Result<(), AgentError> {
    if *inner.settings() == changed {
        return Ok(());
    }
    changed.store(&inner.vault).await?;
    *inner.settings() = changed;
    Ok(())
}
