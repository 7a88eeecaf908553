//! How the agent is: for `status`, `doctor` and the tray.

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Status;
use valetkey_vault::StoreError;
use valetkey_vault::vault::{ProbeStep, Versions};

use crate::error::AgentError;
use crate::state::Agent;

/// The agent at a glance.
#[derive(Debug, Clone)]
pub struct AgentStatus {
    /// Version of the program around it.
    pub version: &'static str,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Whether handing out is paused.
    pub paused: bool,
    /// `keychain`, `file` or `memory`.
    pub store: &'static str,
    /// What is wrong with the secret store, if anything.
    pub store_problem: Option<StoreError>,
    /// Connections in each state.
    pub counts: Vec<(Status, usize)>,
    /// Grants that are not stored yet.
    pub unsaved: usize,
}

/// One thing that `doctor` looked at.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It is well.
    Well,
    /// It works, but deserves a look.
    Warning,
    /// It does not work.
    Bad,
    /// Something before it failed.
    NotTried,
}

impl Check {
    fn well(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            outcome: CheckOutcome::Well,
            message: message.into(),
            hint: None,
        }
    }

    fn warning(name: &'static str, message: String, hint: &str) -> Self {
        Self {
            name,
            outcome: CheckOutcome::Warning,
            message,
            hint: Some(hint.to_owned()),
        }
    }

    fn bad(name: &'static str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            name,
            outcome: CheckOutcome::Bad,
            message: message.into(),
            hint,
        }
    }

    fn not_tried(name: &'static str) -> Self {
        Self {
            name,
            outcome: CheckOutcome::NotTried,
            message: "not tried".to_owned(),
            hint: None,
        }
    }
}

/// The steps of the probe in their order: as a check, and what is said of a step that went well.
const PROBE: [(ProbeStep, &str, &str); 3] = [
    (ProbeStep::Write, "keychain_write", "an item was written"),
    (ProbeStep::Read, "keychain_read", "it was read back"),
    (ProbeStep::Delete, "keychain_delete", "it was deleted"),
];

/// No machine's clock should be before this version was made.
const OLDEST_SANE: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// A wall clock that moves this much against the machine's own in one check is being set.
const SANE_DRIFT: SignedDuration = SignedDuration::from_secs(2);
/// A clock may differ this much from that of a provider.
const MAX_OFFSET: SignedDuration = SignedDuration::from_mins(1);

impl Agent {
    /// The agent at a glance.
    pub async fn status(&self) -> AgentStatus {
        let store_problem = self.inner.vault.check_store().await.err();
        let (counts, unsaved) = {
            let registry = self.inner.registry();
            let count = |status| {
                registry
                    .entries()
                    .filter(|e| e.row.state.status == status)
                    .count()
            };
            let counts = Status::ALL.map(|status| (status, count(status)));
            (
                counts.into(),
                registry.entries().filter(|entry| entry.unsaved).count(),
            )
        };
        AgentStatus {
            version: self.inner.version,
            started_at: self.inner.started_at,
            paused: self.is_paused(),
            store: self.inner.store,
            store_problem,
            counts,
            unsaved,
        }
    }

    /// Tries what the agent depends on: writes, reads and deletes a probe item, checks the
    /// database, looks at the clock.
    pub async fn doctor(&self) -> Vec<Check> {
        let mut checks = self.probe_store().await;
        checks.push(self.check_database().await);
        checks.push(self.check_clock().await);
        checks
    }

    /// Versions of the database's tables and of SQLite.
    pub async fn versions(&self) -> Result<Versions, AgentError> {
        Ok(self.inner.vault.versions().await?)
    }

    async fn probe_store(&self) -> Vec<Check> {
        let failed = self.inner.vault.probe_store().await.err();
        let store = self.inner.store;
        let check = |(step, name, well)| match &failed {
            Some((at, error)) if step == *at => {
                let error = AgentError::from(error.clone());
                Check::bad(name, error.to_string(), error.hint())
            }
            Some((at, _)) if step > *at => Check::not_tried(name),
            Some(_) | None => Check::well(name, format!("{store}: {well}")),
        };
        PROBE.map(check).into()
    }

    async fn check_database(&self) -> Check {
        match self.inner.vault.integrity().await {
            Ok(()) => match self.inner.vault.moved_aside() {
                Some(file) => Check::warning(
                    "database",
                    format!(
                        "it was damaged, and a new one was made; the damaged one is `{}`",
                        file.display()
                    ),
                    "connections were taken over from the keychain; add again what else is missing: \
                     authenticators, client keys, settings",
                ),
                None => Check::well("database", "every page and key is intact"),
            },
            Err(error) => Check::bad(
                "database",
                error.to_string(),
                Some(
                    "stop the agent and move the database away: it is rebuilt from the keychain"
                        .to_owned(),
                ),
            ),
        }
    }

    async fn check_clock(&self) -> Check {
        let now = self.inner.now();
        let says = now.strftime("%F %T UTC");
        if now < OLDEST_SANE {
            return Check::bad(
                "clock",
                format!("it says {says}, which is long past"),
                Some("set the clock".to_owned()),
            );
        }
        let (wall, uptime) = (now, self.inner.clock.uptime());
        tokio::task::yield_now().await;
        let awake = SignedDuration::try_from(self.inner.clock.uptime().saturating_sub(uptime))
            .unwrap_or(SignedDuration::MAX);
        if (self.inner.now().duration_since(wall) - awake).abs() > SANE_DRIFT {
            return Check::bad(
                "clock",
                "it is being set right now",
                Some("try again in a moment".to_owned()),
            );
        }
        if let Some(time) = self.inner.provider_client.last_time() {
            let offset = time.offset(&self.inner.clock.reading());
            if offset.abs() > MAX_OFFSET {
                let direction = if offset.is_negative() {
                    "behind"
                } else {
                    "ahead of"
                };
                let seconds = SignedDuration::from_secs(offset.abs().as_secs());
                return Check::warning(
                    "clock",
                    format!(
                        "it says {says}, {seconds:#} {direction} {}'s clock",
                        time.host
                    ),
                    "set the clock, or let the system set it from the network",
                );
            }
        }
        Check::well("clock", says.to_string())
    }
}
