//! Start at login: off until the person turns it on.

use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt as _;
use valetkey_api::error::{ApiError, ErrorCode};

/// None where it is unknown.
pub(crate) fn is_on(app: &AppHandle) -> Option<bool> {
    app.autolaunch().is_enabled().ok()
}

/// Turns it on or off.
pub(crate) fn set(app: &AppHandle, enabled: bool) -> Result<(), Box<ApiError>> {
    let autolaunch = app.autolaunch();
    let done = if enabled {
        autolaunch.enable()
    } else {
        autolaunch.disable()
    };
    done.map_err(|error| {
        ApiError::new(
            ErrorCode::Internal,
            format!("start at login cannot be changed: {error}"),
        )
        .hint("your desktop's own settings for start-up programs can do it")
        .into()
    })
}
