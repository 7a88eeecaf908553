//! An agent without a desktop runs already when the app starts: its question, and both answers.

use serde_json::Value;
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{Agent, Desktop, Running, Session, cli, scene};

/// A session with a headless agent that has a connection, and the app that has just asked.
struct Asked {
    app: Running,
    agent: Agent,
    _provider: DemoProvider,
    session: Session,
}

impl Asked {
    fn start() -> Self {
        let session = Session::bare(Desktop::start()).with_windows();
        let agent = Agent::start(&session.desktop);
        let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
        agent.api().add(&scene::draft(&provider, "mail"));
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
        }
    }

    fn status(&self) -> Value {
        self.session.api().get("status").json()
    }
}

#[test]
fn taking_over_stops_the_headless_agent_and_loses_nothing() {
    let mut asked = Asked::start();
    let before = cli::ok(&asked.session.desktop, &["token", "mail"]).stdout;
    asked.session.screen().press("Return");
    assert!(asked.agent.process().wait().success());
    assert_eq!(asked.status()["pid"], asked.app.id());
    let after = cli::ok(&asked.session.desktop, &["token", "mail"]).stdout;
    assert_eq!(before, after, "the connection is the same");
}

#[test]
fn leaving_it_changes_nothing() {
    let mut asked = Asked::start();
    asked.session.screen().press("Escape");
    assert!(asked.app.wait().success());
    assert_eq!(asked.status()["pid"], asked.agent.process().id());
    cli::ok(&asked.session.desktop, &["token", "mail"]);
}
