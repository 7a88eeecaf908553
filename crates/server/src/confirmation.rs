//! Changes that widen what programs can do. While the desktop app runs, the person confirms each in
//! the app's own process, whoever asks: a program, the holder of a key, the page or the tray, whose
//! clicks come over the session bus. Else a program that was denied could lift a pause, send a client
//! secret to itself, or stop the app and ask an agent that allows.

use valetkey_agent::ChangeQuestion;
use valetkey_api::core::access::Policy;

use crate::app::App;
use crate::caller::Caller;
use crate::error_response::ErrorResponse;

/// A change that widens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Serve tokens again.
    Resume,
    /// End the app, asked by a program.
    Stop,
    /// A new client key.
    NewKey {
        name: String,
        /// None: all.
        connections: Option<Vec<String>>,
        manage: bool,
    },
    /// A client key that was made while no desktop app ran.
    ConfirmKey {
        name: String,
        /// None: all.
        connections: Option<Vec<String>>,
        manage: bool,
    },
    /// Where the secrets of an authenticator are sent, or how.
    Endpoints { authenticator: String },
    /// Further hosts for its tokens.
    ApiHosts { authenticator: String },
    /// Less strict settings of a connection's proxy.
    Proxy { connection: String },
    /// The command that opens the browser.
    Browser { command: Option<String> },
    /// What programs get that no rule decides about.
    Policy(Policy),
    /// A shorter retention: older events are deleted.
    Retention { days: u16 },
    /// No pause while the session is locked.
    NoPauseOnLock,
    /// A token goes to the clipboard.
    CopyToken { connection: String },
}

impl App {
    /// Returns once the person has confirmed it. Without a desktop app nobody is asked.
    pub(crate) async fn confirm(
        &self,
        change: Change,
        asked_by: String,
    ) -> Result<(), ErrorResponse> {
        let question = change.question(asked_by);
        Ok(self.agent().confirm(question).await?)
    }

    /// As [`Self::confirm`], for what only a program or a key is asked about.
    pub(crate) async fn confirm_for_program(
        &self,
        change: Change,
        caller: &Caller,
    ) -> Result<(), ErrorResponse> {
        match caller {
            Caller::Process(_) | Caller::Key(_) => self.confirm(change, caller.asked_by()).await,
            Caller::Window | Caller::Tray | Caller::Notification => Ok(()),
        }
    }
}

impl Change {
    fn question(self, asked_by: String) -> ChangeQuestion {
        let (title, text, confirm) = match self {
            Self::Resume => (
                "Resume token sharing?".to_owned(),
                "Programs get tokens again.".to_owned(),
                "Resume",
            ),
            Self::Stop => (
                "Stop Valet Key?".to_owned(),
                "No program gets a token until it is started again. Nothing is lost.".to_owned(),
                "Stop",
            ),
            Self::NewKey {
                name,
                connections,
                manage,
            } => (
                format!("Create the client key `{name}`?"),
                key_opens(connections, manage),
                "Create",
            ),
            Self::ConfirmKey {
                name,
                connections,
                manage,
            } => (
                format!("Let the client key `{name}` be used?"),
                format!(
                    "It was made while Valet Key ran without a window.\n{}",
                    key_opens(connections, manage)
                ),
                "Allow",
            ),
            Self::Endpoints { authenticator } => (
                format!("Change where `{authenticator}` sends its secrets?"),
                "Its client secret and its logins are sent to the new addresses.".to_owned(),
                "Change",
            ),
            Self::ApiHosts { authenticator } => (
                format!("Add hosts for the tokens of `{authenticator}`?"),
                "Programs may then send requests with its tokens to these hosts.".to_owned(),
                "Add",
            ),
            Self::Proxy { connection } => (
                format!("Allow more with `{connection}`?"),
                "Its token may then be handed out, or more methods pass its proxy.".to_owned(),
                "Allow",
            ),
            Self::Browser { command } => (
                "Change the browser command?".to_owned(),
                match command {
                    Some(command) => format!("Each sign-in then runs: {command}"),
                    None => "Sign-ins then open the browser of the desktop.".to_owned(),
                },
                "Change",
            ),
            Self::Policy(policy) => (
                "Change what undecided programs get?".to_owned(),
                match policy {
                    Policy::Allow => {
                        "Every program of this user then gets tokens without a question.".to_owned()
                    }
                    Policy::Ask => {
                        "You are then asked about each program that no rule decides about."
                            .to_owned()
                    }
                    Policy::Deny => "Programs that no rule allows are then refused.".to_owned(),
                },
                "Change",
            ),
            Self::Retention { days } => (
                "Keep the activity for a shorter time?".to_owned(),
                format!("Entries that are older than {days} days are deleted now."),
                "Delete",
            ),
            Self::NoPauseOnLock => (
                "Share tokens while the session is locked?".to_owned(),
                "Programs then get tokens also while nobody is in front.".to_owned(),
                "Share",
            ),
            Self::CopyToken { connection } => (
                format!("Copy a token of `{connection}`?"),
                "Every program on this desktop can read the clipboard until it is cleared."
                    .to_owned(),
                "Copy",
            ),
        };
        ChangeQuestion {
            title,
            text,
            asked_by,
            confirm: confirm.to_owned(),
        }
    }
}

/// What a client key opens.
fn key_opens(connections: Option<Vec<String>>, manage: bool) -> String {
    let may = match connections {
        None => "all connections, also later ones".to_owned(),
        Some(names) if names.is_empty() => "no connection any more".to_owned(),
        Some(names) => names.join(", "),
    };
    let manage = if manage {
        " It may also add and remove connections."
    } else {
        ""
    };
    format!("Whoever has it gets tokens of: {may}.{manage}")
}

/// Whether programs get more by the second policy than by the first.
pub(crate) const fn widens(before: Policy, after: Policy) -> bool {
    match (before, after) {
        (Policy::Deny, Policy::Ask | Policy::Allow) | (Policy::Ask, Policy::Allow) => true,
        (Policy::Deny, Policy::Deny)
        | (Policy::Ask, Policy::Ask | Policy::Deny)
        | (Policy::Allow, _) => false,
    }
}
