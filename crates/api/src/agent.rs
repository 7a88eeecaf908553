//! The agent itself: `GET status`; `GET`, `PATCH settings`; `POST pause | resume | shutdown | window | doctor`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::access::Policy;
use valetkey_core::connection::KeepWarm;
use valetkey_core::settings::{ApiPort, LogLevel, QuietHours, RetentionDays};

use crate::object;
use crate::patch::Patch;

/// Reply to `GET settings` and `PATCH settings`.
pub use valetkey_core::settings::Settings;

/// What to do while another program has the port of the loopback listener.
pub const PORT_REMEDY: &str = "end the program that has the port, then run `valetkey stop`: the next \
    command starts the agent at its port; or choose another port with `valetkey settings port NUMBER --force`";

/// Reply to `GET status`, `POST pause` and `POST resume`. Asking changes nothing and prompts nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentStatus {
    /// Version of the agent.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// True while nothing is handed out.
    pub paused: bool,
    /// The Unix socket.
    pub socket: String,
    /// Port of the loopback listener; null while it is closed.
    pub port: Option<u16>,
    /// Why the loopback listener is closed, if it should be open.
    pub port_problem: Option<String>,
    /// Folder of the database.
    pub data: String,
    /// The log file.
    pub log: String,
    /// Where secrets are kept.
    pub secret_store: SecretStoreStatus,
    /// How many authenticators there are.
    pub authenticators: usize,
    /// How many connections there are, by status.
    pub connections: ConnectionCounts,
}

/// Where secrets are kept, and the state of that store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretStoreStatus {
    /// Which.
    pub kind: SecretStoreKind,
    pub state: SecretStoreState,
    /// Why it is not `ready`.
    pub reason: Option<String>,
    /// Grants that could not be stored and live in memory only.
    pub unsaved: usize,
}

/// The secret stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecretStoreKind {
    /// The keychain of the system.
    Keychain,
    /// The encrypted file.
    File,
    /// Nothing outlives the agent.
    Memory,
}

/// The state of the secret store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecretStoreState {
    /// Reachable and unlocked.
    Ready,
    /// Locked: works again once it is unlocked.
    Locked,
    /// It refuses us.
    Denied,
    /// There is none, or it does not answer.
    Unavailable,
    /// A call hangs.
    Hung,
}

/// Connections by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionCounts {
    /// All of them.
    pub total: usize,
    /// `active` and `refreshing`.
    pub active: usize,
    /// `expired`.
    pub expired: usize,
    /// `needs_reconnect`.
    pub needs_reconnect: usize,
}

/// Body of `PATCH settings`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SettingsPatch {
    /// Command that opens the browser; null goes back to the default.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub browser: Patch<String>,
    /// What the desktop app notifies of.
    #[serde(
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub notifications: Option<NotificationsPatch>,
    /// Port of the loopback listener from the next start on: 1024-65535 but not 4316; null goes back to
    /// 4315.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u16>, minimum = 1024, maximum = 65535))]
    pub port: Patch<ApiPort>,
    /// How much is logged, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// When connections made from now on are refreshed without being asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_warm: Option<KeepWarm>,
    /// Days after which events of the audit log are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u16>, minimum = 1, maximum = 3650))]
    pub retention_days: Option<RetentionDays>,
    /// Whether the desktop app pauses while the session is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_on_lock: Option<bool>,
    /// Whether the desktop app pauses while the desktop says that nobody uses the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_on_idle: Option<bool>,
    /// What a program gets that no rule decides about, while the desktop app runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_policy: Option<Policy>,
}

/// Query of `PATCH settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct SettingsQuery {
    /// Changes the port although client keys are used at the old one.
    pub force: bool,
}

/// What `PATCH settings` changes of the notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NotificationsPatch {
    /// A login needs the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_you: Option<bool>,
    /// A token that cannot be renewed ends soon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_soon: Option<bool>,
    /// A sign-in has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<bool>,
    /// When nothing is shown; null: at no time.
    #[serde(
        deserialize_with = "object::patch",
        skip_serializing_if = "Patch::is_keep"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<QuietHours>))]
    pub quiet_hours: Patch<QuietHours>,
}

impl SettingsPatch {
    /// Does it to `settings`.
    pub fn apply(self, settings: &mut Settings) {
        self.browser.apply(&mut settings.browser);
        self.port.apply(&mut settings.port);
        set(self.log_level, &mut settings.log_level);
        set(self.keep_warm, &mut settings.keep_warm);
        set(self.retention_days, &mut settings.retention_days);
        set(self.pause_on_lock, &mut settings.pause_on_lock);
        set(self.pause_on_idle, &mut settings.pause_on_idle);
        set(self.access_policy, &mut settings.access_policy);
        if let Some(patch) = self.notifications {
            let notifications = &mut settings.notifications;
            set(patch.needs_you, &mut notifications.needs_you);
            set(patch.ends_soon, &mut notifications.ends_soon);
            set(patch.sign_in, &mut notifications.sign_in);
            patch.quiet_hours.apply(&mut notifications.quiet_hours);
        }
    }
}

fn set<T>(value: Option<T>, field: &mut T) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Reply to `POST shutdown` (202): the agent flushes and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShutdownResponse {
    /// The process that ends.
    pub pid: u32,
    /// How many client keys there are: their holders are refused until the next start.
    #[serde(default)]
    pub client_keys: usize,
}

/// Reply to `POST window` (202): the desktop app shows its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WindowResponse {
    /// The process of the app.
    pub pid: u32,
}

/// Reply to `POST doctor`: what the agent found about itself. It writes, reads and deletes one probe
/// item in the secret store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DoctorReport {
    /// In a sensible order; all are named, the good ones too.
    pub checks: Vec<Check>,
    /// The agent's clock, for comparison with the caller's.
    pub now: Timestamp,
    /// Versions by name: `agent`, `sqlite`, `database` (its schema).
    pub versions: Vec<Version>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// Stable word: `keychain_write`, `keychain_read`, `keychain_delete`, `database`, `clock`, `disk`,
    /// `socket`, `port`.
    pub name: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was found, for people.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// Well.
    Ok,
    /// Works, but deserves a look.
    Warning,
    /// Does not work.
    Failed,
    /// Could not be tried, because something before it failed.
    Skipped,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    /// Of what.
    pub name: String,
    /// The version.
    pub version: String,
}
