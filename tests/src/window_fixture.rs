//! The usual fixture of a window test: a screen, the demo provider, a person's browser, the app.

use serde_json::Value;
use valetkey_demo_provider::{Consent, DemoProvider, Settings};

use crate::ACCOUNT;
use crate::api::Api;
use crate::browser::{Browser, Person};
use crate::desktop::{Desktop, Session};
use crate::webview::{Role, WebView};

/// Fields drop in order: the app ends before its session.
pub struct WindowFixture {
    /// The app's window.
    pub view: WebView,
    /// The provider, in this process.
    pub provider: DemoProvider,
    /// Where sign-ins open; [`ACCOUNT`] sits there.
    pub browser: Browser,
    /// A screen and nothing but the window on it.
    pub session: Session,
}

impl WindowFixture {
    /// The app at its first start, past the first steps.
    pub fn start() -> Self {
        Self::on(Desktop::start(), Settings::default())
    }

    /// On a desktop that was used before, at a provider like this.
    pub fn on(desktop: Desktop, settings: Settings) -> Self {
        Self::in_session(Session::bare(desktop), settings)
    }

    /// In a session with more than the window, such as a tray.
    pub fn in_session(mut session: Session, settings: Settings) -> Self {
        let browser = Browser::install(&mut session.desktop, &Person::named(ACCOUNT));
        let view = WebView::open(&session.desktop);
        view.click(Role::Button, "Skip");
        Self {
            view,
            provider: DemoProvider::start(settings).expect("a free port"),
            browser,
            session,
        }
    }

    /// The desktop.
    pub fn desktop(&self) -> &Desktop {
        &self.session.desktop
    }

    /// The app's API, as a program of this person uses it.
    pub fn api(&self) -> Api {
        self.session.api()
    }

    /// Registers an authenticator at the demo provider, by another program.
    pub fn add(&self, name: &str) -> Value {
        self.api().add(&self.provider.client_config(name))
    }

    /// Registers and signs in, by another program.
    pub fn sign_in(&self, name: &str) -> Value {
        self.add(name);
        let asked = |consent| self.provider.update(|it| it.consent = consent);
        asked(Consent::allow(ACCOUNT));
        let connection = self.api().sign_in(name);
        asked(Consent::Ask);
        connection
    }

    /// A picture of the screen.
    pub fn picture(&self, step: &str) {
        self.session.screen().picture("window", step);
    }
}
