//! The approval window of the real app, answered by the keyboard of a real screen.

use std::thread::{self, JoinHandle};

use rustix::process::Signal;
use serde_json::{Value, json};
use valetkey_demo_provider::{Account, DemoProvider, Filter, Settings};
use valetkey_tests::desktop::Widget;
use valetkey_tests::{Desktop, Running, Session, cli, wait};

/// What scopes mean, in the window's words.
const OPENID: &str = "Know who you are";
const EMAIL: &str = "See your e-mail address";
const OFFLINE: &str = "Stay signed in while you are away";

struct Scene {
    app: Running,
    session: Session,
    /// Of the connection.
    name: String,
    provider: DemoProvider,
}

impl Scene {
    /// The app, which asks, with a connection `acme`.
    fn start() -> Self {
        Self::with(false)
    }

    /// Where the provider issues tokens with fewer scopes, or not.
    fn with(narrow_tokens: bool) -> Self {
        let session = Session::bare(Desktop::start());
        Self::on(session, "ada", |acme| {
            acme["narrow_tokens"] = json!(narrow_tokens);
        })
    }

    /// On this desktop, with this account and a changed `acme`.
    fn on(session: Session, account: &str, change: impl FnOnce(&mut Value)) -> Self {
        let session = session.with_accessibility();
        session.skip_first_steps();
        let provider = DemoProvider::start(Settings {
            accounts: vec![Account::new(account, account)],
            ..Settings::auto_consent(account)
        })
        .expect("a free port");
        let app = session.asking_app();
        let api = session.api();
        let mut acme = provider.client_config("acme");
        change(&mut acme);
        let added = api.add(&acme);
        let name = added["authenticator"]["name"].as_str().expect("a name");
        api.sign_in(name);
        Self {
            app,
            session,
            name: name.to_owned(),
            provider,
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
        self.session.ask_from_python(name, &self.name)
    }

    fn answer(&self, key: &str) {
        self.session.screen().answer(key);
    }
}

fn of_role(widgets: Vec<Widget>, role: &str) -> Vec<Widget> {
    let mut widgets = widgets;
    widgets.retain(|widget| widget.role == role);
    widgets
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

#[test]
fn the_person_leaves_scopes_out_where_the_provider_issues_such_tokens() {
    let scene = Scene::with(true);
    let session = &scene.session;
    let report = scene.ask("report.py");
    let offered = of_role(session.approval_widgets(), "check box");
    let texts: Vec<_> = offered.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts[..3], [OPENID, EMAIL, OFFLINE]);
    assert!(offered[..3].iter().all(|it| it.is_checked));

    session.click_check_box(OPENID);
    session.click_check_box(OFFLINE);
    session.screen().picture("approvals", "fewer-scopes");
    session.click_check_box(EMAIL);
    let buttons = of_role(session.approval_widgets(), "push button");
    let takes: Vec<_> = buttons.iter().map(|it| it.is_sensitive).collect();
    assert_eq!(takes, [true, false, false, false], "only to deny");
    session.click_check_box(EMAIL);
    scene.answer("a");
    assert_eq!(status(report), "200");
    let asked = scene.provider.requests(Filter::refreshes());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].param("scope"), Some("email"));
    let rules = session.api().get("rules").json();
    assert_eq!(rules["rules"][0]["scopes"], json!(["email"]));
    assert_eq!(rules["rules"][0]["narrowed"], json!(true));
}

#[test]
fn no_scopes_can_be_left_out_where_the_provider_issues_no_such_tokens() {
    let scene = Scene::start();
    let report = scene.ask("report.py");
    let shown = scene.session.approval_widgets();
    assert!(
        shown
            .iter()
            .any(|it| it.role == "label" && it.text.contains(EMAIL))
    );
    let offered = of_role(shown, "check box");
    assert!(!offered.iter().any(|it| it.text == EMAIL), "{offered:?}");
    scene.answer("d");
    assert_eq!(status(report), "403");
}

/// Markup, an entity, far too much, and a turn of the direction in which text runs.
fn hostile(end: &str) -> String {
    format!("<b>x<b> &amp; {}\u{202e}{end}", "!".repeat(500))
}

/// Of programs, providers and accounts, in all that the app itself draws.
#[test]
fn hostile_names_are_shown_as_text_and_fit_on_the_screen() {
    let session = Session::start();
    let scene = Scene::on(session, "<i>ada\u{202e}", |acme| {
        acme["name"] = json!(hostile("emca"));
    });
    let session = &scene.session;
    let report = scene.ask(&format!("<b>&amp;{}\n\u{202e}yp.py", "x".repeat(200)));
    let shown = session.approval_widgets();
    session.screen().picture("approvals", "hostile-names");
    for widget in &shown {
        let (x, y, width, height) = widget.extents;
        let fits = x >= 0 && y >= 0 && x + width <= 1280 && y + height <= 800;
        assert!(fits, "{widget:?}");
        assert!(!widget.text.contains('\u{202e}'), "{widget:?}");
        assert!(!widget.text.contains('\n'), "{widget:?}");
    }
    let heading = &of_role(shown.clone(), "label")[0].text;
    let program = heading.strip_prefix("Let “<b>&amp;xxx");
    let rest = program.and_then(|it| it.split_once(r"\n\u{202e}yp.py” use <b>x<b> &amp; !!!"));
    assert!(
        rest.is_some_and(|(_, provider)| provider.ends_with(r"!!\u{202e}emca?")),
        "{heading}"
    );
    let account = |it: &Widget| it.text.contains("<i>ada @example.com");
    let texts: Vec<_> = shown.iter().map(|it| &it.text).collect();
    assert!(shown.iter().any(account), "{texts:#?}");

    let line = session.tray().words().into_iter();
    let line: Vec<_> = line.filter(|it| it.ends_with(": connected")).collect();
    assert!(line[0].starts_with("<b>x<b> &amp; !!!"), "{line:?}");
    assert!(line[0].ends_with(r"!!\u{202e}emca: connected"), "{line:?}");
    session.notifications().wait_for(heading);
    let titles = wait::until("the notification of the sign-in", || {
        let titles = session.notifications().titles();
        let is_told = titles.iter().any(|it| it.ends_with("emca is connected"));
        is_told.then_some(titles)
    });
    assert!(!titles.concat().contains('\u{202e}'), "{titles:#?}");
    scene.answer("d");
    assert_eq!(status(report), "403");
}
