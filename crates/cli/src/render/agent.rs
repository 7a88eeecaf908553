//! The agent itself.

use valetkey_api::agent::{
    AgentStatus, PORT_REMEDY, SecretStoreKind, SecretStoreState, ShutdownResponse,
};

use super::failure::{hint, warning};
use crate::style::{Style, Tone};

/// One line about the agent, and a warning for what is wrong with it.
pub(super) fn line(status: &AgentStatus, style: Style) -> String {
    let port = match status.port {
        Some(port) => format!("http://127.0.0.1:{port}"),
        None => "no loopback listener".to_owned(),
    };
    let store = store_name(status.secret_store.kind);
    let line = format!(
        "agent {} · pid {} · {store} · {port}",
        status.version, status.pid
    );
    let mut text = format!("{}\n", style.paint(Tone::Faint, line));
    if status.paused {
        text.push_str(&warning(
            "no tokens are handed out",
            "`valetkey resume` ends the pause",
            style,
        ));
    }
    let store = &status.secret_store;
    let trouble = match store.state {
        SecretStoreState::Ready => None,
        SecretStoreState::Locked => Some(("is locked", "unlock it; nothing is lost")),
        SecretStoreState::Denied => Some(("refuses Valet Key", "allow Valet Key to use it")),
        SecretStoreState::Unavailable => Some(("cannot be reached", "`valetkey doctor` says more")),
        SecretStoreState::Hung => Some((
            "does not answer",
            "it may be waiting for you to unlock it; nothing is lost",
        )),
    };
    if let Some((what, todo)) = trouble {
        let what = format!("the {} {what}", store_name(store.kind));
        text.push_str(&warning(
            store.reason.as_deref().unwrap_or(&what),
            todo,
            style,
        ));
    }
    if store.unsaved > 0 {
        let what = match store.unsaved {
            1 => "1 login is not stored yet".to_owned(),
            count => format!("{count} logins are not stored yet"),
        };
        text.push_str(&warning(
            &what,
            "they are kept in memory and stored as soon as it works",
            style,
        ));
    }
    if let Some(problem) = &status.port_problem {
        text.push_str(&warning(problem, PORT_REMEDY, style));
    }
    text
}

/// `valetkey stop`
pub(crate) fn stopped(reply: ShutdownResponse, style: Style) -> String {
    let mut text = format!("the agent (pid {}) has ended\n", reply.pid);
    if reply.client_keys > 0 {
        let words = "programs with a client key are refused until it runs again: `valetkey serve`, or \
                     any other command";
        text.push_str(&hint(words, style));
    }
    text
}

/// The store in words.
pub(crate) const fn store_name(kind: SecretStoreKind) -> &'static str {
    match kind {
        SecretStoreKind::Keychain => "keychain",
        SecretStoreKind::File => "encrypted file",
        SecretStoreKind::Memory => "memory only",
    }
}
