//! The desktop app on a real session bus, with a real keychain, a real web view and a screen that
//! nobody looks at.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use valetkey_tests::{Desktop, Door, Running, wait};

/// A desktop with a screen, and no panel: there is no tray to be seen.
struct Session {
    desktop: Desktop,
    _screen: Running,
}

impl Session {
    fn start() -> Self {
        let mut desktop = Desktop::start();
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24"]);
        xvfb.args(["-nolisten", "tcp"]);
        let screen = Running::start(&mut xvfb);
        let number: u32 = screen.wait_for("its number", |line| line.text.parse().ok());
        desktop.set("DISPLAY", format!(":{number}"));
        // No graphics card, and tests run as root in CI.
        desktop.set("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        desktop.set("WEBKIT_DISABLE_COMPOSITING_MODE", "1");
        desktop.set("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1");
        Self {
            desktop,
            _screen: screen,
        }
    }

    fn app(&self, args: &[&str]) -> Running {
        let binary = std::env::var_os("VALETKEY_DESKTOP_BIN").expect("`cargo xtask test` sets it");
        let mut command = self.desktop.command(PathBuf::from(binary));
        command.args(["--port", "0"]).args(args);
        Running::start(&mut command)
    }

    fn door(&self) -> Door {
        let file = self.desktop.valetkey_home().join("endpoint.json");
        wait::until("the open doors", || {
            let text = std::fs::read(&file).ok()?;
            let endpoint: Value = serde_json::from_slice(&text).ok()?;
            Some(Door::Socket(endpoint["socket"].as_str()?.into()))
        })
    }

    /// How many web processes show a page on this desktop.
    fn web_processes(&self) -> usize {
        let names = self.desktop.processes().into_iter().filter_map(|id| {
            let link = std::fs::read_link(format!("/proc/{id}/exe")).ok()?;
            Some(link.file_name()?.to_string_lossy().into_owned())
        });
        names.filter(|name| name == "WebKitWebProcess").count()
    }
}

#[test]
fn the_app_serves_programs_has_one_window_and_leaves_nothing_behind() {
    let session = Session::start();
    let mut app = session.app(&[]);
    let status = session.door().get("/api/v1/status").json();
    assert_eq!(status["pid"], app.id());
    assert_eq!(status["secret_store"]["state"], "ready");
    wait::until("its window", || {
        (session.web_processes() == 1).then_some(())
    });

    let mut second = session.app(&[]);
    assert!(second.wait().success(), "the first one shows its window");
    assert_eq!(session.web_processes(), 1);

    let Door::Socket(socket) = session.door() else {
        unreachable!("it is a socket")
    };
    app.signal(Signal::TERM);
    assert!(app.wait().success());
    assert!(!socket.exists());
    wait::until("the end of the window", || {
        (session.web_processes() == 0).then_some(())
    });
}

#[test]
fn started_at_login_it_has_a_window_only_where_there_is_no_tray() {
    let session = Session::start();
    let _app = session.app(&["--hidden"]);
    session.door();
    // Nobody shows tray icons here, so hidden it could not be reached.
    wait::until("its window", || {
        (session.web_processes() == 1).then_some(())
    });
}

#[test]
fn while_the_app_runs_no_program_makes_keys() {
    let session = Session::start();
    let _app = session.app(&["--hidden"]);
    let reply = session.door().ask_json(
        "POST",
        "/api/v1/clients",
        &serde_json::json!({"name": "ci"}),
    );
    assert_eq!(reply.status, 403, "access is widened in the window only");
}
