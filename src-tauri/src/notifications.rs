//! Which change leads to a notification, and its text. Pure.
//!
//! One per change of state, never repeated: the severity that was shown is remembered for each
//! connection, and only a higher one leads to a new notification. What is retried automatically leads
//! to none unless that has failed for a day. A problem that was solved is shown again when it comes back. Several at once become one.
//!
//! A kind that is switched off counts as shown: switching it on again shows nothing old. In quiet
//! hours nothing is shown or remembered, so at their end everything that still needs the person comes
//! as one notification. The result of a sign-in is not kept until then: the page in the browser has
//! shown it.
//!
//! A paused agent still notifies: a login that ends meanwhile needs the person all the same.

mod sign_ins;
mod wrong_keys;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, Zoned};
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::connection::RefreshErrorKind;
use valetkey_api::core::connection_state::Status;
use valetkey_api::core::id::ConnectionId;
use valetkey_api::core::printable::{MAX_LOCATION, MAX_NAME, shortened};
use valetkey_api::events::EventView;

use crate::snapshot::Snapshot;

/// How long before its end a token that cannot be refreshed is announced.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
const SHORTLY: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    /// Notifications of one kind replace each other.
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) body: String,
    /// What its button does.
    pub(crate) action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Only the person can fix it.
    NeedsYou,
    /// A token without refresh ends soon.
    EndsSoon,
    /// A host asks for scopes that a connection does not have.
    NeedsScopes,
    /// A sign-in ended.
    SignIn,
    /// Somebody tries client keys.
    WrongKeys,
    /// The approval window is open, or was closed without an answer.
    Approval,
}

/// What the button of a notification does. None widens access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Starts a sign-in.
    Reconnect { connection: String, profile: String },
    /// Opens the window.
    Open,
    /// Brings the approval window to the front.
    Approve,
    /// Opens the page with what was not answered.
    Access,
}

/// Ordered: later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    None,
    NeedsScopes,
    EndsInADay,
    EndsShortly,
    NeedsYou,
}

/// Remembers what was shown.
#[derive(Debug, Default)]
pub(crate) struct NotificationTracker {
    /// None before the first snapshot: the state at the start is no change.
    shown: Option<HashMap<ConnectionId, Severity>>,
    /// Quiet hours hold something back.
    held_back: bool,
}

impl NotificationTracker {
    /// What to show after these events, given the new snapshot.
    pub(crate) fn after(
        &mut self,
        snapshot: &Snapshot,
        events: &[EventView],
        now: &Zoned,
    ) -> Vec<Notification> {
        let first = self.shown.is_none();
        let before = self.shown.take().unwrap_or_default();
        let shown = |it: &ConnectionView| before.get(&it.id).copied().unwrap_or(Severity::None);
        let severity = |it: &ConnectionView| severity(it, now.timestamp()).unwrap_or(shown(it));
        let all = &snapshot.connections;
        let worse: Vec<&ConnectionView> =
            all.iter().filter(|it| severity(it) > shown(it)).collect();

        let settings = &snapshot.notifications;
        let quiet = settings
            .quiet_hours
            .is_some_and(|it| it.contain(now.time()));
        self.held_back = quiet && !first && !worse.is_empty();
        let to_remember = |it: &ConnectionView| {
            let now = severity(it);
            let lower = now.min(shown(it));
            (it.id, if self.held_back { lower } else { now })
        };
        self.shown = Some(all.iter().map(to_remember).collect());
        if first || quiet {
            return Vec::new();
        }
        let of = |kinds: &[Severity]| -> Vec<&ConnectionView> {
            let mut of = worse.clone();
            of.retain(|it| kinds.contains(&severity(it)));
            of
        };
        let lost = of(&[Severity::NeedsYou]);
        let ending = of(&[Severity::EndsInADay, Severity::EndsShortly]);
        let lacking = of(&[Severity::NeedsScopes]);
        let lost = if settings.needs_you { &lost[..] } else { &[] };
        let ending = if settings.ends_soon { &ending[..] } else { &[] };
        let mut notifications = Vec::from_iter(problems(snapshot, lost, ending, now.timestamp()));
        if settings.needs_you {
            notifications.extend(needs_scopes(snapshot, &lacking));
        }
        notifications.extend(wrong_keys::wrong_keys(events));
        if settings.sign_in {
            notifications.extend(sign_ins::sign_ins(snapshot, events));
        }
        notifications
    }

    /// Kinds that concern no connection any more.
    pub(crate) fn obsolete(&self) -> Vec<Kind> {
        let shown = || self.shown.iter().flat_map(HashMap::values);
        let lost = shown().any(|it| *it == Severity::NeedsYou);
        let ending = shown().any(|it| matches!(it, Severity::EndsInADay | Severity::EndsShortly));
        let lacking = shown().any(|it| *it == Severity::NeedsScopes);
        let kinds = [
            (Kind::NeedsYou, lost),
            (Kind::EndsSoon, ending),
            (Kind::NeedsScopes, lacking),
        ];
        let over = kinds.into_iter().filter(|(_, concerns)| !concerns);
        over.map(|(kind, _)| kind).collect()
    }

    /// When something becomes due without an event.
    pub(crate) fn next_check(&self, snapshot: &Snapshot, now: &Zoned) -> Option<Timestamp> {
        let ends = snapshot.connections.iter().filter(|it| !it.refreshable);
        let ends = ends.filter_map(|it| it.expires_at);
        let checks = ends.flat_map(|end| [A_DAY, SHORTLY, SignedDuration::ZERO].map(|it| end - it));
        let checks = checks.chain(self.end_of_quiet(snapshot, now));
        checks.filter(|at| *at > now.timestamp()).min()
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

/// None in transitional states: the last severity stays.
fn severity(connection: &ConnectionView, now: Timestamp) -> Option<Severity> {
    let left = connection.expires_at.map(|end| end.duration_since(now));
    Some(match connection.status {
        Status::Connecting | Status::Refreshing | Status::Removing => return None,
        Status::Active | Status::Expired if needs_fixing(connection) => Severity::NeedsYou,
        Status::Active | Status::Expired if is_unavailable(connection, now) => Severity::NeedsYou,
        Status::Active | Status::Expired if connection.refreshable => lacks_scopes(connection),
        Status::NeedsReconnect | Status::Expired => Severity::NeedsYou,
        Status::Active => {
            // A token that never lived a day is not announced a day before.
            let lifetime = connection
                .issued_at
                .zip(connection.expires_at)
                .map(|(from, end)| end.duration_since(from));
            match left {
                Some(left) if left <= SignedDuration::ZERO => Severity::NeedsYou,
                Some(left) if left <= SHORTLY && lifetime > Some(SHORTLY) => Severity::EndsShortly,
                Some(left) if left <= A_DAY && lifetime > Some(A_DAY) => Severity::EndsInADay,
                Some(_) | None => lacks_scopes(connection),
            }
        }
    })
}

/// A host asks for scopes that a sign-in may bring.
fn lacks_scopes(connection: &ConnectionView) -> Severity {
    let needed = connection.needed_scopes.as_ref();
    if needed.is_some_and(|needed| needed.is_offered) {
        Severity::NeedsScopes
    } else {
        Severity::None
    }
}

/// The provider refuses the registered client: signing in again does not help.
fn needs_fixing(connection: &ConnectionView) -> bool {
    let refresh_error = connection.refresh_error.as_ref();
    refresh_error.is_some_and(|it| it.kind == RefreshErrorKind::FixClient)
}

/// Its token endpoint has answered for a day, and never with a token.
fn is_unavailable(connection: &ConnectionView, now: Timestamp) -> bool {
    connection.refresh_error.as_ref().is_some_and(|error| {
        let answered = matches!(
            error.kind,
            RefreshErrorKind::Later | RefreshErrorKind::BadCertificate
        );
        answered && now.duration_since(error.since) >= A_DAY
    })
}

/// One notification for all of them.
fn problems(
    snapshot: &Snapshot,
    lost: &[&ConnectionView],
    ending: &[&ConnectionView],
    now: Timestamp,
) -> Option<Notification> {
    if lost.is_empty() {
        return ends_soon(snapshot, ending, now);
    }
    if ending.is_empty() {
        return needs_you(snapshot, lost, now);
    }
    Some(Notification {
        kind: Kind::NeedsYou,
        title: format!("{} connections need attention", lost.len() + ending.len()),
        body: format!(
            "Now: {}. Soon: {}",
            names(snapshot, lost),
            names(snapshot, ending)
        ),
        action: Action::Open,
    })
}

fn needs_you(
    snapshot: &Snapshot,
    connections: &[&ConnectionView],
    now: Timestamp,
) -> Option<Notification> {
    let no_sign_in_helps = |it: &ConnectionView| needs_fixing(it) || is_unavailable(it, now);
    let (title, body) = match connections {
        [] => return None,
        [one] if needs_fixing(one) => (
            format!(
                "The registered client of {} must be corrected",
                snapshot.display_name(one)
            ),
            format!(
                "{} refuses it. Open Valet Key to correct it.",
                one.provider_name
            ),
        ),
        [one] if is_unavailable(one, now) => (
            format!(
                "{} has not been refreshed for a day",
                snapshot.display_name(one)
            ),
            format!(
                "{} issues no token. Open Valet Key to see why.",
                one.provider_name
            ),
        ),
        [one] => (
            format!("{} needs you to sign in again", snapshot.display_name(one)),
            ended(one).to_owned(),
        ),
        many if many.iter().any(|it| no_sign_in_helps(it)) => (
            format!("{} connections need attention", many.len()),
            names(snapshot, many),
        ),
        many => (
            format!("{} connections need you to sign in again", many.len()),
            names(snapshot, many),
        ),
    };
    Some(Notification {
        kind: Kind::NeedsYou,
        title,
        body,
        action: match connections {
            [one] if no_sign_in_helps(one) => Action::Open,
            _ => action(connections),
        },
    })
}

/// The window offers the sign-in, and shows what it asks for.
fn needs_scopes(snapshot: &Snapshot, connections: &[&ConnectionView]) -> Option<Notification> {
    let (title, body) = match connections {
        [] => return None,
        [one] => {
            let needed = one.needed_scopes.as_ref()?;
            let (host, scopes) = (&needed.host, &needed.scopes);
            (
                format!("{} may not do enough", snapshot.display_name(one)),
                format!(
                    "{} refused a request without {}. Open Valet Key to allow more.",
                    shortened(host, MAX_NAME),
                    shortened(&scopes.join(", "), MAX_LOCATION)
                ),
            )
        }
        many => (
            format!("{} connections may not do enough", many.len()),
            names(snapshot, many),
        ),
    };
    Some(Notification {
        kind: Kind::NeedsScopes,
        title,
        body,
        action: Action::Open,
    })
}

fn ends_soon(
    snapshot: &Snapshot,
    connections: &[&ConnectionView],
    now: Timestamp,
) -> Option<Notification> {
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
                format!(
                    "The token of {} expires in {left}",
                    snapshot.display_name(one)
                ),
                "It cannot be refreshed automatically; sign in again to get a new one".to_owned(),
            )
        }
        many => (
            format!("{} tokens expire soon", many.len()),
            names(snapshot, many),
        ),
    };
    Some(Notification {
        kind: Kind::EndsSoon,
        title,
        body,
        action: action(connections),
    })
}

/// The name of what the event is about; what was removed has the name that programs use.
fn subject(snapshot: &Snapshot, event: &EventView) -> Option<String> {
    let mut connections = snapshot.connections.iter();
    if let Some(id) = event.connection_id
        && let Some(connection) = connections.find(|it| it.id == id)
    {
        return Some(snapshot.display_name(connection));
    }
    let mut authenticators = snapshot.authenticators.iter();
    if event.connection.is_none()
        && let Some(id) = event.authenticator_id
        && let Some(authenticator) = authenticators.find(|it| it.id == id)
    {
        return Some(snapshot.name_of(authenticator));
    }
    event.connection.clone().or(event.authenticator.clone())
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

/// Why a login ended, in words of our own: the details and the activity have the provider's.
fn ended(connection: &ConnectionView) -> &'static str {
    let refused = connection
        .refresh_error
        .as_ref()
        .is_some_and(|it| it.kind == RefreshErrorKind::SignInAgain);
    if refused {
        "The provider has ended the login. Programs get no token until you sign in."
    } else {
        "The login has expired. Programs get no token until you sign in."
    }
}

fn names(snapshot: &Snapshot, connections: &[&ConnectionView]) -> String {
    let names: Vec<String> = connections
        .iter()
        .map(|it| snapshot.display_name(it))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
