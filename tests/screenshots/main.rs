//! `cargo xtask screenshots FOLDER`: the README's pictures, of the real app with real data.
//!
//! All URLs lead to one demo provider; names, accounts and scopes are made up.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use valetkey_demo_provider::{Account, Consent, DemoProvider, Settings};
use valetkey_tests::ACCOUNT;
use valetkey_tests::desktop::{APPROVAL_WINDOW, Area};
use valetkey_tests::webview::Role;
use valetkey_tests::{
    AgentFixture, Api, Browser, Desktop, Person, Running, Session, WindowFixture, cli,
};

/// The window fills the upper left of a bare screen.
const WINDOW: Area = Area(0, 0, 1040, 700);
/// The icon and its menu are at the upper right.
const UPPER_RIGHT: Area = Area(860, 0, 420, 270);
/// So are notifications.
const BELOW_ICON: Area = Area(860, 0, 420, 160);

/// The link to the page Access.
const ACCESS: (i32, i32) = (44, 109);
/// The icon in the panel.
const ICON: (i32, i32) = (1266, 13);

struct Login {
    name: &'static str,
    kind: &'static str,
    scopes: &'static [&'static str],
    /// The account that is signed in; None leaves it unconnected.
    account: Option<&'static str>,
}

const LOGINS: [Login; 5] = [
    Login {
        name: "GitHub",
        kind: "github",
        scopes: &["repo", "read:org"],
        account: Some("ada"),
    },
    Login {
        name: "Google",
        kind: "google",
        scopes: &["openid", "email", "gmail.readonly"],
        account: Some("ada"),
    },
    Login {
        name: "Slack",
        kind: "slack",
        scopes: &["channels:read", "chat:write"],
        account: Some("ada.work"),
    },
    Login {
        name: "Linear",
        kind: "custom",
        scopes: &["read", "issues:create"],
        account: Some("ada.work"),
    },
    Login {
        name: "Microsoft",
        kind: "microsoft",
        scopes: &["User.Read", "Mail.Read"],
        account: None,
    },
];

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("screenshots FOLDER; `cargo xtask screenshots` names it");
    let pictures = Pictures { folder };
    pictures.window("light", None);
    pictures.window("dark", Some("Adwaita:dark"));
    pictures.access();
    pictures.approval();
    pictures.tray();
    pictures.notification();
    pictures.signed_in();
}

struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    /// The pages of the window.
    fn window(&self, look: &str, theme: Option<&str>) {
        let mut desktop = Desktop::start();
        if let Some(theme) = theme {
            desktop.set("GTK_THEME", theme);
        }
        let fixture = WindowFixture::on(desktop, provider_settings());
        let view = &fixture.view;
        add_logins(&fixture.provider, &fixture.api());
        end_a_login(&fixture.provider, &fixture.api());
        cli::ok(fixture.desktop(), &["token", "google"]);
        cli::ok(
            fixture.desktop(),
            &["run", "--env", "TOKEN=github", "--", "true"],
        );
        view.see("Slack needs you to sign in again");
        view.click(Role::Button, "Not now");
        view.see_in_row("GitHub", "used just now");
        let take = |page: &str| {
            let name = format!("{page}-{look}");
            self.take(&fixture.session, &name, &WINDOW);
        };
        take("window");
        view.click(Role::Link, "GitHub");
        view.see("What it may do");
        take("details");
        view.click(Role::Button, "Close");
        view.click(Role::Link, "Add authenticator");
        view.click(Role::Button, "GitHub");
        take("add");
        view.click(Role::Link, "Activity");
        view.see("Today");
        take("activity");
    }

    /// The page Access, after some programs have asked.
    fn access(&self) {
        let (session, _app, _provider) = start_asking_app();
        for (script, connection, key) in [
            ("backup.py", "google", "d"),
            ("release-notes.py", "github", "h"),
            ("standup.py", "google", "a"),
            ("standup.py", "github", "a"),
        ] {
            let asked = session.ask_from_python(script, connection);
            session.screen().answer(key);
            asked.join().expect("it ends");
        }
        session.screen().click_at(ACCESS.0, ACCESS.1);
        self.take(&session, "access-light", &WINDOW);
    }

    /// The window that asks about a program.
    fn approval(&self) {
        let (session, _app, _provider) = start_asking_app();
        let asked = session.ask_from_python("standup.py", "github");
        session.approval_widgets();
        let window = session.screen().wait_for_window(APPROVAL_WINDOW);
        let figures = [window.x, window.y, window.width, window.height];
        let [x, y, width, height] =
            figures.map(|it| u32::try_from(it).expect("the window is on the screen"));
        self.take(&session, "approval-light", &Area(x, y, width, height));
        session.screen().answer("a");
        asked.join().expect("it ends");
    }

    /// The icon in the panel with its menu.
    fn tray(&self) {
        let session = Session::bare(Desktop::start()).with_windows().with_panel();
        let (_app, _provider) = start_app_with_logins(&session);
        session.tray().wait_for_line("Slack: sign in again");
        session.screen().click_at(ICON.0, ICON.1);
        self.take(&session, "tray", &UPPER_RIGHT);
    }

    /// A notification below the icon.
    fn notification(&self) {
        let session = Session::start();
        let (_app, _provider) = start_app_with_logins(&session);
        let shown = session.notifications();
        shown.wait_for("Slack needs you to sign in again");
        self.take(&session, "notification", &BELOW_ICON);
    }

    /// The last page of a sign-in, in the browser.
    fn signed_in(&self) {
        let mut fixture = AgentFixture::with(Settings::default());
        let browser = Browser::install(&mut fixture.desktop, &Person::named(ACCOUNT));
        fixture.add("acme");
        cli::ok(&fixture.desktop, &["connect", "acme"]);
        let visit = browser.wait_for_visit(1);
        let to = self.folder.join("signed-in.png");
        fs::copy(visit.screenshot, to).expect("the folder is ours");
    }

    fn take(&self, session: &Session, name: &str, area: &Area) {
        let path = self.folder.join(format!("{name}.png"));
        session.screen().shoot_still(&path, Some(area));
    }
}

/// The app, which asks, on a screen without a tray, so that its window is open.
fn start_asking_app() -> (Session, Running, DemoProvider) {
    let session = Session::bare(Desktop::start()).with_accessibility();
    session.skip_first_steps();
    let app = session.asking_app();
    let provider = DemoProvider::start(provider_settings()).expect("a free port");
    add_logins(&provider, &session.api());
    (session, app, provider)
}

/// The app in the tray, and the provider of its authenticators.
fn start_app_with_logins(session: &Session) -> (Running, DemoProvider) {
    let app = session.app(&["--hidden"]);
    session.tray().wait_for_icon();
    // Otherwise sign-ins are notified too.
    cli::ok(&session.desktop, &["settings", "notify-sign-in", "off"]);
    let provider = DemoProvider::start(provider_settings()).expect("a free port");
    add_logins(&provider, &session.api());
    end_a_login(&provider, &session.api());
    (app, provider)
}

/// Five authenticators, four of them connected.
fn add_logins(provider: &DemoProvider, api: &Api) {
    for login in &LOGINS {
        let mut draft = provider.client_config(login.name);
        draft["authenticator_type"] = login.kind.into();
        // A fixed port may be in use.
        draft["redirect_uri"] = "http://127.0.0.1/callback".into();
        draft["client_id"] = "demo-confidential".into();
        draft["client_secret"] = "demo-secret".into();
        draft["scopes"] = login.scopes.into();
        api.add(&draft);
        if let Some(account) = login.account {
            provider.update(|it| it.consent = Consent::allow(account));
            api.sign_in(&login.name.to_lowercase());
        }
    }
}

/// Ends the login at Slack, which is noticed at its next refresh.
fn end_a_login(provider: &DemoProvider, api: &Api) {
    provider.revoke_account("ada.work");
    api.post_to("slack", "refresh", &json!({}));
}

fn provider_settings() -> Settings {
    Settings {
        accounts: vec![
            Account::new("ada", "Ada Lovelace"),
            Account::new("ada.work", "Ada Lovelace"),
        ],
        ..Settings::default()
    }
}
