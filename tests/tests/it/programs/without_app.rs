//! An agent without the desktop app: what it says, and what it does in a home where the app ran.

use valetkey_core::home::Home;
use valetkey_tests::{Agent, AgentFixture, cli};

fn said(fixture: &mut AgentFixture, what: &str) {
    fixture
        .agent()
        .process()
        .wait_for(what, |line| line.text.contains(what).then_some(()));
}

#[test]
fn serve_says_who_may_have_tokens() {
    let mut fixture = AgentFixture::start();
    said(
        &mut fixture,
        "any program of this user may have tokens, as with ssh-agent",
    );
    fixture.kill();
    let mut command = Agent::command(&fixture.desktop);
    command.args(["--policy", "deny"]);
    fixture.start_agent_by(&mut command);
    said(&mut fixture, "only programs that a rule allows");
    fixture.kill();
    let mut command = Agent::command(&fixture.desktop);
    command.args(["--policy", "allow"]);
    fixture.start_agent_by(&mut command);
    said(
        &mut fixture,
        "any program of this user may have tokens, as `--policy allow` says",
    );
}

/// Whoever stops the app to be served by an agent that cannot ask gains nothing.
#[test]
fn after_the_app_ran_an_agent_without_it_needs_a_rule() {
    let fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let desktop = &fixture.desktop;
    cli::ok(desktop, &["token", "acme"]);
    cli::ok(desktop, &["stop"]);
    // As the app leaves it in the home.
    let database = Home::at(&desktop.valetkey_home()).database();
    let mark = "import sqlite3, sys\n\
                database = sqlite3.connect(sys.argv[1])\n\
                database.execute(\"INSERT INTO settings VALUES ('desktop_ran', 'yes')\")\n\
                database.commit()";
    let marked = desktop
        .command("python3")
        .args(["-c", mark])
        .arg(database)
        .status();
    assert!(marked.expect("Python").success());

    let refused = cli::run(desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert_eq!(refused.stdout, "");
    assert!(
        refused.stderr.contains("valetkey access"),
        "{}",
        refused.stderr
    );
    let listed = cli::ok(desktop, &["access", "list", "--json"]).json();
    assert_eq!(listed["policy"], "deny");
    let id = listed["approvals"][0]["id"].to_string();
    cli::ok(desktop, &["access", "allow", &id]);
    cli::ok(desktop, &["token", "acme"]);
    cli::ok(desktop, &["stop"]);
}
