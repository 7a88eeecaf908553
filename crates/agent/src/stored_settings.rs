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
    /// The same of the time in which nobody used the session.
    pub paused_by_idle: bool,
}

/// A time in which nobody is in front of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The session is locked.
    Lock,
    /// The desktop says that nobody uses the session.
    Idle,
}

impl StoredSettings {
    /// The person's own pause, or its end.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.paused_by_lock = false;
        self.paused_by_idle = false;
    }

    /// An absence began or ended. It pauses if the setting says so; its end ends only a pause that began
    /// with absences, with the last of them.
    pub(crate) fn set_absence(&mut self, absence: Absence, begins: bool) {
        let (pauses, by_this, by_other) = match absence {
            Absence::Lock => (
                self.settings.pause_on_lock,
                &mut self.paused_by_lock,
                self.paused_by_idle,
            ),
            Absence::Idle => (
                self.settings.pause_on_idle,
                &mut self.paused_by_idle,
                self.paused_by_lock,
            ),
        };
        if begins && pauses && (!self.paused || by_other) {
            *by_this = true;
            self.paused = true;
        } else if !begins && *by_this {
            *by_this = false;
            self.paused = by_other;
        }
    }

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
