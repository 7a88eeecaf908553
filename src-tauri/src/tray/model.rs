//! What icon and menu show. Pure.

use std::fmt;

use valetkey_api::connections::ConnectionView;
use valetkey_api::core::connection::RefreshErrorKind;
use valetkey_api::core::connection_state::Status;

use crate::snapshot::{Questions, Snapshot};

/// Icon and menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) state: State,
    /// One line per connection, and per authenticator without one.
    pub(super) lines: Vec<Line>,
    /// Entries about the app itself.
    pub(super) end: Vec<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// All is well.
    Well,
    /// The person has to do something.
    NeedsYou,
    /// A question to the person is in the approval window.
    Asking,
    /// A sign-in is under way.
    Busy,
    /// Token sharing is paused.
    Paused,
    /// The keychain is locked.
    Locked,
    /// Nothing is known yet.
    Starting,
}

impl State {
    pub(super) const fn tooltip(self) -> &'static str {
        match self {
            Self::Well => "Valet Key",
            Self::NeedsYou => "Valet Key: sign in again",
            Self::Asking => "Valet Key: a question waits for your answer",
            Self::Busy => "Valet Key: signing in",
            Self::Paused => "Valet Key: paused, programs get no tokens",
            Self::Locked => "Valet Key: the keychain is locked",
            Self::Starting => "Valet Key: starting",
        }
    }
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Item {
        label: String,
        action: MenuAction,
    },
    Submenu {
        label: String,
        actions: Vec<(&'static str, MenuAction)>,
    },
}

/// An entry's action. Its text is the id of the menu item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MenuAction {
    Connect {
        authenticator: String,
        profile: String,
    },
    Disconnect {
        id: String,
        name: String,
    },
    CopyToken {
        id: String,
    },
    Details {
        id: String,
    },
    OpenAt {
        url: String,
    },
    /// Brings the approval window to the front.
    Decide,
    /// Opens the page with what was not answered.
    Access,
    Pause,
    Resume,
    Unlock,
    Open,
    Settings,
    Quit,
}

impl fmt::Display for MenuAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect {
                authenticator,
                profile,
            } => write!(f, "connect {profile} {authenticator}"),
            Self::Disconnect { id, name } => write!(f, "disconnect {id} {name}"),
            Self::CopyToken { id } => write!(f, "copy {id}"),
            Self::Details { id } => write!(f, "details {id}"),
            Self::OpenAt { url } => write!(f, "open-at {url}"),
            Self::Decide => f.write_str("decide"),
            Self::Access => f.write_str("access"),
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::Unlock => f.write_str("unlock"),
            Self::Open => f.write_str("open"),
            Self::Settings => f.write_str("settings"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

impl MenuAction {
    /// Reads the id of a menu item back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let both = || {
            let (first, second) = rest.split_once(' ')?;
            Some((first.to_owned(), second.to_owned()))
        };
        Some(match kind {
            "connect" => {
                let (profile, authenticator) = both()?;
                Self::Connect {
                    authenticator,
                    profile,
                }
            }
            "disconnect" => {
                let (id, name) = both()?;
                Self::Disconnect { id, name }
            }
            "copy" => Self::CopyToken {
                id: rest.to_owned(),
            },
            "details" => Self::Details {
                id: rest.to_owned(),
            },
            "open-at" => Self::OpenAt {
                url: rest.to_owned(),
            },
            "decide" => Self::Decide,
            "access" => Self::Access,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "unlock" => Self::Unlock,
            "open" => Self::Open,
            "settings" => Self::Settings,
            "quit" => Self::Quit,
            _ => return None,
        })
    }
}

impl Model {
    /// Before the first snapshot.
    pub(super) fn starting() -> Self {
        Self {
            state: State::Starting,
            lines: Vec::new(),
            end: end(false),
        }
    }

    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let connections = snapshot.connections.iter();
        let locked = snapshot.keychain_locked.then(|| Line::Item {
            label: "The keychain is locked: unlock…".to_owned(),
            action: MenuAction::Unlock,
        });
        let connected = connections.map(|it| connected(snapshot, it));
        let mut lines: Vec<Line> = questions(snapshot.questions)
            .chain(locked)
            .chain(connected)
            .collect();
        let idle = snapshot.authenticators.iter().filter(|it| {
            it.is_active
                && !snapshot
                    .connections
                    .iter()
                    .any(|connection| connection.authenticator_id == it.id)
        });
        lines.extend(idle.map(|it| {
            let signing_in = snapshot.is_signing_in(&it.name, &it.profile);
            let state = if signing_in {
                "signing in…"
            } else {
                "not connected"
            };
            let name = snapshot.name_of(it);
            Line::Submenu {
                label: format!("{name}: {state}"),
                actions: vec![(
                    "Connect",
                    MenuAction::Connect {
                        authenticator: it.name.to_string(),
                        profile: it.profile.to_string(),
                    },
                )],
            }
        }));
        Self {
            state: state(snapshot),
            lines,
            end: end(snapshot.paused),
        }
    }
}

/// A line for the questions that are asked now, and one for those that nobody answered.
fn questions(questions: Questions) -> impl Iterator<Item = Line> {
    let asked = match questions.asked {
        0 => None,
        1 => Some("1 question waits: answer…".to_owned()),
        many => Some(format!("{many} questions wait: answer…")),
    };
    let unanswered = match questions.unanswered {
        0 => None,
        1 => Some("1 request was not answered".to_owned()),
        many => Some(format!("{many} requests were not answered")),
    };
    let lines = [
        (asked, MenuAction::Decide),
        (unanswered, MenuAction::Access),
    ];
    let lines = lines.into_iter();
    lines.filter_map(|(label, action)| label.map(|label| Line::Item { label, action }))
}

fn state(snapshot: &Snapshot) -> State {
    let needs_you = |it: &ConnectionView| it.status == Status::NeedsReconnect || needs_fixing(it);
    if snapshot.keychain_locked {
        State::Locked
    } else if snapshot.questions.asked > 0 {
        State::Asking
    } else if snapshot.paused {
        State::Paused
    } else if !snapshot.signing_in.is_empty() {
        State::Busy
    } else if snapshot.connections.iter().any(needs_you) {
        State::NeedsYou
    } else {
        State::Well
    }
}

fn connected(snapshot: &Snapshot, connection: &ConnectionView) -> Line {
    let name = snapshot.display_name(connection);
    let profile = connection.profile.to_string();
    let id = connection.id.to_string();
    let signing_in = snapshot.is_signing_in(&connection.authenticator, &connection.profile);
    let (state, again) = match connection.status {
        _ if signing_in => ("signing in…", false),
        _ if !snapshot.is_active(connection) => ("disabled", false),
        _ if needs_fixing(connection) => ("needs fixing", false),
        Status::Active | Status::Refreshing => ("connected", false),
        Status::Expired => ("expired", true),
        Status::NeedsReconnect => ("sign in again", true),
        Status::Connecting => ("connecting", false),
        Status::Removing => ("disconnecting", false),
    };
    let connect = MenuAction::Connect {
        authenticator: connection.name.to_string(),
        profile: profile.clone(),
    };
    let mut actions = Vec::new();
    if again || signing_in {
        actions.push(("Reconnect", connect));
    }
    actions.push(("Details", MenuAction::Details { id: id.clone() }));
    if !again && snapshot.is_active(connection) {
        actions.push(("Copy token…", MenuAction::CopyToken { id: id.clone() }));
    }
    if let Some(url) = snapshot.console_of(connection) {
        actions.push(("Open at provider", MenuAction::OpenAt { url }));
    }
    actions.push((
        "Disconnect",
        MenuAction::Disconnect {
            id,
            name: name.clone(),
        },
    ));
    Line::Submenu {
        label: format!("{name}: {state}"),
        actions,
    }
}

/// The provider refuses the registered client.
fn needs_fixing(connection: &ConnectionView) -> bool {
    let refresh_error = connection.refresh_error.as_ref();
    refresh_error.is_some_and(|it| it.kind == RefreshErrorKind::FixClient)
}

fn end(paused: bool) -> Vec<Line> {
    let item = |label: &str, action| Line::Item {
        label: label.to_owned(),
        action,
    };
    vec![
        item("Open Valet Key", MenuAction::Open),
        if paused {
            item("Resume token sharing", MenuAction::Resume)
        } else {
            item("Pause token sharing", MenuAction::Pause)
        },
        item("Settings", MenuAction::Settings),
        item("Quit", MenuAction::Quit),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_keychain_is_said_first_and_can_be_unlocked() {
        let snapshot = Snapshot {
            keychain_locked: true,
            paused: true,
            ..Snapshot::default()
        };
        let model = Model::of(&snapshot);
        assert_eq!(model.state.tooltip(), "Valet Key: the keychain is locked");
        let unlock = Line::Item {
            label: "The keychain is locked: unlock…".to_owned(),
            action: MenuAction::Unlock,
        };
        assert_eq!(model.lines, [unlock]);
    }

    #[test]
    fn questions_stand_first_and_lead_to_where_they_are_answered() {
        let of = |asked, unanswered| {
            let questions = Questions { asked, unanswered };
            Model::of(&Snapshot {
                questions,
                paused: true,
                ..Snapshot::default()
            })
        };
        let line = |label: &str, action| Line::Item {
            label: label.to_owned(),
            action,
        };
        assert_eq!(of(0, 0).lines, []);
        assert_eq!(
            of(1, 2).lines,
            [
                line("1 question waits: answer…", MenuAction::Decide),
                line("2 requests were not answered", MenuAction::Access)
            ]
        );
        assert_eq!(
            of(3, 0).lines,
            [line("3 questions wait: answer…", MenuAction::Decide)]
        );
        assert_eq!(of(1, 0).state, State::Asking);
        assert_eq!(of(0, 1).state, State::Paused, "that is no hurry");
    }

    #[test]
    fn ids_read_back() {
        let text = str::to_owned;
        for action in [
            MenuAction::Connect {
                authenticator: text("github/work"),
                profile: text("staging"),
            },
            MenuAction::Disconnect {
                id: text("7"),
                name: text("github"),
            },
            MenuAction::CopyToken { id: text("7") },
            MenuAction::Details { id: text("7") },
            MenuAction::OpenAt {
                url: text("https://example.com/a"),
            },
            MenuAction::Decide,
            MenuAction::Access,
            MenuAction::Pause,
            MenuAction::Resume,
            MenuAction::Unlock,
            MenuAction::Open,
            MenuAction::Settings,
            MenuAction::Quit,
        ] {
            assert_eq!(MenuAction::parse(&action.to_string()), Some(action));
        }
        assert_eq!(MenuAction::parse("erase everything"), None);
    }
}
