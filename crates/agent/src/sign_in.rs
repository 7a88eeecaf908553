//! Sign-in: authorization code with PKCE, in the system browser, back to a loopback listener
//! (RFC 8252, RFC 9700).
//!
//! One run goes through these rooms:
//!
//! 1. [`begin`]: checks, listener first, then the authorize URL. Nothing here opens a browser; the
//!    face in front of the person does.
//! 2. [`listener`]: takes the browser's answer, and refuses everything that is not it.
//! 3. [`callback`]: reads the answer's query. Pure.
//! 4. [`finish`]: code to tokens, tokens to account, account to connection.
//! 5. [`store`]: connection to keychain.
//! 6. [`page`]: what the browser shows at the end.
//!
//! The secrets of a run (state, verifier, nonce) live only inside [`Run::Waiting`]: whoever takes
//! them out moves the run on, so an answer counts once.

mod begin;
mod callback;
mod finish;
mod listener;
mod page;
mod stage;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use valetkey_core::event::Event;
use valetkey_core::id::{AuthenticatorId, SignInId};
use valetkey_core::name::{AccountLabel, AuthenticatorName, ProfileName};
use valetkey_core::scope::Scopes;
use valetkey_vault::SignInRow;

use crate::agent::{Agent, Inner};
use crate::client::Client;
use crate::error::AgentError;
use crate::key::Actor;
use crate::protocol::AuthorizeRequest;

pub use begin::SignInAsk;
pub use stage::{Completed, Failed, Remedy, Stage};

/// The person has this long.
pub(crate) const LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// Ended runs can be asked about for this long.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// What everybody may know of a run.
#[derive(Debug, Clone)]
pub struct SignInView {
    /// Its id.
    pub id: SignInId,
    /// The profile.
    pub profile: ProfileName,
    /// The authenticator.
    pub authenticator: AuthenticatorName,
    /// Its id.
    pub authenticator_id: AuthenticatorId,
    /// The label that was asked for.
    pub account: Option<AccountLabel>,
    /// As people write the provider.
    pub provider: String,
    /// Where the browser must go.
    pub authorize_url: String,
    /// Where it comes back to.
    pub redirect_uri: String,
    /// The answer must be pasted: no listener of ours serves the redirect URI.
    pub paste_only: bool,
    /// Scopes asked for.
    pub asked: Scopes,
    /// Why a program asks; untrusted text.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
}

/// What a run needs to be finished; exists only while it waits.
pub(crate) struct Pending {
    client: Client,
    request: AuthorizeRequest,
    label: Option<AccountLabel>,
    asked: Scopes,
    /// The listener stays up while somebody holds it.
    listener: Option<Arc<listener::Listener>>,
}

enum Run {
    Waiting(Box<Pending>),
    /// Taken by the one who finishes it.
    Taken,
}

/// Where an answer comes in.
#[derive(Clone, Copy)]
enum Door<'a> {
    /// At the listener, on this path.
    Listener { port: u16, path: &'a str },
    /// From the person, for this run.
    Paste(SignInId),
}

struct Session {
    view: SignInView,
    asked: Scopes,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    run: Run,
    stage: watch::Sender<Stage>,
}

/// All runs, and the listeners that serve them.
pub(crate) struct SignIns {
    agent: Weak<Inner>,
    sessions: Mutex<HashMap<SignInId, Session>>,
    listeners: listener::Listeners,
}

impl SignIns {
    pub(crate) fn new(agent: Weak<Inner>) -> Self {
        Self {
            agent,
            sessions: Mutex::default(),
            listeners: listener::Listeners::default(),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SignInId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self, id: SignInId) -> Result<SignInView, AgentError> {
        let sessions = self.sessions();
        sessions
            .get(&id)
            .map(Session::view)
            .ok_or_else(|| not_found(id))
    }

    /// Takes the pending half of the run with this `state`, if one waits for it at `door` and its
    /// time is not up: an answer counts once.
    fn take(
        &self,
        state: &str,
        door: Door<'_>,
        now: Timestamp,
    ) -> Option<(SignInId, Box<Pending>)> {
        let mut sessions = self.sessions();
        let mut found = None;
        for (id, session) in sessions.iter() {
            let Run::Waiting(pending) = &session.run else {
                continue;
            };
            let expected = match (door, &pending.listener) {
                (Door::Paste(pasted), _) => pasted == *id,
                (Door::Listener { port, path }, Some(listener)) => {
                    listener.port() == port && listener::path_of(&session.view.redirect_uri) == path
                }
                (Door::Listener { .. }, None) => false,
            };
            let same = pending.request.state.as_bytes().ct_eq(state.as_bytes());
            if expected && now < session.view.expires_at && bool::from(same) {
                found = Some(*id);
            }
        }
        let id = found?;
        let session = sessions.get_mut(&id)?;
        match std::mem::replace(&mut session.run, Run::Taken) {
            Run::Waiting(pending) => Some((id, pending)),
            Run::Taken => None,
        }
    }

    /// Ends the wait of a run that nobody has taken yet.
    fn withdraw(&self, id: SignInId) -> bool {
        let mut sessions = self.sessions();
        let Some(session) = sessions.get_mut(&id) else {
            return false;
        };
        matches!(
            std::mem::replace(&mut session.run, Run::Taken),
            Run::Waiting(_)
        )
    }

    /// Cancels all runs: the agent stops.
    pub(crate) async fn cancel_all(&self) {
        let all = self.sessions().keys().copied().collect();
        self.cancel(all, &Actor::agent()).await;
    }

    /// Cancels the runs through an authenticator that is removed.
    pub(crate) async fn cancel_of(&self, authenticator: AuthenticatorId, who: &Actor) {
        let through = |session: &Session| session.view.authenticator_id == authenticator;
        let sessions = {
            let sessions = self.sessions();
            let of = sessions.iter().filter(|(_, session)| through(session));
            of.map(|(id, _)| *id).collect()
        };
        self.cancel(sessions, who).await;
    }

    /// Those that still wait for the person; one whose code is being exchanged goes on to its end.
    async fn cancel(&self, sessions: Vec<SignInId>, who: &Actor) {
        let Some(inner) = self.agent.upgrade() else {
            return;
        };
        for id in sessions {
            if self.withdraw(id) {
                inner.move_on(id, Stage::Cancelled, who).await;
            }
        }
    }
}

impl Session {
    fn view(&self) -> SignInView {
        SignInView {
            stage: self.stage.borrow().clone(),
            ..self.view.clone()
        }
    }

    fn row(&self, id: SignInId) -> SignInRow {
        let stage = self.stage.borrow();
        let (connection, problem) = match &*stage {
            Stage::Completed(done) => (Some(done.id), None),
            Stage::Failed(failed) => (None, Some(failed.message.clone())),
            Stage::Waiting
            | Stage::Exchanging
            | Stage::Denied
            | Stage::TimedOut
            | Stage::Cancelled => (None, None),
        };
        SignInRow {
            id,
            authenticator: self.view.authenticator_id,
            connection,
            step: stage.step(),
            asked_scopes: self.asked.clone(),
            reason: self.view.reason.clone(),
            problem,
            started_at: self.started_at,
            ended_at: self.ended_at,
        }
    }
}

fn not_found(id: SignInId) -> AgentError {
    AgentError::NotFound {
        kind: "sign-in",
        name: id.to_string(),
        hint: Some(
            "it ended more than ten minutes ago; start a new one with `valetkey connect`"
                .to_owned(),
        ),
    }
}

impl Inner {
    /// Moves a run to its next stage: recorded first, then told.
    async fn move_on(&self, id: SignInId, stage: Stage, who: &Actor) {
        let now = self.now();
        let event = Event::new(stage.event_kind(), now)
            .sign_in(id)
            .actor(who.to_string())
            .detail(stage.detail());
        let authenticator = {
            let sessions = self.sign_ins.sessions();
            sessions
                .get(&id)
                .map(|session| session.view.authenticator_id)
        };
        let event = match authenticator {
            Some(authenticator) => event.authenticator(authenticator),
            None => event,
        };
        let event = match &stage {
            Stage::Completed(done) => event.connection(done.id),
            Stage::Waiting
            | Stage::Exchanging
            | Stage::Denied
            | Stage::Failed(_)
            | Stage::TimedOut
            | Stage::Cancelled => event,
        };
        let kind = event.kind;
        self.record(event).await;
        let record = {
            let mut sessions = self.sign_ins.sessions();
            let Some(session) = sessions.get_mut(&id) else {
                return;
            };
            if stage.is_over() {
                session.ended_at = Some(now);
                tracing::info!(authenticator = %session.view.authenticator, outcome = kind.as_str(), "sign-in over");
            }
            session.stage.send_replace(stage);
            session.row(id)
        };
        if let Err(error) = self.vault.save_sign_in(&record).await {
            tracing::error!(%error, "sign-in not written");
        }
    }
}

impl Inner {
    /// Ends the wait of a run whose time is up.
    async fn time_out(&self, id: SignInId) {
        if self.sign_ins.withdraw(id) {
            self.move_on(id, Stage::TimedOut, &Actor::agent()).await;
        }
    }
}

impl Agent {
    /// Where a sign-in stands.
    pub fn sign_in(&self, id: SignInId) -> Result<SignInView, AgentError> {
        self.inner.sign_ins.view(id)
    }

    /// Waits until the sign-in is over, at most `longest`.
    pub async fn wait_sign_in(
        &self,
        id: SignInId,
        longest: Duration,
    ) -> Result<SignInView, AgentError> {
        let mut stage = {
            let sessions = self.inner.sign_ins.sessions();
            sessions
                .get(&id)
                .ok_or_else(|| not_found(id))?
                .stage
                .subscribe()
        };
        // Over, or not yet: both are answers.
        let _ = tokio::time::timeout(longest, stage.wait_for(Stage::is_over)).await;
        self.inner.sign_ins.view(id)
    }

    /// Cancels a sign-in that still waits for the person.
    pub async fn cancel_sign_in(
        &self,
        id: SignInId,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.inner.sign_ins.view(id)?;
        let who = who.clone();
        self.whole(|agent| async move {
            if agent.inner.sign_ins.withdraw(id) {
                agent.inner.move_on(id, Stage::Cancelled, &who).await;
            }
            agent.inner.sign_ins.view(id)
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
        let view = inner.sign_ins.view(id)?;
        if view.stage.is_over() {
            return Ok(view);
        }
        if view.expires_at <= now {
            let agent = Arc::clone(inner);
            let ended = async move { agent.time_out(id).await };
            inner.to_the_end(ended).await?;
            return inner.sign_ins.view(id);
        }
        let Some((taken, pending)) = inner.sign_ins.take(&answer.state, Door::Paste(id), now)
        else {
            return Err(AgentError::InvalidRequest {
                message: "this address belongs to another sign-in, or was used already".to_owned(),
                hint: Some("finish the newest sign-in page, and paste where it ended".to_owned()),
            });
        };
        let agent = Arc::clone(inner);
        let finished = async move { finish::finish(&agent, taken, *pending, answer).await };
        inner.to_the_end(finished).await?;
        self.inner.sign_ins.view(id)
    }
}
