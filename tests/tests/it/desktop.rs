//! The desktop app on a real session bus, with a real keychain, a real web view and a screen that
//! nobody looks at.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use valetkey_tests::{Desktop, HttpClient, Session, wait};

#[test]
fn the_app_serves_programs_has_one_window_and_leaves_nothing_behind() {
    let session = Session::bare(Desktop::start());
    let mut app = session.app(&[]);
    let status = session.http().get("/api/v1/status").json();
    assert_eq!(status["pid"], app.id());
    assert_eq!(status["secret_store"]["state"], "ready");
    wait::until("its window", || {
        (session.web_processes() == 1).then_some(())
    });

    let mut second = session.app(&[]);
    assert!(second.wait().success(), "the first one shows its window");
    assert_eq!(session.web_processes(), 1);

    let HttpClient::Socket(socket) = session.http() else {
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
    let session = Session::bare(Desktop::start());
    let _app = session.app(&["--hidden"]);
    session.http();
    // Nobody shows tray icons here, so hidden it could not be reached.
    wait::until("its window", || {
        (session.web_processes() == 1).then_some(())
    });
}

#[test]
fn while_the_app_runs_no_program_makes_keys() {
    let session = Session::bare(Desktop::start());
    let _app = session.app(&["--hidden"]);
    let reply = session.http().request_json(
        "POST",
        "/api/v1/clients",
        &serde_json::json!({"name": "ci"}),
    );
    assert_eq!(reply.status, 403, "access is widened in the window only");
}

#[test]
fn a_window_that_was_killed_leaves_the_agent_alone_and_opens_anew() {
    let session = Session::start();
    let app = session.app(&[]);
    let window = || {
        let mut programs = session.programs("valetkey-desktop");
        programs.retain(|it| *it != app.id());
        programs
    };
    let first = wait::until("its window", || {
        session.screen().wait_for_window("Valet Key");
        window().first().copied()
    });
    let pid = Pid::from_raw(first.try_into().expect("a process")).expect("a process");
    kill_process(pid, Signal::KILL).expect("it runs");
    session.screen().wait_for_no_window("Valet Key");

    let http = session.http();
    let asked = http.request_json("POST", "/api/v1/window", &serde_json::json!({}));
    assert!(asked.status < 300, "{}", asked.text());
    session.screen().wait_for_window("Valet Key");
    assert_ne!(window(), [first]);
    assert_eq!(http.get("/api/v1/status").json()["pid"], app.id());
}

#[test]
fn the_passphrase_is_not_in_the_environment_of_the_window() {
    const PASSPHRASE: &str = "planted-passphrase-91c2";
    let mut desktop = Desktop::start();
    desktop.set("VALETKEY_PASSPHRASE", PASSPHRASE);
    let session = Session::bare(desktop);
    let app = session.app(&["--secret-store", "file"]);
    let status = session.http().get("/api/v1/status").json();
    assert_eq!(status["secret_store"]["kind"], "file");
    wait::until("its window", || {
        (session.web_processes() == 1).then_some(())
    });

    let mut windows = session.programs("valetkey-desktop");
    windows.retain(|it| *it != app.id());
    assert_eq!(windows.len(), 1, "the process of the window");
    for process in [windows, session.programs("WebKitWebProcess")].concat() {
        // A hardened process is readable by root only.
        let Ok(environment) = fs::read(format!("/proc/{process}/environ")) else {
            continue;
        };
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("HOME="), "{environment}");
        assert!(!environment.contains(PASSPHRASE), "process {process}");
    }
}
