//! What the desktop app does in its own process, beside serving its window like everybody else: it is
//! asked to show the window, and it copies and renews tokens without letting the page see them.

use tokio::sync::broadcast::error::RecvError;
use valetkey_agent::{Absence, Answer, ApprovalId, Requester, TokenRequirements};
use valetkey_api::core::actor::Actor;
use valetkey_api::core::name::ProfileName;
use valetkey_api::core::secret::AccessToken;
use valetkey_api::core::settings::Settings;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::app::{App, connection_key};
use crate::confirmation::Change;
use crate::error_response::ErrorResponse;
use crate::permission::Host;

impl App {
    /// The token of a connection for the person in front, who asked for it with a click. It stays in
    /// this process, but for the clipboard.
    pub async fn token_for_person(
        &self,
        connection: &str,
        profile: Option<ProfileName>,
    ) -> Result<AccessToken, ApiError> {
        let key = connection_key(connection, profile).map_err(ErrorResponse::into_error)?;
        let view = self.agent().connection(&key);
        let view = view.map_err(|error| ErrorResponse::from(error).into_error())?;
        let copy = Change::CopyToken {
            connection: view.name.to_string(),
        };
        let confirmed = self.confirm(copy, "the desktop app".to_owned()).await;
        confirmed.map_err(ErrorResponse::into_error)?;
        let ask = TokenRequirements::default();
        let person = Requester::person(Actor::Clipboard.into());
        match self.agent().token(view.row.id, &ask, &person).await {
            Ok(answer) => Ok(answer.live.grant.access_token.clone()),
            Err(error) => Err(self.error_response(error, "the desktop app").into_error()),
        }
    }

    /// Gets a new token from the provider, as the person asked. It is not returned: the page must not see
    /// it, so this is no route.
    pub async fn renew_for_person(&self, connection: &str) -> Result<(), ApiError> {
        let key = connection_key(connection, None).map_err(ErrorResponse::into_error)?;
        let renewed = self.agent().renew(&key).await;
        renewed.map_err(|error| self.error_response(error, "the desktop app").into_error())
    }

    /// Returns once a setting asks to pause while the session is locked or idle.
    pub async fn pauses_in_absence(&self) {
        let mut news = self.agent().follow();
        let pauses = |settings: Settings| settings.pause_on_lock || settings.pause_on_idle;
        while !pauses(self.agent().settings()) {
            if let Err(RecvError::Closed) = news.recv().await {
                return std::future::pending().await;
            }
        }
    }

    /// The person's session was locked or unlocked.
    pub async fn session_locked(&self, locked: bool) {
        self.session_absence(Absence::Lock, locked).await;
    }

    /// The desktop says that nobody uses the session, or that somebody does again.
    pub async fn session_idle(&self, idle: bool) {
        self.session_absence(Absence::Idle, idle).await;
    }

    async fn session_absence(&self, absence: Absence, begins: bool) {
        let who = Actor::Agent.into();
        let told = self.agent().session_absence(absence, begins, &who).await;
        if let Err(error) = told {
            tracing::warn!(%error, ?absence, begins, "it does not pause and does not resume");
        }
    }

    /// Gives the agent the answer of the person in front, from the approval window.
    pub async fn answer_in_app(&self, id: ApprovalId, answer: Answer) -> Result<(), ApiError> {
        let who = Actor::ApprovalWindow.into();
        let answered = self.agent().answer(id, answer, &who).await;
        answered.map_err(|error| ErrorResponse::from(error).into_error())
    }

    /// Returns when somebody asked for the window.
    pub async fn window_wanted(&self) {
        self.window_request().notified().await;
    }

    /// Asks for the window; an agent without a desktop has none.
    pub(crate) fn want_window(&self) -> Result<(), ErrorResponse> {
        match self.host() {
            Host::Desktop => {
                self.window_request().notify_one();
                Ok(())
            }
            Host::Headless => Err(ApiError::new(
                ErrorCode::NotConfigured,
                "this agent runs without a desktop, so there is no window",
            )
            .hint("start the desktop app; it offers to take over")
            .into()),
        }
    }
}
