//! What a click in the menu starts. What takes something away, or hands a token out, is confirmed in
//! a dialog first: a click on the menu can be faked by anyone on the session bus.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use tauri::{AppHandle, Manager as _};
use valetkey_api::connections::ConnectionView;

use super::model::Choice;
use crate::deeds::{Deeds, Failed};
use crate::dialog::{self, confirm};
use crate::face::Refusal;
use crate::window::{self, Place};

/// Carries out a choice of the menu.
pub(super) fn on(app: &AppHandle, choice: Choice) {
    match choice {
        Choice::Open => return window::show(app, &Place::Connections),
        Choice::Settings => return window::show(app, &Place::Settings),
        Choice::Details { id } => return window::show(app, &Place::Connection(id)),
        Choice::Quit => return app.state::<Deeds>().quit(),
        Choice::CopyToken { id, name } => return confirm_copy(app, id, &name),
        Choice::Connect { .. }
        | Choice::Disconnect { .. }
        | Choice::OpenAt { .. }
        | Choice::Pause
        | Choice::Resume => {}
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let deeds = app.state::<Deeds>().inner().clone();
        let done = match choice {
            Choice::Connect {
                authenticator,
                profile,
            } => deeds.sign_in(&authenticator, &profile).await,
            Choice::Disconnect { id, name } => {
                let asked = confirm_disconnect(&app, &deeds, id, &name).await;
                asked.map_err(Failed::from)
            }
            Choice::OpenAt { url } => deeds.open_browser(&url).await,
            Choice::Pause => deeds.set_paused(true).await.map_err(Failed::from),
            Choice::Resume => deeds.set_paused(false).await.map_err(Failed::from),
            Choice::Open
            | Choice::Settings
            | Choice::Details { .. }
            | Choice::CopyToken { .. }
            | Choice::Quit => Ok(()),
        };
        if let Err(error) = done {
            dialog::failed(&app, error);
        }
    });
}

async fn confirm_disconnect(
    app: &AppHandle,
    deeds: &Deeds,
    id: String,
    name: &str,
) -> Result<(), Refusal> {
    let question = what_stops(&deeds.connection(&id).await?, &TimeZone::system());
    confirm(
        app,
        &format!("Disconnect {name}?"),
        question,
        ["Disconnect", "Keep it"],
        |deeds| async move { deeds.disconnect(&id).await.map(drop) },
    );
    Ok(())
}

fn what_stops(connection: &ConnectionView, zone: &TimeZone) -> String {
    let name = &connection.name;
    let mut words = format!("Programs that ask for `{name}` get no token until you sign in again.");
    if let Some(used_at) = connection.used_at {
        let used_at = used_at.to_zoned(zone.clone());
        let _ = write!(
            words,
            " The last one did on {}.",
            used_at.strftime("%-d %B at %H:%M")
        );
    }
    words + "\n\nIts tokens are revoked at the provider where that is possible, and forgotten here."
}

fn confirm_copy(app: &AppHandle, id: String, name: &str) {
    let seconds = crate::clipboard::CLEARED_AFTER.as_secs();
    let question =
        format!("Every program can read the clipboard. It is cleared after {seconds} seconds.");
    let title = format!("Copy the token of {name}?");
    confirm(
        app,
        &title,
        question,
        ["Copy", "Cancel"],
        |deeds| async move { deeds.copy_token(&id).await },
    );
}
