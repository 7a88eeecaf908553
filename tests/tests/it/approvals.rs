//! The approval window of the real app, answered by the keyboard of a real screen.

use std::thread::{self, JoinHandle};

use rustix::process::Signal;
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{Desktop, Running, Session, cli};

struct Scene {
    app: Running,
    session: Session,
    _provider: DemoProvider,
}

impl Scene {
    /// The app, which asks, with a connection `acme`.
    fn start() -> Self {
        let session = Session::bare(Desktop::start());
        session.skip_first_steps();
        let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
        let app = session.asking_app();
        let api = session.api();
        api.add(&provider.client_config("acme"));
        api.sign_in("acme");
        Self {
            app,
            session,
            _provider: provider,
        }
    }

    fn restart(&mut self) {
        // As the session manager does at logout.
        self.app.signal(Signal::TERM);
        self.app.wait();
        self.app = self.session.asking_app();
        self.session.api();
    }

    /// A Python script of this name asks for the token; the status that it got.
    fn ask(&self, name: &str) -> JoinHandle<String> {
        self.session.ask_from_python(name, "acme")
    }

    fn answer(&self, key: &str) {
        self.session.screen().answer(key);
    }
}

fn status(asked: JoinHandle<String>) -> String {
    asked.join().expect("it ends")
}

#[test]
fn the_person_decides_about_each_program_in_the_apps_own_window() {
    let mut scene = Scene::start();
    let report = scene.ask("report.py");
    scene.session.screen().wait_for_window("Valet Key asks");
    scene.session.screen().picture("approvals", "access");
    scene.answer("a");
    assert_eq!(status(report), "200");
    assert_eq!(status(scene.ask("report.py")), "200", "it is remembered");

    let other = scene.ask("other.py");
    scene.answer("d");
    assert_eq!(status(other), "403");
    assert_eq!(
        status(scene.ask("other.py")),
        "403",
        "nobody is asked again"
    );

    scene.restart();
    assert_eq!(
        status(scene.ask("report.py")),
        "200",
        "after a restart, too"
    );
    assert_eq!(status(scene.ask("other.py")), "403");
}

#[test]
fn a_program_stops_the_app_only_if_the_person_agrees() {
    let scene = Scene::start();
    let desktop = &scene.session.desktop;
    let stop = || cli::run(desktop, &["stop"]);
    thread::scope(|scope| {
        let stopped = scope.spawn(stop);
        scene.session.screen().wait_for_window("Valet Key asks");
        scene.session.screen().picture("approvals", "stop");
        scene.answer("n");
        assert_eq!(stopped.join().expect("it ends").code, Some(77));
        let stopped = scope.spawn(stop);
        scene.answer("s");
        assert_eq!(stopped.join().expect("it ends").code, Some(0));
    });
    // An agent without the app allows what a rule allows, and there is none.
    let refused = cli::run(desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert!(refused.stderr.contains("valetkey access"), "{refused:?}");
    cli::ok(desktop, &["stop"]);
}
