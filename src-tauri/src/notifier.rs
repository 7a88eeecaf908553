//! Shows notifications on the desktop and runs the actions of their buttons.

mod dbus;

use tauri::{AppHandle, Manager as _};
use valetkey_server::caller::Caller;

use crate::actions::Actions;
use crate::notifications::{Action, Kind, Notification};
use crate::route::Route;
use crate::window::handle;
use crate::{approval_window, dialog};

/// Connects to the desktop's notifications; a desktop without them is told in the window.
pub(crate) fn begin(app: &AppHandle) {
    dbus::begin(app);
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
    dbus::problem(app)
}

/// Shows a notification, unless the focused window shows the same.
pub(crate) fn show(app: &AppHandle, notification: Notification) {
    if handle::is_focused(app) && notification.kind == Kind::SignIn {
        return;
    }
    dbus::show(app, notification);
}

/// Closes a notification that no longer applies.
pub(crate) fn withdraw(app: &AppHandle, kind: Kind) {
    dbus::withdraw(app, kind);
}

/// The button was pressed. It may start a sign-in or open the window, nothing else: anyone on the
/// session bus could fake it.
fn act(app: &AppHandle, action: Action) {
    match action {
        Action::Open => handle::show(app, Some(Route::Connections)),
        Action::Approve => approval_window::show(app),
        Action::Access => handle::show(app, Some(Route::Access)),
        Action::Reconnect {
            connection,
            profile,
        } => {
            let actions = app.state::<Actions>().acting_as(Caller::Notification);
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = actions.sign_in(&connection, &profile).await {
                    dialog::failed(&app, error);
                }
            });
        }
    }
}
