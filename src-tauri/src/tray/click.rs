//! Runs what is picked from the menu. Disconnecting is confirmed in a dialog first, and what widens in
//! the approval window: anyone on the session bus can fake a click on the menu.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use tauri::{AppHandle, Manager as _};
use valetkey_api::connections::ConnectionView;
use valetkey_api::error::ApiError;
use valetkey_server::caller::Caller;

use super::model::MenuAction;
use crate::actions::{ActionError, Actions};
use crate::dialog::{self, confirm};
use crate::route::Route;
use crate::window::handle;
use crate::{approval_window, keychain};

pub(super) fn run(app: &AppHandle, action: MenuAction) {
    match action {
        MenuAction::Open => return handle::show(app, Some(Route::Connections)),
        MenuAction::Settings => return handle::show(app, Some(Route::Settings)),
        MenuAction::Access => return handle::show(app, Some(Route::Access)),
        MenuAction::Decide => return approval_window::show(app),
        MenuAction::Details { id } => return handle::show(app, Some(Route::Connection { id })),
        MenuAction::Quit => return app.state::<Actions>().quit(),
        MenuAction::Connect { .. }
        | MenuAction::Disconnect { .. }
        | MenuAction::CopyToken { .. }
        | MenuAction::OpenAt { .. }
        | MenuAction::Pause
        | MenuAction::Resume
        | MenuAction::Unlock => {}
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let actions = app.state::<Actions>().acting_as(Caller::Tray);
        let done = match action {
            MenuAction::Connect {
                authenticator,
                profile,
            } => actions.sign_in(&authenticator, &profile).await,
            MenuAction::Disconnect { id, name } => {
                let asked = confirm_disconnect(&app, &actions, id, &name).await;
                asked.map_err(ActionError::from)
            }
            MenuAction::CopyToken { id } => {
                actions.copy_token(&id).await.map_err(ActionError::from)
            }
            MenuAction::OpenAt { url } => actions.open_browser(&url).await,
            MenuAction::Pause => actions.set_paused(true).await.map_err(ActionError::from),
            MenuAction::Resume => actions.set_paused(false).await.map_err(ActionError::from),
            MenuAction::Unlock => keychain::unlock().await.map_err(ActionError::from),
            MenuAction::Open
            | MenuAction::Access
            | MenuAction::Decide
            | MenuAction::Settings
            | MenuAction::Details { .. }
            | MenuAction::Quit => Ok(()),
        };
        if let Err(error) = done {
            dialog::failed(&app, error);
        }
    });
}

async fn confirm_disconnect(
    app: &AppHandle,
    actions: &Actions,
    id: String,
    name: &str,
) -> Result<(), Box<ApiError>> {
    let question = what_stops(&actions.connection(&id).await?, &TimeZone::system());
    confirm(
        app,
        &format!("Disconnect {name}?"),
        &question,
        ["Disconnect", "Keep it"],
        |actions| async move {
            let actions = actions.acting_as(Caller::Tray);
            actions.disconnect(&id).await.map(drop)
        },
    );
    Ok(())
}

fn what_stops(connection: &ConnectionView, zone: &TimeZone) -> String {
    let name = &connection.name;
    let mut text = format!("Programs that ask for `{name}` get no token until you sign in again.");
    if let Some(used_at) = connection.used_at {
        let used_at = used_at.to_zoned(zone.clone());
        let _ = write!(
            text,
            " It was last used on {}.",
            used_at.strftime("%-d %B at %H:%M")
        );
    }
    text + "\n\nIts tokens are revoked at the provider where that is possible, and deleted here."
}
