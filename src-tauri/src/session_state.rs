//! Tells the agent when the person's session is locked and unlocked, idle and used again: the agent pauses
//! then, if the setting says so, and resumes what it paused.
//!
//! Desktops say it in different places: logind (a request to lock, and the hint that it is done) and
//! the screensaver's names on the session bus. The session is locked while one of them says so. That it
//! is idle the desktop tells logind, after the time that it is set to.
//! Nothing is listened to before a setting was on; then one thread waits for each source. The signals
//! of a proxy are those of the name's owner: those of another program are ignored.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use valetkey_server::App;
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, Proxy};
use zbus::names::MemberName;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

const LOGIND: &str = "org.freedesktop.login1";
/// Names of screensavers, which are those of their interfaces, and their paths.
const SCREENSAVERS: [(&str, &str); 2] = [
    (
        "org.freedesktop.ScreenSaver",
        "/org/freedesktop/ScreenSaver",
    ),
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
];

/// The sources have answered by then, or there are none.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// What the sources say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct State {
    /// logind, then the screensavers.
    locked: [bool; 1 + SCREENSAVERS.len()],
    idle: bool,
}

type States = Arc<watch::Sender<State>>;

/// Listens as soon as the setting is on, as long as the app runs.
pub(crate) fn begin(app: App) {
    tauri::async_runtime::spawn(async move {
        app.pauses_in_absence().await;
        let states = States::default();
        let mut changes = states.subscribe();
        listen(Connection::system, Connection::session, &states);
        // A session that is locked already must not count as unlocked before it is asked.
        let _ = timeout(FIRST_ANSWER, changes.changed()).await;
        let (mut was_locked, mut was_idle) = (None, None);
        loop {
            let state = *changes.borrow_and_update();
            let (locked, idle) = (state.locked.contains(&true), state.idle);
            if was_locked.replace(locked) != Some(locked) {
                app.session_locked(locked).await;
            }
            if was_idle.replace(idle) != Some(idle) {
                app.session_idle(idle).await;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    });
}

type Connect = fn() -> zbus::Result<Connection>;

fn listen(system: Connect, session: Connect, states: &States) {
    let logind_states = Arc::clone(states);
    start("session-lock", move || logind(&system()?, &logind_states));
    for (source, (name, path)) in SCREENSAVERS.into_iter().enumerate() {
        let states = Arc::clone(states);
        start("screensaver", move || {
            screensaver(&session()?, name, path, |active| {
                set_locked(&states, 1 + source, active);
            })
        });
    }
}

fn start(name: &str, work: impl FnOnce() -> zbus::Result<()> + Send + 'static) {
    let work = move || {
        if let Err(error) = work() {
            tracing::info!(%error, "this source does not tell when the session is locked");
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::warn!(%error, name, "no thread");
    }
}

fn set_locked(states: &watch::Sender<State>, source: usize, locked: bool) {
    let set = |state: &mut State| std::mem::replace(&mut state.locked[source], locked) != locked;
    states.send_if_modified(set);
}

/// What logind says by a property of the session.
fn set_hint(states: &watch::Sender<State>, hint: &str, value: &OwnedValue) {
    let is_on = *value == OwnedValue::from(true);
    match hint {
        "LockedHint" => set_locked(states, 0, is_on),
        "IdleHint" => {
            let set = |state: &mut State| std::mem::replace(&mut state.idle, is_on) != is_on;
            states.send_if_modified(set);
        }
        _ => {}
    }
}

fn logind(connection: &Connection, states: &States) -> zbus::Result<()> {
    let path = session_path(connection)?;
    let interface = "org.freedesktop.login1.Session";
    let session = Proxy::new(connection, LOGIND, path.clone(), interface)?;
    let properties = Proxy::new(connection, LOGIND, path, "org.freedesktop.DBus.Properties")?;
    let signals = session.receive_all_signals()?;
    let changes = properties.receive_signal("PropertiesChanged")?;
    // After the subscriptions: nothing falls in between.
    for hint in ["LockedHint", "IdleHint"] {
        let value = properties.call("Get", &(interface, hint))?;
        set_hint(states, hint, &value);
    }
    let states_of_signals = Arc::clone(states);
    start("session-lock-signals", move || {
        for signal in signals {
            let header = signal.header();
            match header.member().map(MemberName::as_str) {
                Some("Lock") => set_locked(&states_of_signals, 0, true),
                Some("Unlock") => set_locked(&states_of_signals, 0, false),
                Some(_) | None => {}
            }
        }
        Ok(())
    });
    for change in changes {
        let body = change.body();
        let properties: zbus::Result<(
            String,
            std::collections::HashMap<String, OwnedValue>,
            Vec<String>,
        )> = body.deserialize();
        let Ok((_, values, _)) = properties else {
            continue;
        };
        for (hint, value) in &values {
            set_hint(states, hint, value);
        }
    }
    Ok(())
}

/// The session of this process; for one that belongs to none, such as a service, the one on the screen.
fn session_path(connection: &Connection) -> zbus::Result<OwnedObjectPath> {
    let path = "/org/freedesktop/login1";
    let manager = Proxy::new(connection, LOGIND, path, "org.freedesktop.login1.Manager")?;
    let own: zbus::Result<OwnedObjectPath> =
        manager.call("GetSessionByPID", &(std::process::id(),));
    if let Ok(own) = own {
        return Ok(own);
    }
    let uid = rustix::process::getuid().as_raw();
    let user: OwnedObjectPath = manager.call("GetUser", &(uid,))?;
    let user = Proxy::new(connection, LOGIND, user, "org.freedesktop.login1.User")?;
    let (_, shown): (String, OwnedObjectPath) = user.get_property("Display")?;
    Ok(shown)
}

fn screensaver(
    connection: &Connection,
    name: &'static str,
    path: &'static str,
    tell: impl Fn(bool),
) -> zbus::Result<()> {
    let screensaver = Proxy::new(connection, name, path, name)?;
    let changes = screensaver.receive_signal("ActiveChanged")?;
    // None is started only to be asked.
    let runs = DBusProxy::new(connection)?.name_has_owner(name.try_into()?)?;
    if runs && let Ok(active) = screensaver.call("GetActive", &()) {
        tell(active);
    }
    for change in changes {
        if let Ok(active) = change.body().deserialize() {
            tell(active);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
