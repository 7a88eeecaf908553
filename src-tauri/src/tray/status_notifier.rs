//! Whether the desktop shows tray icons, that is, has a host of status notifier items.

use std::time::Duration;

use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// A panel that does not answer counts as none.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why no icon can be shown; None if one can.
pub(crate) fn problem() -> Option<String> {
    let connection = match connect() {
        Ok(connection) => connection,
        Err(error) => return Some(format!("There is no session bus ({error})")),
    };
    let is_hosted = Proxy::new(&connection, WATCHER, "/StatusNotifierWatcher", WATCHER)
        .and_then(|proxy| proxy.get_property::<bool>("IsStatusNotifierHostRegistered"));
    match is_hosted {
        Ok(true) => None,
        Ok(false) | Err(_) => Some(
            "This desktop shows no tray icons (GNOME needs the AppIndicator extension)".to_owned(),
        ),
    }
}

fn connect() -> zbus::Result<Connection> {
    Builder::session()?.method_timeout(CALL_TIMEOUT).build()
}
