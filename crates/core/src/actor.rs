//! Who asked for what an event records.
//!
//! The audit log stores the text of [`Actor`]'s `Display`; reading it back is total, so that a row of
//! any version stays readable.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A program at the socket.
    Process {
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
        /// Path of its executable, as the kernel named it.
        #[serde(skip_serializing_if = "Option::is_none")]
        executable: Option<String>,
    },
    /// The holder of a client key.
    Key { name: String },
    /// The window of the desktop app.
    Window,
    /// The tray menu of the desktop app.
    Tray,
    /// A notification of the desktop app.
    Notification,
    /// The approval window of the desktop app.
    ApprovalWindow,
    /// The page that a local link opens.
    ConnectPage,
    /// "Copy token" in the desktop app.
    Clipboard,
    /// The agent itself.
    Agent,
    /// One that this version does not know.
    Other { name: String },
}

const PROCESS: &str = "process";
const KEY: &str = "key ";
const WINDOW: &str = "window";
const TRAY: &str = "tray";
const NOTIFICATION: &str = "notification";
const APPROVAL_WINDOW: &str = "approval window";
const CONNECT_PAGE: &str = "connect page";
const CLIPBOARD: &str = "clipboard";
const AGENT: &str = "valetkey";

impl Actor {
    /// Whether the person did it in the desktop app.
    pub const fn is_desktop_app(&self) -> bool {
        match self {
            Self::Window
            | Self::Tray
            | Self::Notification
            | Self::ApprovalWindow
            | Self::Clipboard => true,
            Self::Process { .. }
            | Self::Key { .. }
            | Self::ConnectPage
            | Self::Agent
            | Self::Other { .. } => false,
        }
    }

    /// Of the program at the socket.
    pub const fn pid(&self) -> Option<i32> {
        match self {
            Self::Process { pid, .. } => *pid,
            Self::Key { .. }
            | Self::Window
            | Self::Tray
            | Self::Notification
            | Self::ApprovalWindow
            | Self::ConnectPage
            | Self::Clipboard
            | Self::Agent
            | Self::Other { .. } => None,
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix(KEY) {
            return Self::Key {
                name: name.to_owned(),
            };
        }
        match text {
            WINDOW => Self::Window,
            TRAY => Self::Tray,
            NOTIFICATION => Self::Notification,
            APPROVAL_WINDOW => Self::ApprovalWindow,
            CONNECT_PAGE => Self::ConnectPage,
            CLIPBOARD => Self::Clipboard,
            AGENT => Self::Agent,
            _ => process(text).unwrap_or_else(|| Self::Other {
                name: text.to_owned(),
            }),
        }
    }
}

/// `process`, `process 4711` or `process 4711 /usr/bin/node`.
fn process(text: &str) -> Option<Actor> {
    let rest = text.strip_prefix(PROCESS)?;
    let Some(rest) = rest.strip_prefix(' ') else {
        return rest.is_empty().then_some(Actor::Process {
            pid: None,
            executable: None,
        });
    };
    let (pid, executable) = match rest.split_once(' ') {
        Some((pid, executable)) => (pid, Some(executable.to_owned())),
        None => (rest, None),
    };
    Some(Actor::Process {
        pid: Some(pid.parse().ok()?),
        executable,
    })
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, executable } => {
                f.write_str(PROCESS)?;
                if let Some(pid) = pid {
                    write!(f, " {pid}")?;
                }
                if let Some(executable) = executable {
                    write!(f, " {executable}")?;
                }
                Ok(())
            }
            Self::Key { name } => write!(f, "{KEY}{name}"),
            Self::Window => f.write_str(WINDOW),
            Self::Tray => f.write_str(TRAY),
            Self::Notification => f.write_str(NOTIFICATION),
            Self::ApprovalWindow => f.write_str(APPROVAL_WINDOW),
            Self::ConnectPage => f.write_str(CONNECT_PAGE),
            Self::Clipboard => f.write_str(CLIPBOARD),
            Self::Agent => f.write_str(AGENT),
            Self::Other { name } => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: Option<i32>, executable: Option<&str>) -> Actor {
        Actor::Process {
            pid,
            executable: executable.map(str::to_owned),
        }
    }

    #[test]
    fn the_stored_text_reads_back() {
        for (text, actor) in [
            ("process", process(None, None)),
            ("process 4711", process(Some(4711), None)),
            (
                "process 4711 /opt/my tools/node",
                process(Some(4711), Some("/opt/my tools/node")),
            ),
            (
                "key window",
                Actor::Key {
                    name: "window".to_owned(),
                },
            ),
            ("window", Actor::Window),
            ("tray", Actor::Tray),
            ("notification", Actor::Notification),
            ("approval window", Actor::ApprovalWindow),
            ("connect page", Actor::ConnectPage),
            ("clipboard", Actor::Clipboard),
            ("valetkey", Actor::Agent),
        ] {
            assert_eq!(Actor::parse(text), actor);
            assert_eq!(actor.to_string(), text);
        }
    }

    #[test]
    fn a_text_of_another_version_stays_readable() {
        for text in ["", "processes", "process x", "rule 7"] {
            let name = text.to_owned();
            assert_eq!(Actor::parse(text), Actor::Other { name });
        }
    }
}
