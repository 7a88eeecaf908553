//! Sign-in: authorization code with PKCE, in the system browser, back to a loopback listener
//! (RFC 8252, RFC 9700).
//!
//! 1. [`begin`]: checks, callback server first, then the authorize URL. Nothing here opens a browser;
//!    the program in front of the person does.
//! 2. [`callback_server`]: receives the authorization response, and refuses everything else.
//! 3. [`callback`]: reads the response's query. Pure.
//! 4. [`finish`]: code to tokens, tokens to account, account to connection.
//! 5. [`place`], [`store`]: connection to keychain.
//! 6. [`page`]: what the browser shows at the end.
//!
//! [`api_key`] takes the place of 1 to 4 for a key that the person has already, [`token_import`] for a
//! refresh token; [`moved`] waits until a token that is moved here is gone from where it was.
//!
//! Where the provider wants the request first, [`push`] sends it before 2 (RFC 9126).
//! Where no browser can come back to this machine, [`device`] takes the place of 2 and 3 (RFC 8628),
//! and [`direct`] where nobody must agree.

mod api_key;
mod begin;
mod by_link;
mod callback;
mod callback_server;
mod device;
mod direct;
mod end;
mod finish;
mod imports;
mod moved;
mod page;
mod place;
mod push;
mod renewal;
pub(crate) mod session;
mod state;
mod store;
pub(crate) mod token_import;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use valetkey_core::event::Event;
use valetkey_core::id::{AuthenticatorId, SignInId};

use crate::error::AgentError;
use crate::key::Actor;
use crate::state::{Agent, Inner};
use session::{ResponseSource, Session, not_found};
use state::detail;

pub use api_key::KeyOptions;
pub use begin::{SignInMethod, SignInOptions};
pub use session::{DevicePrompt, SignInView};
pub use state::{Completed, Failed, ReplacedKey, SignInState};
pub use token_import::TokenOptions;
pub use valetkey_core::sign_in::Remedy;

/// The person has this long.
pub(crate) const SIGN_IN_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// Ended runs can be asked about for this long.
const RETENTION: SignedDuration = SignedDuration::from_mins(10);

impl Inner {
    /// Moves a session to its next state: recorded first, then visible to those who wait.
    async fn set_sign_in_state(&self, id: SignInId, state: SignInState, who: &Actor) {
        let now = self.now();
        let row = {
            let sessions = self.sessions.lock();
            let Some(session) = sessions.get(&id) else {
                return;
            };
            session.row(&state, state.has_ended().then_some(now))
        };
        self.registry().follow_sign_in(&row);
        let event = Event::new(state.event_kind(), now)
            .sign_in(id)
            .authenticator(row.authenticator)
            .actor(who)
            .detail(detail(&state));
        let event = match &state {
            SignInState::Completed(done) => event.connection(done.id),
            SignInState::Started
            | SignInState::Authorized
            | SignInState::Denied(_)
            | SignInState::Failed(_)
            | SignInState::TimedOut
            | SignInState::Cancelled => event,
        };
        let kind = event.kind;
        self.record(event).await;
        {
            let mut sessions = self.sessions.lock();
            let Some(session) = sessions.get_mut(&id) else {
                return;
            };
            if state.has_ended() {
                session.ended_at = Some(now);
                tracing::info!(authenticator = %session.view.authenticator, outcome = kind.as_str(), "sign-in over");
            }
            session.state.send_replace(state);
        }
        if let Err(error) = self.vault.save_sign_in(&row).await {
            tracing::error!(%error, "sign-in not written");
        }
    }
}

impl Inner {
    /// Cancels all sessions: the agent stops.
    pub(crate) async fn cancel_all_sign_ins(&self) {
        let all = self.sessions.lock().keys().copied().collect();
        self.cancel_sign_ins(all, &Actor::agent()).await;
    }

    /// Cancels the sessions of an authenticator that is removed.
    pub(crate) async fn cancel_sign_ins_of(&self, authenticator: AuthenticatorId, who: &Actor) {
        let through = |session: &Session| session.view.authenticator_id == authenticator;
        let ids = {
            let sessions = self.sessions.lock();
            let of = sessions.iter().filter(|(_, session)| through(session));
            of.map(|(id, _)| *id).collect()
        };
        self.cancel_sign_ins(ids, who).await;
    }

    /// Cancels those that still wait for the person; one whose code is being exchanged runs to its end.
    async fn cancel_sign_ins(&self, ids: Vec<SignInId>, who: &Actor) {
        for id in ids {
            if self.sessions.withdraw(id) {
                self.set_sign_in_state(id, SignInState::Cancelled, who)
                    .await;
            }
        }
    }

    /// Ends the wait of a session whose time is up.
    async fn time_out(&self, id: SignInId) {
        if self.sessions.withdraw(id) {
            self.set_sign_in_state(id, SignInState::TimedOut, &Actor::agent())
                .await;
        }
    }
}

impl Agent {
    /// Where a sign-in stands.
    pub fn sign_in(&self, id: SignInId) -> Result<SignInView, AgentError> {
        self.inner.sessions.view(id)
    }

    /// Waits until the sign-in is over, at most `longest`.
    pub async fn wait_sign_in(
        &self,
        id: SignInId,
        longest: Duration,
    ) -> Result<SignInView, AgentError> {
        let mut state = {
            let sessions = self.inner.sessions.lock();
            sessions
                .get(&id)
                .ok_or_else(|| not_found(id))?
                .state
                .subscribe()
        };
        // Over, or not yet: both are answers.
        let _ = tokio::time::timeout(longest, state.wait_for(SignInState::has_ended)).await;
        self.inner.sessions.view(id)
    }

    /// Cancels a sign-in that still waits for the person.
    pub async fn cancel_sign_in(
        &self,
        id: SignInId,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.inner.sessions.view(id)?;
        let who = who.clone();
        self.run(|agent| async move {
            if agent.inner.sessions.withdraw(id) {
                agent
                    .inner
                    .set_sign_in_state(id, SignInState::Cancelled, &who)
                    .await;
            }
            agent.inner.sessions.view(id)
        })
        .await
    }

    /// Finishes a sign-in with the redirect URL that the person copied from the browser.
    pub async fn finish_by_paste(
        &self,
        id: SignInId,
        pasted: &str,
    ) -> Result<SignInView, AgentError> {
        let answer = callback::read_pasted(pasted).map_err(|why| AgentError::InvalidRequest {
            message: why.to_string(),
            hint: Some("copy the whole address that the browser ended on".to_owned()),
        })?;
        let inner = &self.inner;
        let now = inner.now();
        let view = inner.sessions.view(id)?;
        if view.state.has_ended() {
            return Ok(view);
        }
        if view.authorize_url.is_none() {
            return Err(AgentError::InvalidRequest {
                message: "this sign-in ends by itself, no address is needed".to_owned(),
                hint: None,
            });
        }
        if let Some(device) = &view.device {
            return Err(AgentError::InvalidRequest {
                message: "this sign-in ends by itself, no address is needed".to_owned(),
                hint: Some(format!(
                    "enter {} at {}",
                    device.user_code, device.verification_uri
                )),
            });
        }
        if view.expires_at <= now {
            let agent = Arc::clone(inner);
            let ended = async move { agent.time_out(id).await };
            inner.run(ended).await?;
            return inner.sessions.view(id);
        }
        let Some((taken, pending)) =
            inner
                .sessions
                .take(&answer.state, ResponseSource::Paste(id), now)
        else {
            return Err(AgentError::InvalidRequest {
                message: "this address belongs to another sign-in, or was used already".to_owned(),
                hint: Some("finish the newest sign-in page, and paste where it ended".to_owned()),
            });
        };
        let agent = Arc::clone(inner);
        let finished = async move { finish::finish(&agent, taken, *pending, answer).await };
        inner.run(finished).await?;
        self.inner.sessions.view(id)
    }
}
