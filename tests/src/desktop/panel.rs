//! xfce4-panel as the tray's host. The private bus starts nobody, so its settings daemon is started
//! by hand.

use std::fs;
use std::path::{Path, PathBuf};

use zbus::blocking::Connection;
use zbus::blocking::fdo::DBusProxy;

use super::Environment;
use super::tray::{WATCHER, uncached};
use crate::process::Running;
use crate::wait;

/// A list of windows at the left, the tray at the right.
const SETTINGS: &str = include_str!("xfce4-panel.xml");

pub(super) fn start(environment: &Environment, home: &Path) -> Running {
    let folder = home.join(".config/xfce4/xfconf/xfce-perchannel-xml");
    fs::create_dir_all(&folder).expect("our own folder");
    fs::write(folder.join("xfce4-panel.xml"), SETTINGS).expect("our own folder");
    Running::start(environment.command("xfce4-panel").arg("--disable-wm-check"))
}

/// xfconfd: where window manager and panel read their settings.
pub(super) fn start_settings(environment: &Environment) -> Running {
    Running::start(&mut environment.command(settings_daemon()))
}

fn settings_daemon() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("this is Linux").flatten();
    let under = folders.map(|folder| folder.path().join("xfce4/xfconf/xfconfd"));
    under
        .chain(["/usr/libexec/xfce4/xfconf/xfconfd".into()])
        .find(|path| path.is_file())
        .expect("no xfconfd under /usr/lib: `cargo xtask test` installs what is missing")
}

pub(super) fn wait_for_name(bus: &Connection, name: &'static str) {
    let names = DBusProxy::new(bus).expect("every bus has it");
    let name = name.try_into().expect("a bus name");
    wait::until("a name on the bus", || {
        let has_owner = names.name_has_owner(Clone::clone(&name));
        has_owner.is_ok_and(|it| it).then_some(())
    });
}

pub(super) fn wait_for_host(bus: &Connection) {
    let watcher = uncached(bus, WATCHER, "/StatusNotifierWatcher", WATCHER);
    wait::until("a tray", || {
        let hosted = watcher.get_property::<bool>("IsStatusNotifierHostRegistered");
        hosted.is_ok_and(|it| it).then_some(())
    });
}
