//! Who sent a request: set by the listener on each request, read by the routes.

use std::fmt;
use std::sync::{Arc, OnceLock};

use valetkey_agent::Actor;
use valetkey_api::core::actor;
use valetkey_api::core::id::{ClientKeyId, ConnectionId};

/// The sender of a request, as an extension of it.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The window of the desktop app, in this process.
    Window,
    /// The tray menu of the desktop app, in this process.
    Tray,
    /// A notification of the desktop app, in this process.
    Notification,
    /// A program of this user, at the socket.
    Process(Arc<Process>),
    /// The holder of a client key, at the loopback listener.
    Key(Arc<Key>),
}

/// A program at the socket, as the kernel names it at accept.
#[derive(Debug)]
pub struct Process {
    pid: Option<i32>,
    uid: u32,
    /// Read when first needed: the program waits for our response then, and so still runs.
    actor: OnceLock<Actor>,
}

impl Process {
    /// The program that opened a connection.
    pub fn new(pid: Option<i32>, uid: u32) -> Self {
        Self {
            pid,
            uid,
            actor: OnceLock::new(),
        }
    }

    pub fn pid(&self) -> Option<i32> {
        self.pid
    }

    pub fn uid(&self) -> u32 {
        self.uid
    }

    fn actor(&self) -> &Actor {
        self.actor.get_or_init(|| {
            let executable = self
                .pid
                .and_then(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok());
            let executable = executable.map(|path| path.display().to_string());
            actor::Actor::Process {
                pid: self.pid,
                executable,
            }
            .into()
        })
    }
}

/// A client key that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: ClientKeyId,
    /// What the person called it.
    pub name: String,
    /// The connections it may use; None: all.
    pub connections: Option<Vec<ConnectionId>>,
    /// Whether it may manage connections, sign-ins, authenticators, events and settings.
    pub manage: bool,
}

impl Key {
    /// Whether it may use this connection.
    pub fn covers(&self, connection: ConnectionId) -> bool {
        self.connections
            .as_ref()
            .is_none_or(|own| own.contains(&connection))
    }
}

impl Caller {
    /// As the audit log names it: `process 4711 /usr/bin/node`, `key ci`, `window`.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Window => actor::Actor::Window.into(),
            Self::Tray => actor::Actor::Tray.into(),
            Self::Notification => actor::Actor::Notification.into(),
            Self::Process(process) => process.actor().clone(),
            Self::Key(key) => actor::Actor::Key {
                name: key.name.clone(),
            }
            .into(),
        }
    }
}

impl Caller {
    /// Who asks, for the person: a program by its file, without the process id.
    pub(crate) fn asked_by(&self) -> String {
        match self {
            Self::Process(process) => match process.pid {
                Some(pid) => {
                    let actor = self.actor().to_string();
                    actor.replacen(&format!("process {pid} "), "process ", 1)
                }
                None => self.actor().to_string(),
            },
            Self::Window | Self::Tray | Self::Notification | Self::Key(_) => {
                self.actor().to_string()
            }
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.actor(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_by_its_executable() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let caller = Caller::Process(Arc::new(Process::new(Some(pid), 0)));
        let exe = std::env::current_exe().unwrap();
        assert_eq!(
            caller.to_string(),
            format!("process {pid} {}", exe.display())
        );
    }

    #[test]
    fn a_process_that_is_gone_still_has_a_name() {
        let caller = Caller::Process(Arc::new(Process::new(Some(i32::MAX), 0)));
        assert_eq!(caller.to_string(), format!("process {}", i32::MAX));
    }
}
