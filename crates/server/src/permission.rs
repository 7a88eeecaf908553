//! What each caller may do.
//!
//! | | Desktop app | Process | Key | Key made with `--manage` |
//! | --- | --- | --- | --- | --- |
//! | [`Action::UseToken`] | no | yes | its connections | its connections |
//! | [`Action::UseProxy`] | no | yes | its connections | its connections |
//! | [`Action::ReadConnection`] | yes | yes | its connections | yes |
//! | [`Action::Manage`] | yes | yes | no | yes |
//! | [`Action::SetCommand`] | yes | yes | no | no |
//! | [`Action::ChangeEndpoints`] | yes | yes | no | no |
//! | [`Action::ChangeApiHosts`] | yes | yes | no | no |
//! | [`Action::WidenProxy`] | yes | yes | no | no |
//! | [`Action::ExportSecrets`] | no | yes | no | no |
//! | [`Action::ReadKeys`] | yes | yes | no | no |
//! | [`Action::ChangeKeys`] | yes | while no desktop app runs | no | no |
//! | [`Action::ConfirmKey`] | yes | no | no | no |
//! | [`Action::ReadAccess`] | yes | yes | no | no |
//! | [`Action::RemoveRule`] | yes | while no desktop app runs | no | no |
//! | [`Action::SetAccessPolicy`] | yes | while no desktop app runs | no | no |
//! | [`Action::ConfirmRule`] | yes | no | no | no |
//! | [`Action::ShowApproval`] | yes | yes | no | no |
//! | [`Action::AnswerApproval`] | no | while no desktop app runs | no | no |
//! | [`Action::ReadApiDocument`] | yes | yes | yes | yes |

use valetkey_api::core::id::ConnectionId;

use crate::caller::{Caller, Key};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Get, refresh or invalidate the token of this connection.
    UseToken(ConnectionId),
    /// Send a request to a host of this connection, with its token.
    UseProxy(ConnectionId),
    /// Read the status of this connection.
    ReadConnection(ConnectionId),
    /// Connections, sign-ins, authenticators, events, settings, the agent itself.
    Manage,
    /// Set a command that our own programs run, such as the browser. A key may be in a container or on
    /// another account: it must not become a way to run commands as this user.
    SetCommand,
    /// Change where the secrets of an authenticator are sent, or how. Refresh tokens and client
    /// secrets would leave by it, which a key never gets.
    ChangeEndpoints,
    /// Let the proxy send tokens to other hosts than before.
    ChangeApiHosts,
    /// Hand out the token of a connection again that was used through the proxy alone, or let more
    /// methods pass there.
    WidenProxy,
    /// Get client secrets, for an export.
    ExportSecrets,
    /// List client keys.
    ReadKeys,
    /// Create or revoke client keys.
    ChangeKeys,
    /// Confirm a key that was made while no desktop app ran.
    ConfirmKey,
    /// List rules, and questions that nobody has answered.
    ReadAccess,
    /// Remove a rule.
    RemoveRule,
    /// Say what a program gets that no rule decides about.
    SetAccessPolicy,
    /// Confirm a rule that was written while no desktop app ran.
    ConfirmRule,
    /// Give a question a window.
    ShowApproval,
    /// Answer a question. The page never does: it is a web page, and could be made to.
    AnswerApproval,
    /// Read the OpenAPI document.
    ReadApiDocument,
}

/// Who runs the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// `valetkey-agent`: there is no window in which a person could be asked.
    Headless,
    /// The desktop app: what widens access is done in its window.
    Desktop,
}

/// Why a caller may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionError {
    /// The page never gets a token.
    WindowNeverGetsTokens,
    /// The key was made for other connections.
    OtherConnection,
    /// The key was made without `--manage`.
    KeyMayNotManage,
    /// A key never sets a command.
    KeySetsNoCommand,
    /// A key never learns a secret, so it does not choose where secrets are sent.
    KeyChangesNoEndpoint,
    /// A key does not choose what it may do.
    KeyWidensNothing,
    /// Client secrets are exported to programs of this user only.
    OnlyProgramsExportSecrets,
    /// Keys are managed over the socket or in the window.
    KeysAreNotManagedByKeys,
    /// While the desktop app runs, it is done there.
    OnlyInTheWindow,
    /// The answer is given in the approval window.
    OnlyInTheApprovalWindow,
    /// Rules and questions are not for keys.
    KeysSeeNoRules,
    /// The window's processes ask in process, and never at the socket.
    OwnWindow,
}

/// Whether `caller` may do `action` in an agent run by `host`.
pub fn check(caller: &Caller, action: Action, host: Host) -> Result<(), PermissionError> {
    match caller {
        Caller::Window | Caller::Tray | Caller::Notification => match action {
            Action::UseToken(_) | Action::UseProxy(_) => {
                Err(PermissionError::WindowNeverGetsTokens)
            }
            Action::ExportSecrets => Err(PermissionError::OnlyProgramsExportSecrets),
            Action::AnswerApproval => Err(PermissionError::OnlyInTheApprovalWindow),
            Action::ReadAccess
            | Action::RemoveRule
            | Action::SetAccessPolicy
            | Action::ConfirmRule
            | Action::ShowApproval
            | Action::ReadConnection(_)
            | Action::Manage
            | Action::SetCommand
            | Action::ChangeEndpoints
            | Action::ChangeApiHosts
            | Action::WidenProxy
            | Action::ReadKeys
            | Action::ChangeKeys
            | Action::ConfirmKey
            | Action::ReadApiDocument => Ok(()),
        },
        Caller::Process(process) if process.is_own_window() => Err(PermissionError::OwnWindow),
        Caller::Process(_) => match (action, host) {
            (Action::ChangeKeys | Action::RemoveRule | Action::SetAccessPolicy, Host::Desktop)
            | (Action::ConfirmRule | Action::ConfirmKey, _) => {
                Err(PermissionError::OnlyInTheWindow)
            }
            (Action::AnswerApproval, Host::Desktop) => {
                Err(PermissionError::OnlyInTheApprovalWindow)
            }
            (
                Action::ChangeKeys
                | Action::RemoveRule
                | Action::SetAccessPolicy
                | Action::AnswerApproval,
                Host::Headless,
            )
            | (
                Action::UseToken(_)
                | Action::UseProxy(_)
                | Action::ReadConnection(_)
                | Action::Manage
                | Action::SetCommand
                | Action::ChangeEndpoints
                | Action::ChangeApiHosts
                | Action::WidenProxy
                | Action::ExportSecrets
                | Action::ReadKeys
                | Action::ReadAccess
                | Action::ShowApproval
                | Action::ReadApiDocument,
                _,
            ) => Ok(()),
        },
        Caller::Key(key) => check_key(key, action),
    }
}

fn check_key(key: &Key, action: Action) -> Result<(), PermissionError> {
    let (granted, error) = match action {
        Action::UseToken(connection) | Action::UseProxy(connection) => {
            (key.covers(connection), PermissionError::OtherConnection)
        }
        Action::ReadConnection(connection) => (
            key.manage || key.covers(connection),
            PermissionError::OtherConnection,
        ),
        Action::Manage => (key.manage, PermissionError::KeyMayNotManage),
        Action::SetCommand => (false, PermissionError::KeySetsNoCommand),
        Action::ChangeEndpoints | Action::ChangeApiHosts => {
            (false, PermissionError::KeyChangesNoEndpoint)
        }
        Action::WidenProxy => (false, PermissionError::KeyWidensNothing),
        Action::ExportSecrets => (false, PermissionError::OnlyProgramsExportSecrets),
        Action::ReadKeys | Action::ChangeKeys | Action::ConfirmKey => {
            (false, PermissionError::KeysAreNotManagedByKeys)
        }
        Action::ReadAccess
        | Action::RemoveRule
        | Action::SetAccessPolicy
        | Action::ConfirmRule
        | Action::ShowApproval
        | Action::AnswerApproval => (false, PermissionError::KeysSeeNoRules),
        Action::ReadApiDocument => (true, PermissionError::KeysAreNotManagedByKeys),
    };
    if granted { Ok(()) } else { Err(error) }
}

impl PermissionError {
    /// What happened and why.
    pub const fn message(self) -> &'static str {
        match self {
            Self::WindowNeverGetsTokens => "the window never gets a token",
            Self::OtherConnection => "this client key was not made for this connection",
            Self::KeyMayNotManage => "this client key was made without `--manage`",
            Self::KeySetsNoCommand => {
                "a client key cannot set a command that runs on this computer"
            }
            Self::KeyChangesNoEndpoint => {
                "a client key cannot change where the secrets of an authenticator are sent"
            }
            Self::KeyWidensNothing => "a client key cannot widen what a connection may be used for",
            Self::OnlyProgramsExportSecrets => {
                "client secrets go neither to the window nor to the holder of a client key"
            }
            Self::KeysAreNotManagedByKeys => "a client key can neither see nor change client keys",
            Self::OnlyInTheApprovalWindow => {
                "while the desktop app runs, this is answered in its approval window only"
            }
            Self::KeysSeeNoRules => "a client key can neither see nor change who may have tokens",
            Self::OwnWindow => "the processes of the window may not use the socket",
            Self::OnlyInTheWindow => {
                "while the desktop app runs, access is widened in its window only"
            }
        }
    }

    /// What to do.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::WindowNeverGetsTokens => "use `valetkey token` in a terminal",
            Self::OtherConnection => {
                "make one that names it: `valetkey key create --connections NAME`"
            }
            Self::KeyMayNotManage => {
                "make one with `valetkey key create --manage`, or ask over the socket"
            }
            Self::KeyWidensNothing | Self::KeySetsNoCommand => {
                "ask over the socket: `valetkey` in a terminal does"
            }
            Self::KeyChangesNoEndpoint => {
                "ask over the socket (`valetkey update` does), or add another authenticator"
            }
            Self::OnlyProgramsExportSecrets => "run `valetkey export --with-secrets` in a terminal",
            Self::KeysAreNotManagedByKeys => "use `valetkey key` in a terminal",
            Self::OnlyInTheApprovalWindow => "open Valet Key, Access",
            Self::KeysSeeNoRules => "use `valetkey access` in a terminal",
            Self::OwnWindow => "this is a program that the window started: start it another way",
            Self::OnlyInTheWindow => "open Valet Key: it is under Access or Settings",
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
    fn every_caller_may_do_what_the_table_says() {
        let (own, other) = (connection(1), connection(2));
        let callers = [
            Caller::Window,
            Caller::Process(Arc::new(Process::running_now(Some(1), 0))),
            key(Some(vec![own]), false),
            key(Some(vec![own]), true),
            key(None, false),
            key(None, true),
        ];
        let table = [
            (Action::UseToken(own), [false, true, true, true, true, true]),
            (
                Action::UseToken(other),
                [false, true, false, false, true, true],
            ),
            (Action::UseProxy(own), [false, true, true, true, true, true]),
            (
                Action::UseProxy(other),
                [false, true, false, false, true, true],
            ),
            (
                Action::ReadConnection(own),
                [true, true, true, true, true, true],
            ),
            (
                Action::ReadConnection(other),
                [true, true, false, true, true, true],
            ),
            (Action::Manage, [true, true, false, true, false, true]),
            (Action::SetCommand, [true, true, false, false, false, false]),
            (
                Action::ChangeEndpoints,
                [true, true, false, false, false, false],
            ),
            (
                Action::ChangeApiHosts,
                [true, true, false, false, false, false],
            ),
            (Action::WidenProxy, [true, true, false, false, false, false]),
            (
                Action::ExportSecrets,
                [false, true, false, false, false, false],
            ),
            (Action::ReadKeys, [true, true, false, false, false, false]),
            (Action::ChangeKeys, [true, true, false, false, false, false]),
            (
                Action::ConfirmKey,
                [true, false, false, false, false, false],
            ),
            (Action::ReadAccess, [true, true, false, false, false, false]),
            (Action::RemoveRule, [true, true, false, false, false, false]),
            (
                Action::SetAccessPolicy,
                [true, true, false, false, false, false],
            ),
            (
                Action::ConfirmRule,
                [true, false, false, false, false, false],
            ),
            (
                Action::ShowApproval,
                [true, true, false, false, false, false],
            ),
            (
                Action::AnswerApproval,
                [false, true, false, false, false, false],
            ),
            (Action::ReadApiDocument, [true; 6]),
        ];
        for (action, row) in table {
            for (caller, allowed) in callers.iter().zip(row) {
                let result = check(caller, action, Host::Headless);
                assert_eq!(result.is_ok(), allowed, "{caller} {action:?}: {result:?}");
            }
        }
    }

    #[test]
    fn programs_widen_nothing_while_the_desktop_app_runs() {
        let program = Caller::Process(Arc::new(Process::running_now(Some(1), 0)));
        for action in [
            Action::ChangeKeys,
            Action::RemoveRule,
            Action::SetAccessPolicy,
            Action::ConfirmRule,
            Action::ConfirmKey,
        ] {
            let result = check(&program, action, Host::Desktop);
            assert_eq!(result, Err(PermissionError::OnlyInTheWindow), "{action:?}");
        }
        for caller in [&program, &Caller::Window, &Caller::Tray] {
            let result = check(caller, Action::AnswerApproval, Host::Desktop);
            assert_eq!(result, Err(PermissionError::OnlyInTheApprovalWindow));
        }
        assert_eq!(
            check(&Caller::Window, Action::ChangeKeys, Host::Desktop),
            Ok(())
        );
        assert_eq!(check(&program, Action::ReadKeys, Host::Desktop), Ok(()));
    }
}
