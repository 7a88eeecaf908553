//! Changes that widen what programs can do. While the desktop app runs, the person confirms each in
//! the app's own process, whoever asks: a program, the holder of a key, the page or the tray, whose
//! clicks come over the session bus. Else a program that was denied could lift a pause, send a client
//! secret to itself, or stop the app and ask an agent that allows.

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};
use valetkey_agent::ChangeQuestion;
use valetkey_api::core::access::Policy;
use valetkey_api::core::proxy_settings::Widened;

use crate::app::App;
use crate::caller::Caller;
use crate::error_response::ErrorResponse;

/// Held while a change is judged and made: what widens is what it is made to, and a change that narrows
/// is not undone by one that was judged before it. Nobody is asked under them.
#[derive(Debug, Default)]
pub(crate) struct ChangeLocks {
    /// Of the settings, and of the pause.
    pub(crate) settings: Mutex<()>,
    /// Of authenticators and connections. A keychain that hangs can hold it for seconds.
    pub(crate) logins: Mutex<()>,
    /// Of rules.
    pub(crate) rules: Mutex<()>,
}

/// A change that widens. Equal ones are one question, so each names all that the person says yes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Serve tokens again.
    Resume,
    /// End the app, asked by a program.
    Stop,
    /// A new client key.
    NewKey {
        key: KeyAccess,
        /// None: it lives until it is revoked.
        ends_at: Option<Timestamp>,
    },
    /// A client key that was made while no desktop app ran.
    ConfirmKey(KeyAccess),
    /// A rule that was written while no desktop app ran.
    ConfirmRule {
        program: String,
        connection: String,
        location: String,
    },
    /// A denial that ends before its time.
    RemoveDenial { program: String, connection: String },
    /// A rule that kept a program to less than others let it have.
    RemoveLimit { program: String, connection: String },
    /// Where the secrets of an authenticator are sent, or how.
    Endpoints {
        authenticator: String,
        /// `token_url: https://example.com/token`
        routes: Vec<String>,
    },
    /// Further hosts for its tokens.
    ApiHosts {
        authenticator: String,
        hosts: Vec<String>,
    },
    /// An authenticator that was disabled is used again.
    Enable {
        authenticator: String,
        /// Whose tokens programs may then get.
        connections: Vec<String>,
    },
    /// Less strict settings of a connection's proxy.
    Proxy {
        connection: String,
        widened: Widened,
    },
    /// A key takes the place of a login, or of another key, of an account that may be another one.
    ReplaceLogin { connection: String },
    /// The command that opens the browser.
    Browser { command: Option<String> },
    /// What programs get that no rule decides about.
    Policy(Policy),
    /// A shorter retention: older events are deleted.
    Retention { days: u16 },
    /// No pause while the session is locked.
    NoPauseOnLock,
    /// No pause while the session is idle.
    NoPauseOnIdle,
    /// Client secrets go to a program, for an encrypted file.
    ExportSecrets { authenticators: Vec<String> },
    /// A token goes to the clipboard.
    CopyToken { connection: String },
}

/// What a client key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyAccess {
    pub(crate) name: String,
    /// None: all.
    pub(crate) connections: Option<Vec<String>>,
    pub(crate) manage: bool,
}

/// What the person reads: title, text, and the label of the button that makes the change.
type Words = (String, String, &'static str);

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

    /// Confirms all that `widening` finds, and looks again afterwards: what is there may have changed while
    /// the person was asked. The change is made while the lock is held that this returns.
    pub(crate) async fn confirm_all<'a>(
        &self,
        caller: &Caller,
        one_change: &'a Mutex<()>,
        widening: impl Fn() -> Result<Vec<Change>, ErrorResponse>,
    ) -> Result<MutexGuard<'a, ()>, ErrorResponse> {
        let mut confirmed = Vec::new();
        loop {
            let guard = one_change.lock().await;
            let changes = widening()?;
            let next = changes
                .into_iter()
                .find(|change| !confirmed.contains(change));
            let Some(change) = next else {
                return Ok(guard);
            };
            drop(guard);
            self.confirm(change.clone(), caller.asked_by()).await?;
            confirmed.push(change);
        }
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
        let (title, text, confirm) = self.words();
        ChangeQuestion {
            title,
            text,
            asked_by,
            confirm: confirm.to_owned(),
        }
    }

    fn words(self) -> Words {
        match self {
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
            Self::NewKey { key, ends_at } => new_key(&key, ends_at),
            Self::ConfirmKey(key) => (
                format!("Let the client key `{}` be used?", key.name),
                format!("{MADE_WITHOUT_WINDOW}\n{}", key.text()),
                "Allow",
            ),
            Self::ConfirmRule {
                program,
                connection,
                location,
            } => (
                format!("Let {program} use {connection}?"),
                format!("{MADE_WITHOUT_WINDOW}\n{location}"),
                "Allow",
            ),
            Self::RemoveDenial {
                program,
                connection,
            } => remove("denial", &program, &format!("may then ask for {connection} again.")),
            Self::RemoveLimit {
                program,
                connection,
            } => {
                let then = format!("then gets more of {connection}: what another rule or the policy says.");
                remove("limit", &program, &then)
            }
            Self::Endpoints {
                authenticator,
                routes,
            } => (
                format!("Change where `{authenticator}` sends its secrets?"),
                format!(
                    "Its client secret and its logins are then sent by these values.\n{}",
                    routes.join("\n")
                ),
                "Change",
            ),
            Self::ApiHosts {
                authenticator,
                hosts,
            } => (
                format!("Add hosts for the tokens of `{authenticator}`?"),
                format!(
                    "Programs may then send requests with its tokens to: {}.",
                    hosts.join(", ")
                ),
                "Add",
            ),
            Self::Enable {
                authenticator,
                connections,
            } => enable(&authenticator, &connections),
            Self::Proxy {
                connection,
                widened,
            } => proxy(&connection, widened),
            Self::ReplaceLogin { connection } => (
                format!("Put another key in the place of `{connection}`?"),
                "It may be of another account. Programs that may use this connection then use that one."
                    .to_owned(),
                "Replace",
            ),
            Self::Browser { command } => browser(command),
            Self::Policy(to) => policy(to),
            Self::Retention { days } => (
                "Keep the activity for a shorter time?".to_owned(),
                format!("Entries that are older than {days} days are deleted now."),
                "Delete",
            ),
            Self::NoPauseOnLock => no_pause("locked"),
            Self::NoPauseOnIdle => no_pause("idle"),
            Self::ExportSecrets { authenticators } => (
                "Export client secrets?".to_owned(),
                format!(
                    "The program gets the client secrets and keys of: {}. Logins stay here.",
                    authenticators.join(", ")
                ),
                "Export",
            ),
            Self::CopyToken { connection } => (
                format!("Copy a token of `{connection}`?"),
                "Every program on this desktop can read the clipboard until it is cleared."
                    .to_owned(),
                "Copy",
            ),
        }
    }
}

const MADE_WITHOUT_WINDOW: &str = "It was allowed while Valet Key ran without a window.";

fn new_key(key: &KeyAccess, ends_at: Option<Timestamp>) -> Words {
    let ends = match ends_at {
        None => "It works until you revoke it.".to_owned(),
        Some(end) => format!("It ends {}.", end.strftime("%Y-%m-%d %H:%M UTC")),
    };
    (
        format!("Create the client key `{}`?", key.name),
        format!("{} {ends}", key.text()),
        "Create",
    )
}

/// `then`: what the program gets.
fn remove(what: &str, program: &str, then: &str) -> Words {
    (
        format!("Remove the {what} for {program}?"),
        format!("{program} {then}"),
        "Remove",
    )
}

fn enable(authenticator: &str, connections: &[String]) -> Words {
    (
        format!("Enable `{authenticator}`?"),
        format!(
            "Programs that may use them then get tokens of: {}.",
            connections.join(", ")
        ),
        "Enable",
    )
}

fn no_pause(session: &str) -> Words {
    (
        format!("Share tokens while the session is {session}?"),
        "Programs then get tokens also while nobody is in front.".to_owned(),
        "Share",
    )
}

fn proxy(connection: &str, widened: Widened) -> Words {
    let token = widened.token;
    let token = token.then(|| "Programs may then get its token itself.".to_owned());
    let methods = widened.methods;
    let methods = methods.map(|methods| format!("Its proxy then passes: {methods}."));
    let text: Vec<String> = token.into_iter().chain(methods).collect();
    (
        format!("Allow more with `{connection}`?"),
        text.join(" "),
        "Allow",
    )
}

fn browser(command: Option<String>) -> Words {
    (
        "Change the browser command?".to_owned(),
        match command {
            Some(command) => format!("Each sign-in then runs: {command}"),
            None => "Sign-ins then open the browser of the desktop.".to_owned(),
        },
        "Change",
    )
}

fn policy(to: Policy) -> Words {
    let text = match to {
        Policy::Allow => "Every program of this user then gets tokens without a question.",
        Policy::Ask => "You are then asked about each program that no rule decides about.",
        Policy::Deny => "Programs that no rule allows are then refused.",
    };
    (
        "Change what undecided programs get?".to_owned(),
        text.to_owned(),
        "Change",
    )
}

impl KeyAccess {
    fn text(&self) -> String {
        let may = match &self.connections {
            None => "all connections, also later ones".to_owned(),
            Some(names) if names.is_empty() => "no connection any more".to_owned(),
            Some(names) => names.join(", "),
        };
        let manage = if self.manage {
            " It may also add and remove connections."
        } else {
            ""
        };
        format!("Whoever has it gets tokens of: {may}.{manage}")
    }
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
