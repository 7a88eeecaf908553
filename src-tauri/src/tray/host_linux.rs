//! Whether anybody shows tray icons: a panel that hosts status notifier items.

use zbus::blocking::{Connection, Proxy};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Why no icon will be seen; None if one will.
pub(crate) fn problem() -> Option<String> {
    let connection = match Connection::session() {
        Ok(connection) => connection,
        Err(error) => return Some(format!("There is no session bus ({error})")),
    };
    let hosted = Proxy::new(&connection, WATCHER, "/StatusNotifierWatcher", WATCHER)
        .and_then(|proxy| proxy.get_property::<bool>("IsStatusNotifierHostRegistered"));
    match hosted {
        Ok(true) => None,
        Ok(false) | Err(_) => Some(
            "This desktop shows no tray icons (GNOME needs the AppIndicator extension)".to_owned(),
        ),
    }
}
