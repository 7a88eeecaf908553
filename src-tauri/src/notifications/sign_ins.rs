//! Sign-ins that have ended.

use valetkey_api::core::event::EventKind;
use valetkey_api::events::EventView;

use super::{Action, Kind, Notification, subject};
use crate::snapshot::Snapshot;

/// One notification for all sign-ins that have ended.
pub(super) fn sign_ins(snapshot: &Snapshot, events: &[EventView]) -> Option<Notification> {
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
    Some(Notification {
        kind: Kind::SignIn,
        title,
        body,
        action: Action::Open,
    })
}

fn sign_in(snapshot: &Snapshot, event: &EventView) -> Option<(String, &'static str)> {
    let name = subject(snapshot, event)?;
    let (title, body) = match event.kind {
        EventKind::SignInCompleted => (format!("{name} is connected"), ""),
        EventKind::SignInFailed => (
            format!("Signing in to {name} failed"),
            "Open Valet Key to see why",
        ),
        EventKind::SignInDenied => (
            format!("Signing in to {name} was refused"),
            "You did not allow it in the browser",
        ),
        EventKind::SignInTimedOut => (format!("The sign-in to {name} timed out"), ""),
        _ => return None,
    };
    Some((title, body))
}
