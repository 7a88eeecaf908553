//! An agent without a desktop runs already when the app starts: its question, and both answers.

use serde_json::Value;
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::desktop::Window;
use valetkey_tests::{Agent, Desktop, Running, Session, cli, wait};

/// A session with a headless agent that has a connection, and the app that has just asked.
struct Asked {
    app: Running,
    agent: Agent,
    _provider: DemoProvider,
    session: Session,
    question: Window,
}

#[derive(Debug, Clone, Copy)]
enum Button {
    TakeOver,
    LeaveIt,
}

/// In pixels; they fill the lower edge of the dialog.
const BUTTON_HEIGHT: i32 = 40;

impl Asked {
    fn start() -> Self {
        let session = Session::bare(Desktop::start()).with_windows();
        let agent = Agent::start(&session.desktop);
        let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
        agent.api().add(&provider.client_config("mail"));
        agent.api().sign_in("mail");
        let app = session.app(&[]);
        let question = session.screen().wait_for_window("Valet Key");
        session.screen().raise(&question);
        session.screen().picture("window", "take-over");
        Self {
            app,
            agent,
            _provider: provider,
            session,
            question,
        }
    }

    /// Clicks on a button: the left one, or the right one.
    fn answer(&self, button: Button) {
        let screen = self.session.screen();
        let x = match button {
            Button::TakeOver => self.question.width / 4,
            Button::LeaveIt => self.question.width * 3 / 4,
        };
        screen.click(&self.question, x, self.question.height - BUTTON_HEIGHT / 2);
    }

    fn status(&self) -> Value {
        self.session.api().get("status").json()
    }
}

#[test]
fn taking_over_stops_the_headless_agent_and_loses_nothing() {
    let mut asked = Asked::start();
    let before = cli::ok(&asked.session.desktop, &["token", "mail"]).stdout;
    asked.answer(Button::TakeOver);
    assert!(asked.agent.process().wait().success());
    assert_eq!(asked.status()["pid"], asked.app.id());
    let after = cli::ok(&asked.session.desktop, &["token", "mail"]).stdout;
    assert_eq!(before, after, "the connection is the same");
}

#[test]
fn an_agent_that_a_command_has_started_is_taken_over_without_a_question() {
    let session = Session::bare(Desktop::start()).with_windows();
    cli::ok(&session.desktop, &["list"]);
    let started = session.api().get("status").json()["pid"].clone();
    let app = session.app(&[]);
    wait::until("the agent of the app", || {
        let endpoint = session.endpoint();
        (endpoint["pid"] == app.id() && endpoint["pid"] != started).then_some(())
    });
}

#[test]
fn leaving_it_changes_nothing() {
    let mut asked = Asked::start();
    asked.answer(Button::LeaveIt);
    assert!(asked.app.wait().success());
    assert_eq!(asked.status()["pid"], asked.agent.process().id());
    cli::ok(&asked.session.desktop, &["token", "mail"]);
}

#[test]
fn without_a_screen_the_app_says_on_stderr_that_it_cannot_ask() {
    let mut session = Session::bare(Desktop::start());
    session.desktop.unset("DISPLAY");
    let mut agent = Agent::start(&session.desktop);
    let mut app = session.app(&[]);
    assert_eq!(app.wait().code(), Some(69), "{}", app.output());
    let lines = app.finished_lines();
    let pid = agent.process().id();
    assert_eq!(
        lines[0].text,
        format!(
            "error: an agent without a window runs already (process {pid}), and there is no screen \
             to ask on whether this app may take over"
        )
    );
    assert!(agent.process().is_running());
}

#[test]
fn without_a_screen_and_an_agent_the_app_says_so_and_ends() {
    let mut session = Session::bare(Desktop::start());
    session.desktop.unset("DISPLAY");
    let mut app = session.app(&[]);
    assert_eq!(app.wait().code(), Some(69), "{}", app.output());
    let lines = app.finished_lines();
    assert_eq!(
        lines[0].text,
        "error: there is no screen to show a window on"
    );
}
