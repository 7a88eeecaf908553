//! What menu, window and notifications can start. Each action is one or two requests to the API.

use http::Method;
use serde_json::json;
use tokio::sync::watch;
use valetkey_api::agent::{AgentStatus, Settings};
use valetkey_api::browser;
use valetkey_api::connections::{ConnectionView, Disconnected};
use valetkey_api::error::{ApiError, ErrorCode};
use valetkey_api::sign_in::{SignInRequest, SignInStarted};
use valetkey_server::App;
use valetkey_server::caller::Caller;

use crate::api_client::ApiClient;
use crate::clipboard::TokenClipboard;

pub(crate) enum ActionError {
    /// The API answered with an error.
    Api(Box<ApiError>),
    /// No browser could be started; the person can open the address by hand.
    NoBrowser {
        /// Never logged: it may carry the state of a sign-in.
        url: String,
        /// Which programs were tried.
        why: String,
    },
}

impl From<Box<ApiError>> for ActionError {
    fn from(error: Box<ApiError>) -> Self {
        Self::Api(error)
    }
}

/// A cheap handle on the actions.
#[derive(Clone)]
pub(crate) struct Actions {
    pub(crate) api: ApiClient,
    pub(crate) clipboard: TokenClipboard,
    app: App,
}

impl Actions {
    pub(crate) fn new(app: App) -> Self {
        Self {
            api: ApiClient::new(app.clone()),
            clipboard: TokenClipboard::start(),
            app,
        }
    }

    /// The same actions from another part of the app, which the audit log names.
    pub(crate) fn acting_as(&self, caller: Caller) -> Self {
        Self {
            api: self.api.acting_as(caller),
            ..self.clone()
        }
    }

    /// Changes with the questions to the person.
    pub(crate) fn questions(&self) -> watch::Receiver<()> {
        self.app.agent().approvals().subscribe()
    }

    /// Begins a sign-in through `authenticator` (`github`, `github/work`) and opens the browser if it
    /// needs one.
    pub(crate) async fn sign_in(
        &self,
        authenticator: &str,
        profile: &str,
    ) -> Result<(), ActionError> {
        let request = SignInRequest {
            authenticator: authenticator.to_owned(),
            profile: profile.parse().ok(),
            ..SignInRequest::default()
        };
        let started: SignInStarted = self
            .api
            .call(
                Method::POST,
                "/api/v1/credentials/connections",
                Some(&request),
            )
            .await?;
        match &started.authorize_url {
            Some(url) => self.open_browser(url).await,
            // It needs no person.
            None => Ok(()),
        }
    }

    /// Opens the browser of the settings.
    pub(crate) async fn open_browser(&self, url: &str) -> Result<(), ActionError> {
        let settings: Settings = self.api.get("/api/v1/settings").await?;
        let url = url.to_owned();
        let open = move || {
            let opened = browser::open(&url, settings.browser.as_deref());
            opened.map_err(|why| ActionError::NoBrowser { url, why })
        };
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => opened,
            Err(error) => {
                let error = ApiError::new(ErrorCode::Internal, error.to_string());
                Err(ActionError::Api(error.into()))
            }
        }
    }

    pub(crate) async fn connection(&self, id: &str) -> Result<ConnectionView, Box<ApiError>> {
        let path = format!("/api/v1/credentials/connections/{id}");
        self.api.get(&path).await
    }

    /// Disconnects, also what is in use; the person was asked.
    pub(crate) async fn disconnect(&self, id: &str) -> Result<Disconnected, Box<ApiError>> {
        let path = format!("/api/v1/credentials/connections/{id}?force=true");
        self.api.call(Method::DELETE, &path, None::<&()>).await
    }

    /// Copies a token; the person was asked.
    pub(crate) async fn copy_token(&self, connection: &str) -> Result<(), Box<ApiError>> {
        let token = self.app.token_for_person(connection, None).await?;
        self.clipboard.put(token).await
    }

    /// Gets a new token from the provider, which stays in the agent.
    pub(crate) async fn refresh(&self, connection: &str) -> Result<(), Box<ApiError>> {
        Ok(self.app.renew_for_person(connection).await?)
    }

    /// Pauses or resumes token sharing.
    pub(crate) async fn set_paused(&self, paused: bool) -> Result<(), Box<ApiError>> {
        let path = if paused {
            "/api/v1/pause"
        } else {
            "/api/v1/resume"
        };
        let status: Result<AgentStatus, _> =
            self.api.call(Method::POST, path, Some(&json!({}))).await;
        status.map(drop)
    }

    /// Asks the agent, and so the app, to stop.
    pub(crate) fn quit(&self) {
        self.app.stop().request();
    }
}
