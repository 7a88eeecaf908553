//! The one window: made when somebody asks for it, gone (with its web process) when it is closed.

use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// Named in `capabilities/window.json`.
pub(crate) const LABEL: &str = "main";

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
    fn fragment(&self) -> Option<String> {
        match self {
            Self::Anywhere => None,
            Self::Connections => Some("#/connections".to_owned()),
            Self::Connection(id) => Some(format!("#/connections/{id}")),
            Self::Settings => Some("#/settings".to_owned()),
        }
    }
}

/// Shows the window in front, and makes it first if there is none.
pub(crate) fn show(app: &AppHandle, place: &Place) {
    let handle = app.clone();
    let place = place.clone();
    let shown = app.run_on_main_thread(move || {
        if let Err(error) = raise(&handle, &place) {
            tracing::error!(%error, "window");
        }
    });
    if let Err(error) = shown {
        tracing::error!(%error, "window");
    }
}

fn raise(app: &AppHandle, place: &Place) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(LABEL) else {
        return make(app, place).map(drop);
    };
    if let Some(fragment) = place.fragment() {
        // The page routes by fragment; assigning one loads nothing.
        window.eval(format!("location.hash = {fragment:?}"))?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn make(app: &AppHandle, place: &Place) -> tauri::Result<WebviewWindow> {
    let page = format!("index.html{}", place.fragment().unwrap_or_default());
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(page.into()))
        .title("Valet Key")
        .inner_size(1040.0, 700.0)
        .min_inner_size(640.0, 480.0)
        // The page takes dropped files itself.
        .disable_drag_drop_handler()
        // Nothing but our own page is ever shown; links go to the system's browser.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .build()
}
