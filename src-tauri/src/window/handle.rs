//! The handle with which the rest of the app asks for the window.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{AppHandle, Manager as _};
use tokio::sync::mpsc;

use crate::route::Route;

/// Bring the window to the front, at this route of its page or wherever it is.
pub(super) struct ShowRequest(pub(super) Option<Route>);

impl ShowRequest {
    pub(super) fn fragment(&self) -> Option<String> {
        self.0.as_ref().map(Route::fragment)
    }
}

/// The app's handle on its window.
struct WindowHandle {
    requests: mpsc::UnboundedSender<ShowRequest>,
    focused: AtomicBool,
}

/// Makes [`show`] work; answers where its requests arrive.
pub(super) fn manage(app: &AppHandle) -> mpsc::UnboundedReceiver<ShowRequest> {
    let (requests, requested) = mpsc::unbounded_channel();
    app.manage(WindowHandle {
        requests,
        focused: AtomicBool::new(false),
    });
    requested
}

/// Brings the window to the front, at `route` or wherever it is; opens it first if there is none.
pub(crate) fn show(app: &AppHandle, route: Option<Route>) {
    // The receiver is gone while the app ends.
    app.state::<WindowHandle>()
        .requests
        .send(ShowRequest(route))
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
