//! The agent itself.

use valetkey_agent as agent;
use valetkey_agent::vault::StoreError;
use valetkey_api::agent::{
    AgentStatus, Check, CheckOutcome, ConnectionCounts, SecretStoreKind, SecretStoreState,
    SecretStoreStatus, Settings,
};
use valetkey_api::core::life::Status;

use crate::app::App;

/// The agent at a glance.
pub(crate) async fn status(app: &App) -> AgentStatus {
    let status = app.agent().status().await;
    let doors = app.doors();
    AgentStatus {
        version: status.version.to_owned(),
        pid: std::process::id(),
        started_at: status.started_at,
        paused: status.paused,
        socket: doors.socket.display().to_string(),
        port: doors.port,
        port_problem: doors.port_problem,
        data: app.home().data.display().to_string(),
        log: app.home().log().display().to_string(),
        secret_store: SecretStoreStatus {
            kind: kind(status.store),
            state: state(status.store_problem.as_ref()),
            reason: status.store_problem.map(|problem| problem.to_string()),
            unsaved: status.unsaved,
        },
        authenticators: app.agent().authenticators(None, true).len(),
        connections: counts(&status.counts),
    }
}

fn kind(word: &str) -> SecretStoreKind {
    match word {
        "file" => SecretStoreKind::File,
        "memory" => SecretStoreKind::Memory,
        _ => SecretStoreKind::Keychain,
    }
}

const fn state(problem: Option<&StoreError>) -> SecretStoreState {
    match problem {
        None => SecretStoreState::Ready,
        Some(StoreError::Locked(_)) => SecretStoreState::Locked,
        Some(StoreError::Denied(_)) => SecretStoreState::Denied,
        Some(StoreError::Unavailable(_) | StoreError::Broken(_)) => SecretStoreState::Unavailable,
        Some(StoreError::Hung) => SecretStoreState::Hung,
    }
}

fn counts(by_status: &[(Status, usize)]) -> ConnectionCounts {
    let count = |wanted: &[Status]| {
        let found = by_status
            .iter()
            .filter(|(status, _)| wanted.contains(status));
        found.map(|(_, count)| count).sum()
    };
    ConnectionCounts {
        total: count(&Status::ALL),
        active: count(&[Status::Active, Status::Refreshing]),
        expired: count(&[Status::Expired]),
        needs_reconnect: count(&[Status::NeedsReconnect]),
    }
}

/// The settings.
pub(crate) fn settings(settings: agent::Settings) -> Settings {
    Settings {
        browser: settings.browser,
    }
}

/// What doctor found. The secret store is tried in three steps; where one fails, the agent does not
/// say which, and what comes after it was not tried.
pub(crate) fn checks(found: agent::Check) -> Vec<Check> {
    let outcome = match found.ok {
        Some(true) => CheckOutcome::Ok,
        Some(false) => CheckOutcome::Failed,
        None => CheckOutcome::Warning,
    };
    let first = Check {
        name: found.name.to_owned(),
        outcome,
        message: found.message,
        hint: found.hint,
    };
    if found.name != "keychain" {
        return vec![first];
    }
    let later = |name: &str| match outcome {
        CheckOutcome::Failed => Check {
            name: name.to_owned(),
            outcome: CheckOutcome::Skipped,
            message: "not tried".to_owned(),
            hint: None,
        },
        CheckOutcome::Ok | CheckOutcome::Warning | CheckOutcome::Skipped => Check {
            name: name.to_owned(),
            ..first.clone()
        },
    };
    let (read, delete) = (later("keychain_read"), later("keychain_delete"));
    let name = "keychain_write".to_owned();
    vec![Check { name, ..first }, read, delete]
}
