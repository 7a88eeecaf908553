//! dunst shows the notifications, and a monitor on the bus writes down which.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use zbus::MatchRule;
use zbus::blocking::fdo::MonitoringProxy;
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Message, Type};
use zbus::zvariant::Value;

use super::screen::Screen;
use super::{Environment, panel, tray};
use crate::process::Running;
use crate::wait;

const SERVER: &str = "org.freedesktop.Notifications";

/// Stay until clicked; a left click is the default action.
const SETTINGS: &str = include_str!("dunstrc");

/// Everything that was shown, and the program that shows it.
pub struct Notifications {
    shown: Arc<Mutex<Vec<Notification>>>,
    bus: Connection,
    _dunst: Running,
}

/// One that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The call that asked for it.
    serial: u32,
    /// The server's number; None until it has answered.
    pub id: Option<u32>,
    /// The number of the one whose place it takes.
    pub replaces: u32,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// Its buttons: name, words.
    pub actions: Vec<(String, String)>,
    /// Gone from the screen.
    pub closed: bool,
}

impl Notifications {
    pub(super) fn start(
        environment: &Environment,
        folder: &Path,
        bus: Connection,
        listener: &Connection,
    ) -> Self {
        let settings = folder.join("dunstrc");
        fs::write(&settings, SETTINGS).expect("our own folder");
        let shown = Arc::<Mutex<Vec<Notification>>>::default();
        // Listening from before the call that makes it a monitor: nothing falls in between.
        let messages = MessageIterator::from(listener);
        let rules = ["method_call", "method_return", "signal"].map(rule);
        MonitoringProxy::new(listener)
            .and_then(|monitor| Ok(monitor.become_monitor(&rules, 0)?))
            .expect("the private bus lets us listen");
        let log = Arc::clone(&shown);
        thread::spawn(move || {
            for message in messages.flatten() {
                note(&mut log.lock().expect("no reader panics"), &message);
            }
        });
        let dunst = Running::start(environment.command("dunst").arg("-conf").arg(settings));
        panel::wait_for_name(&bus, SERVER);
        Self {
            shown,
            bus,
            _dunst: dunst,
        }
    }

    /// Every notification so far, oldest first.
    pub fn all(&self) -> Vec<Notification> {
        self.shown.lock().expect("no reader panics").clone()
    }

    /// Titles of all so far, oldest first.
    pub fn titles(&self) -> Vec<String> {
        self.all().into_iter().map(|it| it.title).collect()
    }

    /// Waits for one with this title that is still on the screen.
    pub fn wait_for(&self, title: &str) -> Notification {
        let on_screen = |it: &Notification| it.title == title && it.id.is_some() && !it.closed;
        let found = wait::within(wait::TIMEOUT, || self.all().into_iter().find(on_screen));
        found.unwrap_or_else(|| panic!("no notification `{title}`: {:#?}", self.all()))
    }

    /// Clicks on it. All others go from the screen first, so that there is no doubt which one was hit.
    pub fn click_on(&self, screen: &Screen, notification: &Notification) {
        self.close(|it| it.id != notification.id);
        let dunst = || screen.windows_of("Dunst").into_iter().next();
        screen.click_on(&wait::until("a notification on the screen", dunst));
    }

    /// Takes all from the screen.
    pub fn close_all(&self) {
        self.close(|_| true);
    }

    fn close(&self, which: impl Fn(&Notification) -> bool) {
        let server = tray::uncached(&self.bus, SERVER, "/org/freedesktop/Notifications", SERVER);
        let open = self.all().into_iter().filter(|it| !it.closed && which(it));
        for id in open.filter_map(|it| it.id) {
            server
                .call::<_, _, ()>("CloseNotification", &id)
                .expect("dunst runs");
        }
    }
}

fn rule(kind: &str) -> MatchRule<'static> {
    let rule = MatchRule::try_from(match kind {
        "method_call" => "type='method_call',interface='org.freedesktop.Notifications'",
        "signal" => "type='signal',interface='org.freedesktop.Notifications'",
        _ => "type='method_return'",
    });
    rule.expect("a rule")
}

fn note(shown: &mut Vec<Notification>, message: &Message) {
    let header = message.header();
    let serial = header.primary().serial_num().get();
    let member = header.member().map_or("", |it| it.as_str());
    match (message.message_type(), member) {
        (Type::MethodCall, "Notify") => shown.extend(asked(serial, message)),
        (Type::MethodReturn, _) => {
            let answers = header.reply_serial().map(std::num::NonZero::get);
            let waiting = shown.iter_mut().filter(|it| it.id.is_none());
            for one in waiting.filter(|it| Some(it.serial) == answers) {
                one.id = message.body().deserialize().ok();
            }
        }
        (Type::Signal, "NotificationClosed") => {
            let closed: Option<(u32, u32)> = message.body().deserialize().ok();
            let ours = shown.iter_mut().filter(|it| it.id == closed.map(|it| it.0));
            ours.for_each(|it| it.closed = true);
        }
        _ => {}
    }
}

fn asked(serial: u32, message: &Message) -> Option<Notification> {
    let body = message.body();
    let (_app, replaces, _icon, title, text, actions, _hints, _expires): NotifyCall<'_> =
        body.deserialize().ok()?;
    let actions = actions.chunks_exact(2);
    Some(Notification {
        serial,
        id: None,
        replaces,
        title: title.to_owned(),
        body: text.to_owned(),
        actions: actions
            .map(|it| (it[0].to_owned(), it[1].to_owned()))
            .collect(),
        closed: false,
    })
}

/// The arguments of `Notify`.
type NotifyCall<'a> = (
    &'a str,
    u32,
    &'a str,
    &'a str,
    &'a str,
    Vec<&'a str>,
    HashMap<&'a str, Value<'a>>,
    i32,
);
