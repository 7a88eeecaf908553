//! A graphical session: a [`Desktop`] with a screen and the programs that a test adds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::screen::{Screen, Window};
use super::{Desktop, Environment, Notifications, Tray, accessibility, panel, private_folder};
use crate::agent::binary;
use crate::api::Api;
use crate::http::HttpClient;
use crate::process::Running;
use crate::wait;

/// The desktop app as it ships.
const APP: &str = "VALETKEY_DESKTOP_BIN";

/// Asks for the token of the connection that its argument names.
const ASKING_SCRIPT: &str = r#"
import http.client, os, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(os.environ["SOCKET"])
client = http.client.HTTPConnection("localhost")
client.sock = sock
path = f"/api/v1/credentials/connections/{sys.argv[1]}/token"
client.request("POST", path, "{}", {"Content-Type": "application/json"})
print(client.getresponse().status)
"#;

/// A session. Everything on its screen ends with it.
pub struct Session {
    notifications: Option<Notifications>,
    /// Window manager and panel.
    programs: Vec<Running>,
    screen: Screen,
    pub desktop: Desktop,
}

impl Session {
    /// A full session: window manager, panel with tray, notifications, unlocked keychain.
    pub fn start() -> Self {
        Self::bare(Desktop::start())
            .with_windows()
            .with_notifications()
            .with_panel()
    }

    /// Only a screen: no window manager, no tray, no notifications.
    pub fn bare(mut desktop: Desktop) -> Self {
        let screen = Screen::start();
        desktop.set("DISPLAY", screen.display());
        desktop.set("GDK_BACKEND", "x11");
        // No graphics card, and tests run as root in CI.
        desktop.set("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        desktop.set("WEBKIT_DISABLE_COMPOSITING_MODE", "1");
        desktop.set("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1");
        // Neither is there on the private bus, and asking for them costs seconds.
        desktop.set("NO_AT_BRIDGE", "1");
        desktop.set("GIO_USE_VFS", "local");
        Self {
            notifications: None,
            programs: Vec::new(),
            screen,
            desktop,
        }
    }

    /// With a window manager: frames, focus, Alt+F4.
    #[must_use]
    pub fn with_windows(mut self) -> Self {
        let settings = self.desktop.bus().map(|bus| {
            let xfconfd = panel::start_settings(self.environment());
            panel::wait_for_name(&bus, "org.xfce.Xfconf");
            xfconfd
        });
        self.programs.extend(settings);
        let mut manager = Running::start(&mut self.desktop.command("xfwm4"));
        let found = wait::within(wait::TIMEOUT, || self.screen.has_window_manager());
        assert!(
            found.is_some(),
            "no window manager; it runs: {}, its output: {}",
            manager.is_running(),
            manager.output()
        );
        self.programs.push(manager);
        self
    }

    /// With a panel that shows tray icons; needs [`Self::with_windows`].
    #[must_use]
    pub fn with_panel(mut self) -> Self {
        self.start_panel();
        self
    }

    /// Starts the panel, for sessions whose tray comes late.
    pub fn start_panel(&mut self) {
        let bus = self.desktop.bus().expect("a panel needs the session bus");
        let panel = panel::start(self.environment(), &self.desktop.home());
        panel::wait_for_host(&bus);
        self.programs.push(panel);
    }

    /// With a program that shows notifications.
    #[must_use]
    pub fn with_notifications(mut self) -> Self {
        let bus = self.desktop.bus().expect("they need the session bus");
        let listener = self.desktop.bus().expect("as above");
        let shows = Notifications::start(self.environment(), self.desktop.folder(), bus, &listener);
        self.notifications = Some(shows);
        self
    }

    /// With what screen readers need, to read the app's own windows.
    #[must_use]
    pub fn with_accessibility(mut self) -> Self {
        let bus = self.desktop.bus().expect("it needs the session bus");
        // The toolkit looks for a bus of its own otherwise.
        let address = self.desktop.session_bus_address();
        self.desktop.set("AT_SPI_BUS_ADDRESS", address);
        self.desktop.unset("NO_AT_BRIDGE");
        let registry = accessibility::start(self.environment(), &bus);
        self.programs.push(registry);
        self
    }

    /// Marks the first steps as seen, so that the window opens with the list.
    pub fn skip_first_steps(&self) {
        let home = self.desktop.valetkey_home();
        private_folder(&home);
        fs::write(home.join("first-steps-seen"), "").expect("our own folder");
    }

    /// Clicks on the icon in the panel: the window with the menu. [`Screen::press`] `Escape` ends it.
    pub fn open_tray_menu(&self) -> Window {
        let wrapper = || self.screen.windows_of("Wrapper-2.0").into_iter();
        let tray = wait::until("the tray in the panel", || wrapper().next());
        self.screen.click_on(&tray);
        wait::until("the menu on the screen", || {
            wrapper().find(|it| it.id != tray.id)
        })
    }

    /// The desktop app with a free port.
    pub fn app(&self, args: &[&str]) -> Running {
        Running::start(self.app_command(0).args(args))
    }

    /// The command of the desktop app with this port.
    pub fn app_command(&self, port: u16) -> Command {
        self.app_at(binary(APP), port)
    }

    /// The same, of a copy in the desktop's folder: another user may not reach where it was built.
    pub fn copied_app_command(&self, port: u16) -> Command {
        let original = binary(APP);
        let copy = self
            .desktop
            .folder()
            .join(original.file_name().expect("a program"));
        fs::copy(original, &copy).expect("the folder is ours");
        self.app_at(copy, port)
    }

    /// The desktop app, which asks about programs; hidden.
    pub fn asking_app(&self) -> Running {
        let mut command = self.desktop.command(binary(APP));
        Running::start(command.args(["--port=0", "--hidden"]))
    }

    /// A Python script of this name asks for a token; the status that it got.
    pub fn ask_from_python(&self, script: &str, connection: &str) -> JoinHandle<String> {
        let HttpClient::Socket(socket) = self.http() else {
            panic!("the agent is asked at its socket")
        };
        let path = self.desktop.folder().join(script);
        fs::write(&path, ASKING_SCRIPT).expect("our own folder");
        let mut python = self.desktop.command("python3");
        python.arg(path).arg(connection).env("SOCKET", socket);
        python.current_dir(self.desktop.folder());
        thread::spawn(move || {
            let output = python.output().expect("python3");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
    }

    /// Asks about no program: most tests are about something else.
    fn app_at(&self, program: PathBuf, port: u16) -> Command {
        let mut command = self.desktop.command(program);
        command.args([&format!("--port={port}"), "--policy=allow"]);
        command
    }

    /// The API of the agent that runs here, once it listens.
    pub fn api(&self) -> Api {
        Api::new(self.http())
    }

    /// HTTP over the socket of the agent that runs here, once it listens.
    pub fn http(&self) -> HttpClient {
        let endpoint = self.endpoint();
        HttpClient::Socket(endpoint["socket"].as_str().expect("a path").into())
    }

    /// Where the agent that runs here can be reached, once it can.
    pub fn endpoint(&self) -> Value {
        let file = self.desktop.valetkey_home().join("endpoint.json");
        wait::until("the agent's listeners", || {
            let text = fs::read(&file).ok()?;
            let endpoint: Value = serde_json::from_slice(&text).ok()?;
            let is_open = Path::new(endpoint["socket"].as_str()?).exists();
            is_open.then_some(endpoint)
        })
    }

    /// The tray; it may not hold our icon yet.
    pub fn tray(&self) -> Tray {
        Tray::new(self.desktop.bus().expect("a tray needs the session bus"))
    }

    /// What was shown on the desktop; needs [`Self::with_notifications`].
    pub fn notifications(&self) -> &Notifications {
        self.notifications
            .as_ref()
            .expect("this session shows notifications")
    }

    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// How many web processes show a page on this desktop.
    pub fn web_processes(&self) -> usize {
        self.programs("WebKitWebProcess").len()
    }

    /// The processes of this desktop that run this program.
    pub fn programs(&self, name: &str) -> Vec<u32> {
        let runs = |id: &u32| {
            let link = fs::read_link(format!("/proc/{id}/exe")).ok();
            link.is_some_and(|it| it.file_name().is_some_and(|it| it == name))
        };
        self.desktop.processes().into_iter().filter(runs).collect()
    }

    fn environment(&self) -> &Environment {
        self.desktop.environment()
    }
}
