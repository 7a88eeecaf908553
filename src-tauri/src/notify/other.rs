//! Notifications of Windows and macOS. A click opens nothing there yet; the tray shows the same.

use tauri::AppHandle;

use crate::notices::{Kind, Notice};

/// Nothing to connect to.
pub(super) fn begin(_app: &AppHandle) {}

/// None: they show.
pub(super) fn problem(_app: &AppHandle) -> Option<String> {
    None
}

/// Shows a notice.
pub(super) fn show(_app: &AppHandle, notice: Notice) {
    let shown = notify_rust::Notification::new()
        .summary(&notice.title)
        .body(&notice.body)
        .show();
    if let Err(error) = shown {
        tracing::warn!(%error, "notification");
    }
}

/// These systems show it for a moment only.
pub(super) fn withdraw(_app: &AppHandle, _kind: Kind) {}
