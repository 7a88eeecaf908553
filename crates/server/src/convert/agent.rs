//! `AgentStatus` and `Check`.

use valetkey_agent as agent;
use valetkey_agent::vault::StoreError;
use valetkey_api::agent::{
    AgentStatus, Check, CheckOutcome, ConnectionCounts, SecretStoreKind, SecretStoreState,
    SecretStoreStatus,
};
use valetkey_api::core::connection_state::Status;

use crate::app::App;

pub(crate) async fn status(app: &App) -> AgentStatus {
    let status = app.agent().status().await;
    let addresses = app.addresses();
    AgentStatus {
        version: status.version.to_owned(),
        pid: std::process::id(),
        started_at: status.started_at,
        paused: status.paused,
        socket: addresses.socket.display().to_string(),
        port: addresses.port,
        port_problem: addresses.port_problem,
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

pub(crate) fn check(found: agent::Check) -> Check {
    Check {
        name: found.name.to_owned(),
        outcome: match found.outcome {
            agent::CheckOutcome::Well => CheckOutcome::Ok,
            agent::CheckOutcome::Warning => CheckOutcome::Warning,
            agent::CheckOutcome::Bad => CheckOutcome::Failed,
            agent::CheckOutcome::NotTried => CheckOutcome::Skipped,
        },
        message: found.message,
        hint: found.hint,
    }
}
