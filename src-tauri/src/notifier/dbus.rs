//! Notifications of the freedesktop specification, over the session bus.
//!
//! The server may be slow, hang, or be started by a call, so one thread does all calls, in order, and
//! each of them has an end. At most one request of each kind waits: a
//! notification replaces the last of its kind anyway.
//!
//! The signals of a proxy are those of the name's owner: those of another program are ignored.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tauri::{AppHandle, Manager as _};
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::Value;

use crate::notifications::{Action, Kind, Notification};

const SERVER: &str = "org.freedesktop.Notifications";
/// The urgency of a notification that is not folded away.
const URGENT: u8 = 2;
const PATH: &str = "/org/freedesktop/Notifications";

/// Enough for a server that the call has to start.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What is on the screen.
#[derive(Default)]
struct Shown {
    /// What the buttons do, by the server's number.
    actions: HashMap<u32, Action>,
    /// The newest of each kind, which the next one replaces.
    newest: HashMap<Kind, u32>,
}

#[derive(Clone)]
struct Desktop {
    proxy: Proxy<'static>,
    shown: Arc<Mutex<Shown>>,
    queue: Arc<Queue>,
}

/// The session bus, or why there is none.
#[derive(Clone)]
struct Bus(Result<Desktop, String>);

/// Connects, and listens for buttons from now on, whether or not a server is there yet.
pub(super) fn begin(app: &AppHandle) {
    let desktop = connect().map(|proxy| Desktop {
        proxy,
        shown: Arc::default(),
        queue: Arc::default(),
    });
    if let Ok(desktop) = &desktop {
        let (listener, worker) = (desktop.clone(), desktop.clone());
        let handle = app.clone();
        start("notification-buttons", move || listener.listen(&handle));
        start("notifications", move || worker.work());
    }
    let missing = |error| format!("There is no session bus ({error})");
    app.manage(Bus(desktop.map_err(missing)));
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name.to_owned());
    if let Err(error) = thread.spawn(work) {
        tracing::warn!(%error, name, "notifications do not work");
    }
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
    Some(format!("No notification service is running ({error})"))
}

/// Shows a notification in place of the last one of its kind.
pub(super) fn show(app: &AppHandle, notification: Notification) {
    send(app, Request::Show(notification));
}

/// Takes the last notification of this kind off the screen.
pub(super) fn withdraw(app: &AppHandle, kind: Kind) {
    send(app, Request::Withdraw(kind));
}

fn send(app: &AppHandle, request: Request) {
    if let Bus(Ok(desktop)) = app.state::<Bus>().inner() {
        desktop.queue.add(request);
    }
}

fn connect() -> zbus::Result<Proxy<'static>> {
    let connection: Connection = Builder::session()?.method_timeout(CALL_TIMEOUT).build()?;
    Proxy::new(&connection, SERVER, PATH, SERVER)
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Show(Notification),
    Withdraw(Kind),
}

impl Request {
    const fn kind(&self) -> Kind {
        match self {
            Self::Show(notification) => notification.kind,
            Self::Withdraw(kind) => *kind,
        }
    }
}

/// Requests that were not sent yet, oldest first.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Request>>,
    grew: Condvar,
}

impl Queue {
    /// Replaces one of its kind that still waits.
    fn add(&self, request: Request) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|it| it.kind() != request.kind());
        waiting.push_back(request);
        self.grew.notify_one();
    }

    /// Waits for one.
    fn next(&self) -> Request {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(request) = waiting.pop_front() {
                return request;
            }
            let woken = self.grew.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Desktop {
    /// Serves the queue as long as the app runs.
    fn work(&self) {
        loop {
            let done = match self.queue.next() {
                Request::Show(notification) => self.put(notification),
                Request::Withdraw(kind) => self.close(kind),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "notification");
            }
        }
    }

    fn put(&self, notification: Notification) -> zbus::Result<()> {
        let replaces = self
            .shown()
            .newest
            .get(&notification.kind)
            .copied()
            .unwrap_or(0);
        let button = match notification.action {
            Action::Reconnect { .. } => "Reconnect",
            Action::Approve => "Answer…",
            Action::Open | Action::Access => "Open",
        };
        let mut hints: HashMap<&str, Value<'_>> = HashMap::from([
            ("desktop-entry", Value::from("valetkey")),
            ("category", Value::from("network")),
        ]);
        if notification.kind == Kind::Approval {
            // Somebody waits, and the window may be behind others.
            hints.insert("urgency", Value::from(URGENT));
        }
        let body = escaped(&notification.body);
        let id: u32 = self.proxy.call(
            "Notify",
            &(
                "Valet Key",
                replaces,
                "valetkey",
                notification.title.as_str(),
                body.as_str(),
                ["default", button, "act", button].as_slice(),
                hints,
                -1_i32,
            ),
        )?;
        let mut shown = self.shown();
        shown.newest.insert(notification.kind, id);
        shown.actions.insert(id, notification.action);
        Ok(())
    }

    fn close(&self, kind: Kind) -> zbus::Result<()> {
        let id = {
            let mut shown = self.shown();
            let Some(id) = shown.newest.remove(&kind) else {
                return Ok(());
            };
            shown.actions.remove(&id);
            id
        };
        self.proxy.call("CloseNotification", &(id,))
    }

    /// Never held during a call: signals are handled meanwhile.
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
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
            let mut shown = self.shown();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_request_of_each_kind_waits() {
        let show = |title: &str| {
            Request::Show(Notification {
                kind: Kind::NeedsYou,
                title: title.to_owned(),
                body: String::new(),
                action: Action::Open,
            })
        };
        let queue = Queue::default();
        for request in [
            show("one"),
            Request::Withdraw(Kind::EndsSoon),
            Request::Withdraw(Kind::NeedsYou),
            show("two"),
            Request::Withdraw(Kind::EndsSoon),
        ] {
            queue.add(request);
        }
        assert_eq!(queue.next(), show("two"));
        assert_eq!(queue.next(), Request::Withdraw(Kind::EndsSoon));
        assert!(queue.waiting.lock().unwrap().is_empty());
    }
}
