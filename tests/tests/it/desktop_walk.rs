//! A person's day with the desktop app, on a real desktop: panel, tray, windows, notifications,
//! keychain, Chromium. A picture of each step is kept in `target/desktop-walk/`.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use valetkey_demo_provider::{DemoProvider, Endpoint, Fault, RefreshTokens, Settings};
use valetkey_tests::desktop::{self, Notification};
use valetkey_tests::{Browser, HttpClient, Person, Session, cli, wait};

const APP: &str = "Valet Key";

/// The first login: long enough to be used, and no refresh token comes with it.
const LIFETIME_SECONDS: f64 = 15.0;

/// The background of the word "Connected" in the window (`--okbg` of the page).
const CONNECTED: [u8; 3] = [0xe5, 0xf4, 0xec];

/// The desktop, the provider, and the person between them.
struct Walk {
    provider: DemoProvider,
    browser: Browser,
    session: Session,
    times: RefCell<File>,
}

impl Walk {
    fn start() -> Self {
        let mut session = Session::start();
        let person = Person::named("ada").on_screen();
        let browser = Browser::install(&mut session.desktop, &person);
        session.skip_first_steps();
        let times = File::create(desktop::picture_folder("desktop-walk").join("times.txt"));
        let provider = DemoProvider::start(Settings {
            access_token_lifetime_seconds: Some(LIFETIME_SECONDS),
            refresh_tokens: RefreshTokens::Never,
            ..Settings::default()
        });
        Self {
            provider: provider.expect("a free port"),
            browser,
            session,
            times: RefCell::new(times.expect("the target folder is ours")),
        }
    }

    fn picture(&self, step: &str) {
        self.session.screen().picture("desktop-walk", step);
    }

    /// After `begin`, Chromium opens and the person allows. It stays open for a picture while the
    /// provider keeps its answer back.
    fn sign_in(&self, begin: impl FnOnce(), picture: &str) {
        let visits = self.browser.visits().len();
        let exchanges = self.provider.count(Endpoint::Token);
        let tray = self.session.tray();
        let latch = self.provider.latch(Fault::exchange);
        begin();
        self.provider.wait_arrived(Endpoint::Token, exchanges + 1);
        tray.wait_for_line("acme: signing in…");
        self.picture(picture);

        latch.release();
        let released = Instant::now();
        tray.wait_for_line("acme: connected");
        let menu = released.elapsed();
        wait::until("`Connected` in the window", || {
            self.session.screen().shows(CONNECTED).then_some(())
        });
        let window = released.elapsed();
        self.measured(&format!("{picture}: in the menu after"), menu);
        self.measured(&format!("{picture}: in the window after"), window);
        let visit = self.browser.wait_for_visit(visits + 1);
        assert!(visit.text.contains("close this tab"), "{visit:?}");
    }

    /// How long ago the login of a connection ended.
    fn since_the_end(&self, name: &str) -> Duration {
        let view = self.session.api().connection(name);
        let end = view["expires_at"].as_str().expect("it ended");
        let end: Timestamp = end.parse().expect("RFC 3339");
        let since = Timestamp::now().duration_since(end);
        since.try_into().expect("it has ended")
    }

    /// Reported beside the pictures. Machines are noisy: nothing is asserted but [`wait::TIMEOUT`].
    fn measured(&self, what: &str, time: Duration) {
        let mut times = self.times.borrow_mut();
        writeln!(times, "{what} {} ms", time.as_millis()).expect("the target folder is ours");
    }

    fn calls_to_sign_in_again(&self) -> Vec<Notification> {
        let all = self.session.notifications().all().into_iter();
        all.filter(|it| it.title.contains("sign in again"))
            .collect()
    }
}

#[test]
fn a_person_connects_reconnects_disconnects_and_quits() {
    let walk = Walk::start();
    let (session, provider) = (&walk.session, &walk.provider);
    let (screen, tray) = (session.screen(), session.tray());

    let mut app = session.app(&[]);
    tray.wait_for_icon();
    screen.wait_for_window(APP);
    walk.picture("01-start");

    session.api().add(&provider.client_config("acme"));
    tray.wait_for_line("acme: not connected");
    // The panel shows it: a click on its icon opens the menu.
    session.open_tray_menu();
    walk.picture("02-menu");
    screen.press("Escape");

    walk.sign_in(|| tray.pick(&["acme", "Connect"]), "03-signing-in");
    let token = cli::ok(&session.desktop, &["token", "acme"]).stdout;
    assert!(provider.access_token_lives(token.trim_end()));
    walk.picture("04-token");

    let call = session
        .notifications()
        .wait_for("acme needs you to sign in again");
    walk.measured("told of the end after", walk.since_the_end("acme"));
    tray.wait_for_line("acme: sign in again");
    assert!(!provider.access_token_lives(token.trim_end()));
    assert!(
        call.actions.iter().any(|(_, words)| words == "Reconnect"),
        "{call:?}"
    );
    walk.picture("05-sign-in-again");
    // What changes nothing is not told again.
    assert_eq!(
        cli::run(&session.desktop, &["token", "acme"]).code,
        Some(77)
    );

    provider.update(|settings| settings.access_token_lifetime_seconds = Some(3600.0));
    walk.sign_in(
        || session.notifications().click_on(screen, &call),
        "06-reconnecting",
    );
    let token = cli::ok(&session.desktop, &["token", "acme"]).stdout;
    assert!(provider.access_token_lives(token.trim_end()));
    assert_eq!(walk.calls_to_sign_in_again().len(), 1);
    walk.picture("07-reconnected");
    session.notifications().close_all();

    tray.pick(&["acme", "Disconnect"]);
    let dialog = screen.wait_for_window("Disconnect acme?");
    screen.raise(&dialog);
    walk.picture("08-disconnect");
    screen.press("Return");
    tray.wait_for_line("acme: not connected");
    assert!(
        !provider.access_token_lives(token.trim_end()),
        "it lives on"
    );
    walk.picture("09-disconnected");

    screen.close(&screen.wait_for_window(APP));
    wait::until("no page", || (session.web_processes() == 0).then_some(()));
    assert!(app.is_running());
    walk.picture("10-closed");

    assert!(
        session.app(&[]).wait().success(),
        "the first one shows its window"
    );
    screen.wait_for_window(APP);
    walk.picture("11-second-start");

    let HttpClient::Socket(socket) = session.http() else {
        unreachable!("it is a socket")
    };
    tray.pick(&["Quit"]);
    assert_eq!(app.wait().code(), Some(0), "{}", app.output());
    assert!(!socket.exists());
    wait::until("no icon", || tray.items().is_empty().then_some(()));
    wait::until("no page", || (session.web_processes() == 0).then_some(()));
    walk.picture("12-quit");
}

#[test]
fn the_menu_disconnects_after_a_yes_only_also_what_no_program_uses() {
    let session = Session::start();
    let (screen, tray) = (session.screen(), session.tray());
    let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    let _app = session.app(&["--hidden"]);
    let api = session.api();
    api.add(&provider.client_config("acme"));
    api.sign_in("acme");
    tray.wait_for_line("acme: connected");

    for (answer, line) in [
        ("Escape", "acme: connected"),
        ("Return", "acme: not connected"),
    ] {
        tray.pick(&["acme", "Disconnect"]);
        let dialog = screen.wait_for_window("Disconnect acme?");
        screen.raise(&dialog);
        assert_eq!(api.connection("acme")["status"], "active");
        screen.picture("desktop-walk", "13-disconnect-unused");
        screen.press(answer);
        screen.wait_for_no_window("Disconnect acme?");
        tray.wait_for_line(line);
    }
}
