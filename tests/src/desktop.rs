//! A private desktop: folders, environment, session bus, keychain. A [`Session`] adds a screen, window
//! manager, panel and notifications.

mod accessibility;
mod bus;
mod clipboard;
mod keyring;
mod notifications;
mod panel;
mod screen;
mod session;
mod tray;

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use zbus::blocking::{Connection, connection::Builder};

pub use accessibility::Widget;
pub use keyring::{Item, Keyring};
pub use notifications::{Notification, Notifications};
pub use screen::{APPROVAL_WINDOW, Area, Screen, Window, picture_folder};
pub use session::Session;
pub use tray::{MenuLine, Tray};

use crate::process::Running;

/// In the environment of every process of a desktop, so that detached ones are found too.
const PROCESS_MARKER: &str = "VALETKEY_TEST_DESKTOP";

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A process that the kernel has not ended by then is left behind.
const MAX_POLLS: u32 = 100;

/// A private desktop. All its processes end when it is dropped.
pub struct Desktop {
    keyring: Keyring,
    bus: Option<Running>,
    environment: Environment,
    folder: TempDir,
}

/// The environment of its processes: of the machine's own only `PATH`.
#[derive(Debug, Clone)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// A command in this environment.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(self.0.iter().cloned());
        command
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.unset(name);
        self.0.push((name.into(), value.into()));
    }

    fn unset(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }
}

impl Desktop {
    /// A desktop with an unlocked, empty keychain.
    pub fn start() -> Self {
        let mut desktop = Self::without_keyring();
        desktop.keyring.start();
        desktop
    }

    /// A desktop with a session bus and no services on it.
    pub fn without_keyring() -> Self {
        Self::build(true)
    }

    /// A desktop without a session bus, as over SSH and in containers.
    pub fn without_bus() -> Self {
        Self::build(false)
    }

    fn build(with_bus: bool) -> Self {
        // Directly in /tmp: a Unix socket path ends at 108 bytes.
        let folder = tempfile::Builder::new()
            .prefix("vk-")
            .tempdir_in("/tmp")
            .expect("/tmp takes a folder");
        let root = folder.path();
        let mut environment = Environment(Vec::new());
        environment.set(PROCESS_MARKER, root);
        environment.set("PATH", std::env::var_os("PATH").expect("PATH is set"));
        environment.set("LANG", "C.UTF-8");
        for (name, part) in [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = root.join(part);
            private_folder(&path);
            environment.set(name, path);
        }
        environment.set("VALETKEY_HOME", root.join("vk"));
        let address = root.join("run/bus");
        environment.set(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", address.display()),
        );
        let bus = with_bus.then(|| bus::start(&environment, root, &address));
        let keyring = Keyring::new(environment.clone(), &address);
        Self {
            keyring,
            bus,
            environment,
            folder,
        }
    }

    /// Gives its folders to another user of the machine; only root can.
    pub fn give_to(&self, user: u32) {
        let parts = ["", "home", "run", "tmp"].map(|part| self.folder().join(part));
        for folder in parts {
            chown(folder, Some(user), Some(user)).expect("we are root");
        }
    }

    /// A command that runs on this desktop.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        self.environment.command(program)
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Sets a variable for every process started from now on.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.set(name, value);
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.environment.unset(name);
    }

    /// The keychain.
    pub fn keyring(&mut self) -> &mut Keyring {
        &mut self.keyring
    }

    /// The folder that holds everything of this desktop.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `HOME`.
    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// A connection to the session bus; None where there is no bus.
    pub fn bus(&self) -> Option<Connection> {
        self.bus.as_ref()?;
        let address = self.session_bus_address();
        let bus = Builder::address(address.as_str()).and_then(Builder::build);
        Some(bus.expect("the bus runs"))
    }

    fn session_bus_address(&self) -> String {
        format!("unix:path={}", self.folder().join("run/bus").display())
    }

    /// `VALETKEY_HOME`.
    pub fn valetkey_home(&self) -> PathBuf {
        self.folder().join("vk")
    }

    /// Ends the session bus, and with it every connection to the keychain.
    pub fn kill_bus(&mut self) {
        self.bus = None;
    }

    /// All running processes of this desktop.
    pub fn processes(&self) -> Vec<u32> {
        let marker = format!("{PROCESS_MARKER}={}", self.folder().display());
        let processes = fs::read_dir("/proc").expect("this is Linux");
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|id| {
                let environ = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
                environ
                    .split(|byte| *byte == 0)
                    .any(|it| it == marker.as_bytes())
            })
            .collect()
    }
}

fn private_folder(path: &Path) {
    let mut folder = DirBuilder::new();
    folder.mode(0o700).recursive(true);
    folder.create(path).expect("our own folder");
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // A process that executes another program at this moment shows no environment, so two empty
        // polls are needed.
        let mut empty_polls = 0;
        for _ in 0..MAX_POLLS {
            let processes = self.processes();
            empty_polls = if processes.is_empty() {
                empty_polls + 1
            } else {
                0
            };
            if empty_polls == 2 {
                return;
            }
            for id in processes {
                let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
                // An error means that it has ended meanwhile.
                let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}
