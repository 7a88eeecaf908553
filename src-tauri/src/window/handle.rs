//! The handle with which the rest of the app asks for the window.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{AppHandle, Manager as _};
use tokio::sync::mpsc;

/// Where in the page to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Wherever it was.
    Anywhere,
    /// The list of connections.
    Connections,
    /// One connection's details, by its id.
    Connection(String),
    /// The settings.
    Settings,
}

impl Place {
    pub(super) fn fragment(&self) -> Option<String> {
        match self {
            Self::Anywhere => None,
            Self::Connections => Some("#/connections".to_owned()),
            Self::Connection(id) => Some(format!("#/connections/{id}")),
            Self::Settings => Some("#/settings".to_owned()),
        }
    }
}

/// The app's handle on its window.
struct WindowHandle {
    requests: mpsc::UnboundedSender<Place>,
    focused: AtomicBool,
}

/// Makes [`show`] work; answers where its requests arrive.
pub(super) fn manage(app: &AppHandle) -> mpsc::UnboundedReceiver<Place> {
    let (requests, requested) = mpsc::unbounded_channel();
    app.manage(WindowHandle {
        requests,
        focused: AtomicBool::new(false),
    });
    requested
}

/// Shows the window in front, and makes it first if there is none.
pub(crate) fn show(app: &AppHandle, place: &Place) {
    // The receiver is gone while the app ends.
    app.state::<WindowHandle>()
        .requests
        .send(place.clone())
        .ok();
}

/// Whether it has the keyboard focus.
pub(crate) fn is_focused(app: &AppHandle) -> bool {
    app.state::<WindowHandle>().focused.load(Ordering::Relaxed)
}

pub(super) fn set_focused(app: &AppHandle, focused: bool) {
    let window = app.state::<WindowHandle>();
    window.focused.store(focused, Ordering::Relaxed);
}
