//! What each caller may do: the table of the design, in one place.
//!
//! | | Window | Process | Key | Key made with `--manage` |
//! | --- | --- | --- | --- | --- |
//! | [`Act::UseToken`] | no | yes | its connections | its connections |
//! | [`Act::SeeConnection`] | yes | yes | its connections | yes |
//! | [`Act::Manage`] | yes | yes | no | yes |
//! | [`Act::SetCommand`] | yes | yes | no | no |
//! | [`Act::Reroute`] | yes | yes | no | no |
//! | [`Act::SeeAccess`] | yes | yes | no | no |
//! | [`Act::ChangeAccess`] | yes | while no desktop app runs | no | no |
//! | [`Act::ReadManual`] | yes | yes | yes | yes |

use valetkey_api::core::id::ConnectionId;

use crate::caller::{Caller, Key};

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Get, refresh or report the token of this connection.
    UseToken(ConnectionId),
    /// See the status of this connection.
    SeeConnection(ConnectionId),
    /// Connections, sign-ins, authenticators, events, settings, the agent itself.
    Manage,
    /// Set what our own programs run, such as the browser. A key may be in a container or on another
    /// account: it must not become a way to run commands as this user.
    SetCommand,
    /// Change where the secrets of an authenticator are sent, or how. Refresh tokens and client
    /// secrets would leave by it, which a key never gets.
    Reroute,
    /// See client keys.
    SeeAccess,
    /// Create or revoke client keys.
    ChangeAccess,
    /// Read the API's description.
    ReadManual,
}

/// Who runs the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// `valetkey-agent`: there is no window in which a person could be asked.
    Headless,
    /// The desktop app: what widens access is done in its window.
    Desktop,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The page never sees a token.
    WindowSeesNoToken,
    /// The key was made for other connections.
    OtherConnection,
    /// The key was made without `--manage`.
    KeyMayNotManage,
    /// A key never runs commands.
    KeyRunsNothing,
    /// A key never learns a secret, so it does not say where secrets go.
    KeyReroutesNothing,
    /// Keys know nothing of keys.
    NotWithAKey,
    /// The desktop app runs, so it is done there.
    InTheWindow,
}

/// Whether `caller` may do `act` in an agent run by `host`.
pub fn check(caller: &Caller, act: Act, host: Host) -> Result<(), Refusal> {
    match caller {
        Caller::Window => match act {
            Act::UseToken(_) => Err(Refusal::WindowSeesNoToken),
            Act::SeeConnection(_)
            | Act::Manage
            | Act::SetCommand
            | Act::Reroute
            | Act::SeeAccess
            | Act::ChangeAccess
            | Act::ReadManual => Ok(()),
        },
        Caller::Process(_) => match (act, host) {
            (Act::ChangeAccess, Host::Desktop) => Err(Refusal::InTheWindow),
            (Act::ChangeAccess, Host::Headless)
            | (
                Act::UseToken(_)
                | Act::SeeConnection(_)
                | Act::Manage
                | Act::SetCommand
                | Act::Reroute
                | Act::SeeAccess
                | Act::ReadManual,
                _,
            ) => Ok(()),
        },
        Caller::Key(key) => check_key(key, act),
    }
}

fn check_key(key: &Key, act: Act) -> Result<(), Refusal> {
    let (granted, refusal) = match act {
        Act::UseToken(connection) => (key.covers(connection), Refusal::OtherConnection),
        Act::SeeConnection(connection) => (
            key.manage || key.covers(connection),
            Refusal::OtherConnection,
        ),
        Act::Manage => (key.manage, Refusal::KeyMayNotManage),
        Act::SetCommand => (false, Refusal::KeyRunsNothing),
        Act::Reroute => (false, Refusal::KeyReroutesNothing),
        Act::SeeAccess | Act::ChangeAccess => (false, Refusal::NotWithAKey),
        Act::ReadManual => (true, Refusal::NotWithAKey),
    };
    if granted { Ok(()) } else { Err(refusal) }
}

impl Refusal {
    /// What happened and why.
    pub const fn message(self) -> &'static str {
        match self {
            Self::WindowSeesNoToken => "the window never sees a token",
            Self::OtherConnection => "this client key was not made for this connection",
            Self::KeyMayNotManage => "this client key was made without `--manage`",
            Self::KeyRunsNothing => "a client key cannot set a command that runs on this computer",
            Self::KeyReroutesNothing => {
                "a client key cannot change where the secrets of an authenticator are sent"
            }
            Self::NotWithAKey => "a client key can neither see nor change client keys",
            Self::InTheWindow => "while the desktop app runs, access is widened in its window only",
        }
    }

    /// What to do.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::WindowSeesNoToken => "use `valetkey token` in a terminal",
            Self::OtherConnection => {
                "make one that names it: `valetkey key create --connections NAME`"
            }
            Self::KeyMayNotManage => {
                "make one with `valetkey key create --manage`, or ask over the socket"
            }
            Self::KeyRunsNothing => "ask over the socket: `valetkey` in a terminal does",
            Self::KeyReroutesNothing => {
                "ask over the socket (`valetkey update` does), or add another authenticator"
            }
            Self::NotWithAKey => "use `valetkey key` in a terminal",
            Self::InTheWindow => "open Valet Key, Settings, Client keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::Process;

    fn connection(n: u128) -> ConnectionId {
        format!("{n:032x}").parse().unwrap()
    }

    fn key(connections: Option<Vec<ConnectionId>>, manage: bool) -> Caller {
        Caller::Key(Arc::new(Key {
            id: format!("{:032x}", 9).parse().unwrap(),
            name: "ci".to_owned(),
            connections,
            manage,
        }))
    }

    /// Every cell of the table: rows are acts, columns callers.
    #[test]
    fn the_table_of_the_design_holds() {
        let (own, other) = (connection(1), connection(2));
        let callers = [
            Caller::Window,
            Caller::Process(Arc::new(Process::new(Some(1), 0))),
            key(Some(vec![own]), false),
            key(Some(vec![own]), true),
            key(None, false),
            key(None, true),
        ];
        let table = [
            (Act::UseToken(own), [false, true, true, true, true, true]),
            (
                Act::UseToken(other),
                [false, true, false, false, true, true],
            ),
            (
                Act::SeeConnection(own),
                [true, true, true, true, true, true],
            ),
            (
                Act::SeeConnection(other),
                [true, true, false, true, true, true],
            ),
            (Act::Manage, [true, true, false, true, false, true]),
            (Act::SetCommand, [true, true, false, false, false, false]),
            (Act::Reroute, [true, true, false, false, false, false]),
            (Act::SeeAccess, [true, true, false, false, false, false]),
            (Act::ChangeAccess, [true, true, false, false, false, false]),
            (Act::ReadManual, [true; 6]),
        ];
        for (act, row) in table {
            for (caller, allowed) in callers.iter().zip(row) {
                let verdict = check(caller, act, Host::Headless);
                assert_eq!(verdict.is_ok(), allowed, "{caller} {act:?}: {verdict:?}");
            }
        }
    }

    #[test]
    fn a_running_desktop_app_takes_key_making_from_programs() {
        let program = Caller::Process(Arc::new(Process::new(Some(1), 0)));
        let verdict = check(&program, Act::ChangeAccess, Host::Desktop);
        assert_eq!(verdict, Err(Refusal::InTheWindow));
        assert_eq!(
            check(&Caller::Window, Act::ChangeAccess, Host::Desktop),
            Ok(())
        );
        assert_eq!(check(&program, Act::SeeAccess, Host::Desktop), Ok(()));
    }
}
