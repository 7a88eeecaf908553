//! Which change is worth a notification, and its words. Pure.
//!
//! One per change of state, never repeated: what is told is remembered per connection, and only a
//! worse state than the one that was told leads to a new notice. What heals by itself is none.
//! Several at once are folded into one.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::event::EventKind;
use valetkey_api::core::id::ConnectionId;
use valetkey_api::core::life::Status;
use valetkey_api::events::EventView;

use crate::watch::Snapshot;

/// A token without refresh is announced to end this long before, and again shortly before.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
const SHORTLY: SignedDuration = SignedDuration::from_mins(10);

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Notices of one kind replace each other.
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) body: String,
    /// What its button does.
    pub(crate) action: Action,
}

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Only the person can mend it.
    NeedsYou,
    /// A token without refresh ends soon.
    EndsSoon,
    /// A sign-in ended.
    SignIn,
}

/// What the button of a notice does. None widens anybody's access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Starts a sign-in.
    Reconnect { connection: String, profile: String },
    /// Opens the window.
    Open,
}

/// How bad it is; later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    None,
    EndsInADay,
    EndsShortly,
    NeedsYou,
}

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// None before the first snapshot: what was so before the start is no change.
    told: Option<HashMap<ConnectionId, Trouble>>,
}

impl Notices {
    /// What to show, now that things stand so and these events happened.
    pub(crate) fn after(
        &mut self,
        snapshot: &Snapshot,
        events: &[EventView],
        now: Timestamp,
    ) -> Vec<Notice> {
        let troubles: HashMap<ConnectionId, Trouble> = snapshot
            .connections
            .iter()
            .map(|it| (it.id, trouble(it, now)))
            .collect();
        let Some(before) = self.told.replace(troubles.clone()) else {
            return Vec::new();
        };
        let worse = |wanted: &[Trouble]| -> Vec<&ConnectionView> {
            let worse = snapshot.connections.iter().filter(|it| {
                let trouble = troubles[&it.id];
                let told = before.get(&it.id).copied().unwrap_or(Trouble::None);
                wanted.contains(&trouble) && trouble > told
            });
            worse.collect()
        };
        let mut notices = Vec::new();
        notices.extend(needs_you(&worse(&[Trouble::NeedsYou])));
        let soon = worse(&[Trouble::EndsInADay, Trouble::EndsShortly]);
        notices.extend(ends_soon(&soon, now));
        notices.extend(events.iter().rev().find_map(sign_in));
        notices
    }

    /// When something is announced next by the clock alone.
    pub(crate) fn next_look(snapshot: &Snapshot, now: Timestamp) -> Option<Timestamp> {
        let ends = snapshot.connections.iter().filter(|it| !it.refreshable);
        let ends = ends.filter_map(|it| it.expires_at);
        let looks = ends.flat_map(|end| [A_DAY, SHORTLY, SignedDuration::ZERO].map(|it| end - it));
        looks.filter(|at| *at > now).min()
    }
}

fn trouble(connection: &ConnectionView, now: Timestamp) -> Trouble {
    let left = connection.expires_at.map(|end| end.duration_since(now));
    match connection.status {
        Status::Active | Status::Expired if connection.refreshable => Trouble::None,
        Status::NeedsReconnect | Status::Expired => Trouble::NeedsYou,
        Status::Active => {
            // A token that never lived a day is not announced a day before.
            let lifetime = connection
                .issued_at
                .zip(connection.expires_at)
                .map(|(from, end)| end.duration_since(from));
            match left {
                Some(left) if left <= SignedDuration::ZERO => Trouble::NeedsYou,
                Some(left) if left <= SHORTLY && lifetime > Some(SHORTLY) => Trouble::EndsShortly,
                Some(left) if left <= A_DAY && lifetime > Some(A_DAY) => Trouble::EndsInADay,
                Some(_) | None => Trouble::None,
            }
        }
        Status::Connecting | Status::Refreshing | Status::Removing => Trouble::None,
    }
}

fn needs_you(connections: &[&ConnectionView]) -> Option<Notice> {
    let (title, body) = match connections {
        [] => return None,
        [one] => (
            format!("{} needs you to sign in again", one.name),
            why(one).unwrap_or_else(|| "Its login has ended".to_owned()),
        ),
        many => (
            format!("{} accounts need you to sign in again", many.len()),
            names(many),
        ),
    };
    Some(Notice {
        kind: Kind::NeedsYou,
        title,
        body,
        action: action(connections),
    })
}

fn ends_soon(connections: &[&ConnectionView], now: Timestamp) -> Option<Notice> {
    let (title, body) = match connections {
        [] => return None,
        [one] => {
            let left = one.expires_at?.duration_since(now);
            let left = if left > SignedDuration::from_hours(2) {
                format!("{} hours", left.as_hours())
            } else {
                format!("{} minutes", left.as_mins().max(1))
            };
            (
                format!("{} ends in {left}", one.name),
                "It cannot be renewed by itself; signing in again now gives a new login".to_owned(),
            )
        }
        many => (format!("{} logins end soon", many.len()), names(many)),
    };
    Some(Notice {
        kind: Kind::EndsSoon,
        title,
        body,
        action: action(connections),
    })
}

fn sign_in(event: &EventView) -> Option<Notice> {
    let name = event
        .connection
        .clone()
        .or_else(|| event.authenticator.clone())?;
    let (title, body) = match event.kind {
        EventKind::SignInCompleted => (format!("{name} is connected"), String::new()),
        EventKind::SignInFailed => (
            format!("Signing in to {name} failed"),
            "Open Valet Key to see why".to_owned(),
        ),
        EventKind::SignInDenied => (
            format!("Signing in to {name} was refused"),
            "The provider says that the person declined".to_owned(),
        ),
        EventKind::SignInTimedOut => (format!("Nobody signed in to {name} in time"), String::new()),
        _ => return None,
    };
    Some(Notice {
        kind: Kind::SignIn,
        title,
        body,
        action: Action::Open,
    })
}

fn action(connections: &[&ConnectionView]) -> Action {
    match connections {
        [one] => Action::Reconnect {
            connection: one.name.to_string(),
            profile: one.profile.to_string(),
        },
        _ => Action::Open,
    }
}

fn why(connection: &ConnectionView) -> Option<String> {
    connection.setback.as_ref().map(|it| it.reason.clone())
}

fn names(connections: &[&ConnectionView]) -> String {
    let names: Vec<String> = connections.iter().map(|it| it.name.to_string()).collect();
    names.join(", ")
}
