//! Notifications of the freedesktop specification, over the session bus.
//!
//! The signals of a proxy are those of the name's owner: another program that sends one is not heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tauri::{AppHandle, Manager as _};
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::Value;

use crate::notices::{Action, Kind, Notice};

const SERVER: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the buttons of the notifications on the screen do.
#[derive(Default)]
struct Shown {
    /// By the server's number.
    actions: HashMap<u32, Action>,
    /// The newest of each kind, which the next one replaces.
    newest: HashMap<Kind, u32>,
}

#[derive(Clone)]
struct Desktop {
    proxy: Proxy<'static>,
    shown: Arc<Mutex<Shown>>,
}

/// The session bus, or why there is none.
#[derive(Clone)]
struct Bus(Result<Desktop, String>);

/// Connects, and listens for buttons from now on, whether or not a server is there yet.
pub(super) fn begin(app: &AppHandle) {
    let desktop = connect().map(|proxy| Desktop {
        proxy,
        shown: Arc::default(),
    });
    if let Ok(desktop) = &desktop {
        let listener = desktop.clone();
        let handle = app.clone();
        let listens = thread::Builder::new()
            .name("notifications".to_owned())
            .spawn(move || listener.listen(&handle));
        if let Err(error) = listens {
            tracing::warn!(%error, "the buttons of notifications do not work");
        }
    }
    let missing = |error| format!("There is no session bus ({error})");
    app.manage(Bus(desktop.map_err(missing)));
}

/// Why there are no notifications now; None if there are.
pub(super) fn problem(app: &AppHandle) -> Option<String> {
    let desktop = match app.state::<Bus>().inner().clone() {
        Bus(Ok(desktop)) => desktop,
        Bus(Err(missing)) => return Some(missing),
    };
    let asked: zbus::Result<(String, String, String, String)> =
        desktop.proxy.call("GetServerInformation", &());
    let error = asked.err()?;
    Some(format!("No program shows notifications ({error})"))
}

/// Takes the last notice of this kind off the screen.
pub(super) fn withdraw(app: &AppHandle, kind: Kind) {
    let Some(desktop) = app.try_state::<Desktop>() else {
        return;
    };
    let desktop = desktop.inner().clone();
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = desktop.close(kind) {
            tracing::debug!(%error, "notification");
        }
    });
}

fn connect() -> zbus::Result<Proxy<'static>> {
    let connection = Connection::session()?;
    Proxy::new(&connection, SERVER, PATH, SERVER)
}

/// Shows a notice in place of the last one of its kind.
pub(super) fn show(app: &AppHandle, notice: Notice) {
    let Bus(Ok(desktop)) = app.state::<Bus>().inner().clone() else {
        return;
    };
    // The server may be slow, or be started by this call.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = desktop.put(&notice) {
            tracing::warn!(%error, "notification");
        }
    });
}

impl Desktop {
    fn put(&self, notice: &Notice) -> zbus::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = shown.newest.get(&notice.kind).copied().unwrap_or(0);
        let button = match notice.action {
            Action::Reconnect { .. } => "Reconnect",
            Action::Open => "Open",
        };
        let hints: HashMap<&str, Value<'_>> = HashMap::from([
            ("desktop-entry", Value::from("valetkey")),
            ("category", Value::from("network")),
        ]);
        let body = escaped(&notice.body);
        let id: u32 = self.proxy.call(
            "Notify",
            &(
                "Valet Key",
                replaces,
                "valetkey",
                notice.title.as_str(),
                body.as_str(),
                ["default", button, "act", button].as_slice(),
                hints,
                -1_i32,
            ),
        )?;
        shown.newest.insert(notice.kind, id);
        shown.actions.insert(id, notice.action.clone());
        Ok(())
    }

    fn close(&self, kind: Kind) -> zbus::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = shown.newest.remove(&kind) else {
            return Ok(());
        };
        shown.actions.remove(&id);
        self.proxy.call("CloseNotification", &(id,))
    }

    fn listen(&self, app: &AppHandle) {
        let signals = match self.proxy.receive_all_signals() {
            Ok(signals) => signals,
            Err(error) => {
                tracing::warn!(%error, "the buttons of notifications do not work");
                return;
            }
        };
        for signal in signals {
            let header = signal.header();
            let Some(member) = header.member().map(ToString::to_string) else {
                continue;
            };
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            match member.as_str() {
                "ActionInvoked" => {
                    let Ok((id, _button)) = signal.body().deserialize::<(u32, String)>() else {
                        continue;
                    };
                    let action = shown.actions.remove(&id);
                    drop(shown);
                    if let Some(action) = action {
                        super::act(app, action);
                    }
                }
                "NotificationClosed" => {
                    let Ok((id, _reason)) = signal.body().deserialize::<(u32, u32)>() else {
                        continue;
                    };
                    shown.actions.remove(&id);
                    shown.newest.retain(|_, newest| *newest != id);
                }
                _ => {}
            }
        }
    }
}

/// The body is markup at some servers.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
