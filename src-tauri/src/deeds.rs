//! What menu, window and notifications can start. Each is one or two requests; none decides.

use http::Method;
use serde_json::json;
use valetkey_api::agent::{AgentStatus, Settings};
use valetkey_api::browser;
use valetkey_api::connections::{ConnectionView, Disconnected};
use valetkey_api::error::{ApiError, ErrorCode};
use valetkey_api::sign_in::{SignInRequest, SignInStarted};
use valetkey_server::App;

use crate::clipboard::Copied;
use crate::face::{Face, Refusal};

/// What did not work.
pub(crate) enum Failed {
    /// The API says no.
    Refused(Refusal),
    /// No browser opens this address; the person can, by hand.
    Unopened {
        /// Not for logs: it may carry a sign-in's state.
        url: String,
        /// Which programs were tried.
        why: String,
    },
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A cheap handle on everything that the shell does for the person.
#[derive(Clone)]
pub(crate) struct Deeds {
    pub(crate) face: Face,
    pub(crate) copied: Copied,
    app: App,
}

impl Deeds {
    pub(crate) fn new(app: App) -> Self {
        Self {
            face: Face::new(app.clone()),
            copied: Copied::begin(),
            app,
        }
    }

    /// Begins a sign-in through `authenticator` (`github`, `github/work`) and opens the browser.
    pub(crate) async fn sign_in(&self, authenticator: &str, profile: &str) -> Result<(), Failed> {
        let request = SignInRequest {
            authenticator: authenticator.to_owned(),
            profile: profile.parse().ok(),
            ..SignInRequest::default()
        };
        let started: SignInStarted = self
            .face
            .call(
                Method::POST,
                "/api/v1/credentials/connections",
                Some(&request),
            )
            .await?;
        self.open_browser(&started.authorize_url).await
    }

    /// Opens the browser that the person chose.
    pub(crate) async fn open_browser(&self, url: &str) -> Result<(), Failed> {
        let settings: Settings = self.face.get("/api/v1/settings").await?;
        let url = url.to_owned();
        let open = move || {
            let opened = browser::open(&url, settings.browser.as_deref());
            opened.map_err(|why| Failed::Unopened { url, why })
        };
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => opened,
            Err(error) => {
                let error = ApiError::new(ErrorCode::Internal, error.to_string());
                Err(Failed::Refused(error.into()))
            }
        }
    }

    /// A connection, as it is now.
    pub(crate) async fn connection(&self, id: &str) -> Result<ConnectionView, Refusal> {
        let path = format!("/api/v1/credentials/connections/{id}");
        self.face.get(&path).await
    }

    /// Disconnects, also what is in use; the person was asked.
    pub(crate) async fn disconnect(&self, id: &str) -> Result<Disconnected, Refusal> {
        let path = format!("/api/v1/credentials/connections/{id}?force=true");
        self.face.call(Method::DELETE, &path, None::<&()>).await
    }

    /// Copies a token; the person was asked.
    pub(crate) async fn copy_token(&self, connection: &str) -> Result<(), Refusal> {
        let token = self.app.token_for_person(connection, None).await?;
        self.copied.put(token).await
    }

    /// Gets a new token from the provider; nobody sees it.
    pub(crate) async fn refresh(&self, connection: &str) -> Result<(), Refusal> {
        Ok(self.app.renew_for_person(connection).await?)
    }

    /// Stops handing out, or goes on.
    pub(crate) async fn set_paused(&self, paused: bool) -> Result<(), Refusal> {
        let path = if paused {
            "/api/v1/pause"
        } else {
            "/api/v1/resume"
        };
        let status: Result<AgentStatus, _> =
            self.face.call(Method::POST, path, Some(&json!({}))).await;
        status.map(drop)
    }

    /// Asks the agent, and so the app, to stop.
    pub(crate) fn quit(&self) {
        self.app.stop().request();
    }
}
