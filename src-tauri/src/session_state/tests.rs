use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tokio::runtime::Builder;
use zbus::blocking::connection;
use zbus::zvariant::Value;

use super::*;

const SESSION: &str = "/org/freedesktop/login1/session/_31";
static ADDRESS: OnceLock<String> = OnceLock::new();

struct Bus(Child);

impl Drop for Bus {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A bus that is both the system's and the session's; no service is started on it.
fn bus() -> Bus {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bus.conf");
    let text = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir={}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"#,
        folder.path().display()
    );
    std::fs::write(&config, text).unwrap();
    let mut bus = Command::new("dbus-daemon")
        .arg("--config-file")
        .arg(&config)
        .args(["--nofork", "--print-address=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let out = bus.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut address).unwrap();
    ADDRESS.set(address.trim().to_owned()).unwrap();
    // The socket is open; its folder goes with the bus.
    std::mem::forget(folder);
    Bus(bus)
}

fn connect() -> zbus::Result<Connection> {
    connection::Builder::address(ADDRESS.get().unwrap().as_str())?.build()
}

struct Logind;

#[expect(clippy::unused_self, reason = "the interface's methods take it")]
#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    #[zbus(name = "GetSessionByPID")]
    fn session_by_pid(&self, pid: u32) -> OwnedObjectPath {
        assert_eq!(pid, std::process::id());
        SESSION.try_into().unwrap()
    }
}

struct Session;

#[expect(clippy::unused_self, reason = "the interface's methods take it")]
#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn idle_hint(&self) -> bool {
        true
    }
}

struct ScreenSaver;

#[expect(clippy::unused_self, reason = "the interface's methods take it")]
#[zbus::interface(name = "org.gnome.ScreenSaver")]
impl ScreenSaver {
    fn get_active(&self) -> bool {
        true
    }
}

#[test]
fn the_session_is_locked_while_one_source_says_so_and_idle_while_logind_does() {
    let _bus = bus();
    let desktop = connect().unwrap();
    let server = desktop.object_server();
    server.at("/org/freedesktop/login1", Logind).unwrap();
    server.at(SESSION, Session).unwrap();
    server.at("/org/gnome/ScreenSaver", ScreenSaver).unwrap();
    for name in [
        LOGIND,
        "org.gnome.ScreenSaver",
        "org.freedesktop.ScreenSaver",
    ] {
        desktop.request_name(name).unwrap();
    }
    let stranger = connect().unwrap();
    let states = States::default();
    let mut news = states.subscribe();
    listen(connect, connect, &states);
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    // Says it again until it is heard: a listener may not have subscribed yet.
    let mut reaches = |locked: [bool; 3], idle: bool, say: &dyn Fn()| {
        let expected = State { locked, idle };
        for _ in 0..300 {
            say();
            let reached = news.wait_for(|states| *states == expected);
            let reached = async { timeout(Duration::from_millis(100), reached).await.is_ok() };
            if runtime.block_on(reached) {
                return;
            }
        }
        panic!("not in time: {expected:?}");
    };
    // What it says at the start.
    reaches([false, false, true], true, &|| {});
    let active = |connection: &Connection, index: usize, active: bool| {
        let (name, path) = SCREENSAVERS[index];
        let sent = connection.emit_signal(None::<()>, path, name, "ActiveChanged", &(active,));
        sent.unwrap();
    };
    // Another program cannot unlock.
    active(&stranger, 1, false);
    reaches([false, true, true], true, &|| active(&desktop, 0, true));
    reaches([false, true, false], true, &|| active(&desktop, 1, false));
    reaches([false, false, false], true, &|| active(&desktop, 0, false));
    let session = "org.freedesktop.login1.Session";
    let signal = |member: &str| {
        let sent = desktop.emit_signal(None::<()>, SESSION, session, member, &());
        sent.unwrap();
    };
    let hint = |name: &str, is_on: bool| {
        let hints = std::collections::HashMap::from([(name, Value::from(is_on))]);
        let body = (session, hints, Vec::<String>::new());
        let properties = "org.freedesktop.DBus.Properties";
        let sent = desktop.emit_signal(None::<()>, SESSION, properties, "PropertiesChanged", &body);
        sent.unwrap();
    };
    reaches([true, false, false], true, &|| signal("Lock"));
    reaches([false, false, false], true, &|| signal("Unlock"));
    reaches([true, false, false], true, &|| hint("LockedHint", true));
    reaches([true, false, false], false, &|| hint("IdleHint", false));
    reaches([false, false, false], false, &|| hint("LockedHint", false));
    reaches([false, false, false], true, &|| hint("IdleHint", true));
}
