//! Puts a notification on the desktop and hears its button.

mod desktop;

use tauri::{AppHandle, Manager as _};

use crate::deeds::Deeds;
use crate::dialog;
use crate::notices::{Action, Kind, Notice};
use crate::window::{self, Place};

/// Connects to the desktop's notifications; a desktop without them is told in the window.
pub(crate) fn begin(app: &AppHandle) {
    desktop::begin(app);
    let handle = app.clone();
    // The start does not wait for the answer.
    tauri::async_runtime::spawn_blocking(move || {
        if let Some(problem) = problem(&handle) {
            tracing::warn!(problem, "notifications");
        }
    });
}

/// Why notifications do not show now; None if they do.
pub(crate) fn problem(app: &AppHandle) -> Option<String> {
    desktop::problem(app)
}

/// Shows a notice, unless the person looks at the window, which says the same.
pub(crate) fn show(app: &AppHandle, notice: Notice) {
    if window::is_focused(app) && notice.kind == Kind::SignIn {
        return;
    }
    desktop::show(app, notice);
}

/// Takes a notice back that is no longer so.
pub(crate) fn withdraw(app: &AppHandle, kind: Kind) {
    desktop::withdraw(app, kind);
}

/// The button was pressed. It may start a sign-in or open the window, nothing else: anyone on the
/// session bus could fake it.
fn act(app: &AppHandle, action: Action) {
    match action {
        Action::Open => window::show(app, &Place::Connections),
        Action::Reconnect {
            connection,
            profile,
        } => {
            let deeds = app.state::<Deeds>().inner().clone();
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = deeds.sign_in(&connection, &profile).await {
                    dialog::failed(&app, error);
                }
            });
        }
    }
}
