//! Which change is worth a notification, and its words. Pure.
//!
//! One per change of state, never repeated: what is told is remembered per connection, and only a
//! worse state than the one that was told leads to a new notice. What heals by itself is none, and
//! whatever has healed may be told again when it comes back. Several at once are folded into one.
//!
//! A kind that is switched off counts as told: switching it on again brings up nothing old. In quiet
//! hours nothing is told at all, so what still needs the person at their end is worse than what was
//! told, and comes then, as one notice. How a sign-in went is not kept until then: it answers a
//! person who sits in front of the browser, whose page has said the same.
//!
//! A paused agent goes on telling: it hands nothing out, but a login that ends while it is paused
//! needs the person all the same.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, Zoned};
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::connection::RefreshErrorKind;
use valetkey_api::core::connection_state::Status;
use valetkey_api::core::event::EventKind;
use valetkey_api::core::id::ConnectionId;
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
    /// Quiet hours keep something back.
    held_back: bool,
}

impl Notices {
    /// What to show, now that things stand so and these events happened.
    pub(crate) fn after(
        &mut self,
        snapshot: &Snapshot,
        events: &[EventView],
        now: &Zoned,
    ) -> Vec<Notice> {
        let first = self.told.is_none();
        let before = self.told.take().unwrap_or_default();
        let told = |it: &ConnectionView| before.get(&it.id).copied().unwrap_or(Trouble::None);
        let trouble = |it: &ConnectionView| trouble(it, now.timestamp()).unwrap_or(told(it));
        let all = &snapshot.connections;
        let worse: Vec<&ConnectionView> = all.iter().filter(|it| trouble(it) > told(it)).collect();

        let wishes = &snapshot.notifications;
        let quiet = wishes.quiet_hours.is_some_and(|it| it.contain(now.time()));
        self.held_back = quiet && !first && !worse.is_empty();
        let to_remember = |it: &ConnectionView| {
            let now = trouble(it);
            let healed = now.min(told(it));
            (it.id, if self.held_back { healed } else { now })
        };
        self.told = Some(all.iter().map(to_remember).collect());
        if first || quiet {
            return Vec::new();
        }
        let (lost, ending): (Vec<_>, Vec<_>) = worse
            .into_iter()
            .partition(|it| trouble(it) == Trouble::NeedsYou);
        let lost = if wishes.needs_you { &lost[..] } else { &[] };
        let ending = if wishes.ends_soon { &ending[..] } else { &[] };
        let mut notices = Vec::from_iter(troubled(snapshot, lost, ending, now.timestamp()));
        if wishes.sign_in {
            notices.extend(sign_ins(snapshot, events));
        }
        notices
    }

    /// Kinds that concern nothing any more: what they said is no longer so.
    pub(crate) fn over(&self) -> Vec<Kind> {
        let told = || self.told.iter().flat_map(HashMap::values);
        let lost = told().any(|it| *it == Trouble::NeedsYou);
        let ending = told().any(|it| matches!(it, Trouble::EndsInADay | Trouble::EndsShortly));
        let kinds = [(Kind::NeedsYou, lost), (Kind::EndsSoon, ending)];
        let over = kinds.into_iter().filter(|(_, concerns)| !concerns);
        over.map(|(kind, _)| kind).collect()
    }

    /// When something is announced next by the clock alone.
    pub(crate) fn next_look(&self, snapshot: &Snapshot, now: &Zoned) -> Option<Timestamp> {
        let ends = snapshot.connections.iter().filter(|it| !it.refreshable);
        let ends = ends.filter_map(|it| it.expires_at);
        let looks = ends.flat_map(|end| [A_DAY, SHORTLY, SignedDuration::ZERO].map(|it| end - it));
        let looks = looks.chain(self.end_of_quiet(snapshot, now));
        looks.filter(|at| *at > now.timestamp()).min()
    }

    fn end_of_quiet(&self, snapshot: &Snapshot, now: &Zoned) -> Option<Timestamp> {
        let hours = snapshot.notifications.quiet_hours;
        let end = hours.filter(|_| self.held_back)?.end();
        let today = now.with().time(end).build().ok()?;
        let next = if today > *now {
            today
        } else {
            today.tomorrow().ok()?
        };
        Some(next.timestamp())
    }
}

/// None while it is on its way from one state to another: then it is as it was.
fn trouble(connection: &ConnectionView, now: Timestamp) -> Option<Trouble> {
    let left = connection.expires_at.map(|end| end.duration_since(now));
    Some(match connection.status {
        Status::Connecting | Status::Refreshing | Status::Removing => return None,
        Status::Active | Status::Expired if needs_mending(connection) => Trouble::NeedsYou,
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
    })
}

/// The provider refuses the registered client: signing in again is no help.
fn needs_mending(connection: &ConnectionView) -> bool {
    let refresh_error = connection.refresh_error.as_ref();
    refresh_error.is_some_and(|it| it.kind == RefreshErrorKind::FixClient)
}

/// One notice for all of them.
fn troubled(
    snapshot: &Snapshot,
    lost: &[&ConnectionView],
    ending: &[&ConnectionView],
    now: Timestamp,
) -> Option<Notice> {
    if lost.is_empty() {
        return ends_soon(snapshot, ending, now);
    }
    if ending.is_empty() {
        return needs_you(snapshot, lost);
    }
    Some(Notice {
        kind: Kind::NeedsYou,
        title: format!("{} logins need you", lost.len() + ending.len()),
        body: format!(
            "Now: {}. Soon: {}",
            names(snapshot, lost),
            names(snapshot, ending)
        ),
        action: Action::Open,
    })
}

fn needs_you(snapshot: &Snapshot, connections: &[&ConnectionView]) -> Option<Notice> {
    let (title, body) = match connections {
        [] => return None,
        [one] if needs_mending(one) => (
            format!(
                "The registered client of {} needs mending",
                snapshot.called(one)
            ),
            why(one).unwrap_or_else(|| "Its provider refuses it".to_owned()),
        ),
        [one] => (
            format!("{} needs you to sign in again", snapshot.called(one)),
            why(one).unwrap_or_else(|| "Its login has ended".to_owned()),
        ),
        many if many.iter().any(|it| needs_mending(it)) => (
            format!("{} accounts need you", many.len()),
            names(snapshot, many),
        ),
        many => (
            format!("{} accounts need you to sign in again", many.len()),
            names(snapshot, many),
        ),
    };
    Some(Notice {
        kind: Kind::NeedsYou,
        title,
        body,
        action: action(connections),
    })
}

fn ends_soon(
    snapshot: &Snapshot,
    connections: &[&ConnectionView],
    now: Timestamp,
) -> Option<Notice> {
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
                format!("{} ends in {left}", snapshot.called(one)),
                "It cannot be renewed by itself; signing in again now gives a new login".to_owned(),
            )
        }
        many => (
            format!("{} logins end soon", many.len()),
            names(snapshot, many),
        ),
    };
    Some(Notice {
        kind: Kind::EndsSoon,
        title,
        body,
        action: action(connections),
    })
}

/// One notice for all sign-ins that have ended.
fn sign_ins(snapshot: &Snapshot, events: &[EventView]) -> Option<Notice> {
    let ended: Vec<_> = events
        .iter()
        .filter_map(|it| sign_in(snapshot, it))
        .collect();
    let (title, body) = match ended.as_slice() {
        [] => return None,
        [(title, body)] => (title.clone(), (*body).to_owned()),
        many => {
            let titles: Vec<&str> = many.iter().map(|(title, _)| title.as_str()).collect();
            (
                format!("{} sign-ins have ended", many.len()),
                titles.join("; "),
            )
        }
    };
    Some(Notice {
        kind: Kind::SignIn,
        title,
        body,
        action: Action::Open,
    })
}

fn sign_in(snapshot: &Snapshot, event: &EventView) -> Option<(String, &'static str)> {
    let name = concerned(snapshot, event)?;
    let (title, body) = match event.kind {
        EventKind::SignInCompleted => (format!("{name} is connected"), ""),
        EventKind::SignInFailed => (
            format!("Signing in to {name} failed"),
            "Open Valet Key to see why",
        ),
        EventKind::SignInDenied => (
            format!("Signing in to {name} was refused"),
            "The provider says that the person declined",
        ),
        EventKind::SignInTimedOut => (format!("Nobody signed in to {name} in time"), ""),
        _ => return None,
    };
    Some((title, body))
}

/// What the event is about; by the name that programs use if it is gone meanwhile.
fn concerned(snapshot: &Snapshot, event: &EventView) -> Option<String> {
    let mut connections = snapshot.connections.iter();
    if let Some(id) = event.connection_id
        && let Some(connection) = connections.find(|it| it.id == id)
    {
        return Some(snapshot.called(connection));
    }
    let mut authenticators = snapshot.authenticators.iter();
    if event.connection.is_none()
        && let Some(id) = event.authenticator_id
        && let Some(authenticator) = authenticators.find(|it| it.id == id)
    {
        return Some(authenticator.display_name.clone());
    }
    event.connection.clone().or(event.authenticator.clone())
}

fn action(connections: &[&ConnectionView]) -> Action {
    match connections {
        [one] if !needs_mending(one) => Action::Reconnect {
            connection: one.name.to_string(),
            profile: one.profile.to_string(),
        },
        _ => Action::Open,
    }
}

fn why(connection: &ConnectionView) -> Option<String> {
    connection
        .refresh_error
        .as_ref()
        .map(|it| it.reason.clone())
}

fn names(snapshot: &Snapshot, connections: &[&ConnectionView]) -> String {
    let names: Vec<String> = connections.iter().map(|it| snapshot.called(it)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
