//! The desktop app where something is missing: it starts, says what, loses nothing, and goes on by
//! itself once it is there.

use std::fs;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value, json};
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{Browser, Desktop, Person, Role, Running, Session, WebView, cli, wait};

/// A user of every machine that nobody logs in as.
const NOBODY: u32 = 65534;

/// Nobody can do anything with a token that lives so long but refresh it.
const SHORT_SECONDS: f64 = 1.0;

/// The title of the question before the window of an app without a tray icon closes.
const CLOSE_QUESTION: &str = "Keep Valet Key running?";

fn provider() -> DemoProvider {
    DemoProvider::start(Settings::auto_consent("ada")).expect("a free port")
}

fn store_state(session: &Session) -> Value {
    session.api().get("status").json()["secret_store"]["state"].take()
}

/// A login that must be refreshed before it can be used.
fn sign_in(session: &Session, provider: &DemoProvider) {
    let api = session.api();
    provider.update(|it| it.access_token_lifetime_seconds = Some(SHORT_SECONDS));
    api.add(&provider.client_config("acme"));
    api.sign_in("acme");
    api.change("acme", &json!({ "keep_warm": "on_demand" }));
    provider.update(|it| it.access_token_lifetime_seconds = Some(3600.0));
}

fn wait_for_end(session: &Session) {
    wait::until("the end of the token", || {
        (session.api().connection("acme")["status"] == "expired").then_some(())
    });
}

/// Started, used and quit: the login is in the keychain, and its token is over.
fn used_before(session: &Session, provider: &DemoProvider) {
    session.skip_first_steps();
    let mut app = session.app(&["--hidden"]);
    sign_in(session, provider);
    wait_for_end(session);
    session.tray().pick(&["Quit"]);
    assert!(app.wait().success());
}

#[test]
fn a_keychain_that_is_locked_at_the_start_is_named_and_heals_when_unlocked() {
    let mut session = Session::start();
    let provider = provider();
    used_before(&session, &provider);
    session.desktop.keyring().lock();

    let view = WebView::open(&session.desktop);
    session.tray().wait_for_line("acme: expired");
    let refused = cli::run(&session.desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(69), "{}", refused.stderr);
    view.see("The keychain is locked.");
    session
        .screen()
        .picture("desktop-faults", "keychain-locked");

    session.desktop.keyring().unlock();
    cli::ok(&session.desktop, &["token", "acme"]);
    view.see_no_more("The keychain is locked.");
    view.see_in_row("acme", "Connected");
    session.tray().wait_for_line("acme: connected");
    assert!(!provider.family_revoked("ada"), "its login was kept");
}

#[test]
fn a_keychain_that_dies_is_named_and_heals_when_it_is_back() {
    let mut session = Session::start();
    let provider = provider();
    session.skip_first_steps();
    let view = WebView::open(&session.desktop);
    sign_in(&session, &provider);
    session.desktop.keyring().kill();
    wait_for_end(&session);

    let refused = cli::run(&session.desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(69), "{}", refused.stderr);
    view.see("There is no keychain.");
    session.screen().picture("desktop-faults", "keychain-gone");

    session.desktop.keyring().start();
    cli::ok(&session.desktop, &["token", "acme"]);
    view.see_no_more("There is no keychain.");
    session.tray().wait_for_line("acme: connected");
}

#[test]
fn without_a_session_bus_the_window_opens_and_says_what_is_missing() {
    let session = Session::bare(Desktop::without_bus());
    session.skip_first_steps();
    let view = WebView::open(&session.desktop);
    view.see("There is no keychain.");
    assert_eq!(store_state(&session), "unavailable");
    view.click(Role::Link, "Settings");
    view.see("There is no session bus");
    session.screen().picture("desktop-faults", "no-session-bus");
}

#[test]
fn without_a_tray_the_window_opens_and_says_why_and_a_late_tray_shows_the_icon() {
    let mut session = Session::bare(Desktop::start()).with_windows();
    session.skip_first_steps();
    let view = WebView::open(&session.desktop);
    view.click(Role::Link, "Settings");
    view.see("This desktop shows no tray icons");
    view.see("No notification service is running");
    session.screen().picture("desktop-faults", "no-tray");

    session.start_panel();
    session.tray().wait_for_icon();
    view.click(Role::Link, "Activity");
    view.click(Role::Link, "Settings");
    view.see("It is shown in the panel.");
}

#[test]
fn without_the_library_for_tray_icons_the_window_opens_and_says_so() {
    let mut session = Session::start();
    session.skip_first_steps();
    let libraries = session.desktop.folder().join("lib");
    fs::create_dir(&libraries).expect("our own folder");
    // In front of those of the machine, and none can be loaded.
    for name in ["libayatana-appindicator3", "libappindicator3"] {
        for end in ["so", "so.1"] {
            let file = libraries.join(format!("{name}.{end}"));
            fs::write(file, "no library").expect("our own folder");
        }
    }
    session.desktop.set("LD_LIBRARY_PATH", libraries);
    let view = WebView::open(&session.desktop);
    view.click(Role::Link, "Settings");
    view.see("The library for tray icons is missing");
    session
        .screen()
        .picture("desktop-faults", "no-tray-library");
    assert_eq!(store_state(&session), "ready", "it serves all the same");
}

#[test]
fn a_browser_that_is_missing_is_named_and_the_sign_in_is_finished_by_hand() {
    let mut session = Session::start();
    let provider = DemoProvider::start(Settings::default()).expect("a free port");
    session.skip_first_steps();
    Browser::remove(&mut session.desktop);
    let _app = session.app(&["--hidden"]);
    session.api().add(&provider.client_config("acme"));
    let (tray, screen) = (session.tray(), session.screen());
    tray.pick(&["acme", "Connect"]);
    let told = screen.wait_for_window("The browser cannot be opened");
    screen.raise(&told);
    screen.picture("desktop-faults", "no-browser");
    tray.wait_for_line("acme: signing in…");

    screen.press("Return");
    let url = wait::until("the address on the clipboard", || session.clipboard());
    assert!(url.starts_with(provider.issuer()), "{url}");
    let browser = Browser::add(&session.desktop, "by-hand", &Person::named("ada"));
    let _opened = Running::start(session.desktop.command(browser.command()).arg(url));
    tray.wait_for_line("acme: connected");
}

/// Closes the window of an app without a tray icon, and its question, which keeps the app running.
fn close_and_keep_running(session: &Session) {
    let screen = session.screen();
    screen.close(&screen.wait_for_window("Valet Key"));
    let question = screen.wait_for_window(CLOSE_QUESTION);
    screen.raise(&question);
    screen.picture("desktop-faults", "close-without-tray");
    screen.press("Escape");
    wait::until("no page", || (session.web_processes() == 0).then_some(()));
}

#[test]
fn without_a_tray_icon_closing_the_window_asks_once() {
    let session = Session::bare(Desktop::start()).with_windows();
    let mut app = session.app(&[]);
    close_and_keep_running(&session);
    assert!(app.is_running());

    let mut again = session.app(&[]);
    let screen = session.screen();
    let window = screen.wait_for_window("Valet Key");
    assert!(again.wait().success(), "{}", again.output());
    screen.close(&window);
    wait::until("no page", || (session.web_processes() == 0).then_some(()));
    assert!(app.is_running());
}

#[test]
fn without_a_tray_icon_the_question_can_quit() {
    let session = Session::bare(Desktop::start()).with_windows();
    let mut app = session.app(&[]);
    let screen = session.screen();
    screen.close(&screen.wait_for_window("Valet Key"));
    let question = screen.wait_for_window(CLOSE_QUESTION);
    screen.raise(&question);
    screen.click(&question, question.width / 4, question.height - 20);
    assert!(app.wait().success(), "{}", app.output());
}

/// Another login of the same person: their home, and nothing else, is the same.
fn second_session(first: &Session) -> Session {
    let mut desktop = Desktop::without_keyring();
    desktop.set("HOME", first.desktop.home());
    desktop.unset("VALETKEY_HOME");
    Session::bare(desktop).with_windows()
}

#[test]
fn a_second_session_of_the_same_person_shows_the_window_of_the_first() {
    let mut desktop = Desktop::start();
    desktop.unset("VALETKEY_HOME");
    let first = Session::bare(desktop).with_windows();
    let mut app = first.app(&[]);
    close_and_keep_running(&first);

    let second = second_session(&first);
    let mut again = second.app(&[]);
    first.screen().wait_for_window("Valet Key");
    assert!(again.wait().success(), "{}", again.output());
    assert!(
        again.output().contains("runs already"),
        "{}",
        again.output()
    );
    assert!(app.is_running());
}

#[test]
fn another_user_of_the_machine_has_an_agent_and_a_port_of_their_own() {
    // Only root can be somebody else.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let first = Session::bare(Desktop::without_bus());
    let _app = first.app(&[]);
    let port = first.endpoint()["port"].as_u64().expect("a port");
    let port = u16::try_from(port).expect("a port");

    let second = Session::bare(Desktop::without_bus());
    second.desktop.give_to(NOBODY);
    let mut app = second.copied_app_command(port);
    app.uid(NOBODY).gid(NOBODY);
    let mut app = Running::start(&mut app);
    let endpoint = second.endpoint();
    assert_ne!(endpoint["port"], port, "it is the first one's");
    assert!(app.is_running());
    wait::until("its own window", || {
        (second.web_processes() == 1).then_some(())
    });
}
