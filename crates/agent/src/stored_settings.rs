//! The settings as the database keeps them.

use serde::{Deserialize, Serialize};
use valetkey_core::event::Event;
use valetkey_core::settings::Settings;
use valetkey_vault::{UnloggedId, Vault};

use crate::error::AgentError;

const KEY: &str = "settings";

/// What is stored under [`KEY`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StoredSettings {
    #[serde(flatten)]
    pub settings: Settings,
    /// Whether tokens are withheld until `resume`; survives a restart.
    pub paused: bool,
    /// Whether the pause began with a lock of the session, and so ends with it.
    pub paused_by_lock: bool,
}

impl StoredSettings {
    pub(crate) async fn load(vault: &Vault) -> Result<Self, AgentError> {
        let Some(text) = vault.setting(KEY).await? else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|error| {
            AgentError::Internal(format!("the stored settings cannot be read: {error}"))
        })
    }

    /// Stores them, with the event of the change if there is one.
    pub(crate) async fn store(
        &self,
        vault: &Vault,
        event: Option<&Event>,
    ) -> Result<Option<UnloggedId>, AgentError> {
        let text = serde_json::to_string(self).expect("plain structs serialise");
        if let Some(event) = event {
            return Ok(Some(vault.change_setting(KEY, &text, event).await?));
        }
        vault.set_setting(KEY, Some(&text)).await?;
        Ok(None)
    }
}
