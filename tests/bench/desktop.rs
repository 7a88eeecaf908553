//! The desktop app in a real session: memory before, with and after its window.

use std::time::{Duration, Instant};

use serde_json::json;
use valetkey_tests::{Running, Session, wait};

use crate::memory::pss;
use crate::report::Report;

const PROGRAMS: [&str; 4] = [
    "valetkey-desktop",
    "WebKitWebProcess",
    "WebKitNetworkProcess",
    "WebKitGPUProcess",
];
/// What was just freed is given back within this time.
const SETTLED: Duration = Duration::from_secs(5);

/// How often the window is opened and closed.
const OPENINGS: u32 = 50;

/// Proportional set size of the app and every process of its web view.
pub(crate) fn memory(quick: bool, report: &mut Report) {
    let stage = Stage::start();
    report.figure(
        "memory (PSS), tray before the first window",
        stage.memory(),
        "MB",
        Some(60.0),
    );
    stage.open();
    report.figure("memory (PSS), window open", stage.memory(), "MB", None);
    stage.close();
    let once = stage.memory();
    report.figure(
        "memory (PSS), tray after one window",
        once,
        "MB",
        Some(90.0),
    );
    let openings = if quick { 5 } else { OPENINGS };
    for _ in 1..openings {
        stage.open();
        stage.close();
    }
    let often = stage.memory();
    report.figure(
        &format!("memory (PSS), tray after {openings} windows"),
        often,
        "MB",
        Some(90.0),
    );
    report.figure(
        &format!("growth from window 1 to {openings}"),
        often - once,
        "MB",
        None,
    );
}

/// A person's session with the app in its tray.
pub(crate) struct Stage {
    _app: Running,
    pub(crate) session: Session,
}

impl Stage {
    pub(crate) fn start() -> Self {
        let session = Session::start();
        session.skip_first_steps();
        let app = session.app(&["--hidden"]);
        session.tray().wait_for_icon();
        assert_eq!(session.web_processes(), 0, "hidden means no window");
        Self { _app: app, session }
    }

    fn open(&self) {
        self.ask_for_window();
        wait::until("a page", || {
            (self.session.web_processes() == 1).then_some(())
        });
        // Painted, and no longer changing.
        self.session.screen().picture("bench", "window");
    }

    /// Opens the window and takes pictures of it until it no longer changes: the last one, and all
    /// with their times.
    pub(crate) fn open_and_watch(&self) -> (Vec<u8>, Vec<(Instant, Vec<u8>)>) {
        let path = self.session.desktop.folder().join("watched.png");
        let shoot = || (Instant::now(), self.session.screen().shoot(&path));
        let mut pictures = Vec::new();
        self.ask_for_window();
        let began = Instant::now();
        while began.elapsed() < SETTLED {
            pictures.push(shoot());
        }
        let (_, still) = shoot();
        (still, pictures)
    }

    fn ask_for_window(&self) {
        let door = self.session.http();
        let reply = door.request_json("POST", "/api/v1/window", &json!({}));
        assert!(reply.status < 300, "the app shows its window");
        self.session.screen().wait_for_window("Valet Key");
    }

    pub(crate) fn close(&self) {
        let window = self.session.screen().wait_for_window("Valet Key");
        self.session.screen().close(&window);
        wait::until("the end of the page", || {
            (self.session.web_processes() == 0).then_some(())
        });
    }

    fn memory(&self) -> f64 {
        std::thread::sleep(SETTLED);
        let processes = PROGRAMS.map(|name| self.session.programs(name));
        processes.into_iter().flatten().map(pss).sum()
    }
}
