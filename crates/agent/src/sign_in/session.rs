//! The sessions of sign-ins: what everybody may know of one, and what only its finisher may.
//!
//! The secrets of a session (state, verifier, nonce) live only inside [`Run::Waiting`]: taking them
//! out ends the wait, so a response counts once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::freshness;
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::name::{
    AccountLabel, AuthenticatorName, ConnectionName, InProfile, ProfileName,
};
use valetkey_core::redirect::LoopbackHost;
use valetkey_core::scope::Scopes;
use valetkey_core::sign_in::Remedy;
use valetkey_core::token_error::DeviceAuthorization;
use valetkey_vault::SignInRow;

use super::SIGN_IN_TIMEOUT;
use super::imports::Imports;
use super::state::{Failed, SignInState};
use crate::client::Client;
use crate::error::AgentError;
use crate::key::Actor;
use crate::protocol::{AuthorizeRequest, ExpectedIdToken, Metadata};

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
    /// Catalogue id of the provider.
    pub catalogue_id: String,
    /// Where the browser must go; None if the sign-in needs no person.
    pub authorize_url: Option<String>,
    /// The same, if the request was pushed: it changes before it expires, and holds no state.
    pub pushed_url: Option<String>,
    /// Where it comes back to; None if the person enters a code, or nobody is needed.
    pub redirect_uri: Option<String>,
    /// What the person enters at the provider, if the sign-in is a device grant.
    pub device: Option<DevicePrompt>,
    /// The answer must be pasted: no listener of ours serves the redirect URI.
    pub paste_only: bool,
    /// Valet Key has registered the client, and only the page in the browser says whether the server still
    /// knows it.
    pub client_may_be_unknown: bool,
    /// Scopes asked for.
    pub asked: Scopes,
    /// Those among them that the connection to renew does not have; none if there is no such one.
    pub added: Scopes,
    /// Those that the connection to renew has, and that are not asked for any more.
    pub dropped: Scopes,
    /// Why a program asks; untrusted text.
    pub reason: Option<String>,
    /// The desktop app began it, not a terminal.
    pub in_app: bool,
    /// Who got the link that began it, if one did.
    pub asked_by: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: SignInState,
}

impl SignInView {
    /// Of one that needs no person and ends by itself.
    pub(super) fn without_person(
        authenticator: &Authenticator,
        account: Option<AccountLabel>,
        reason: Option<String>,
        who: &Actor,
        now: Timestamp,
    ) -> Self {
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        Self {
            id: SignInId::new(crate::random::uuid()),
            profile: authenticator.profile.clone(),
            authenticator: authenticator.name.clone(),
            authenticator_id: authenticator.id,
            account,
            provider: authenticator.provider_name(provider).to_owned(),
            catalogue_id: provider.id.clone(),
            authorize_url: None,
            pushed_url: None,
            redirect_uri: None,
            device: None,
            paste_only: false,
            client_may_be_unknown: false,
            asked: Scopes::default(),
            added: Scopes::default(),
            dropped: Scopes::default(),
            reason,
            in_app: who.is_desktop_app(),
            asked_by: None,
            started_at: now,
            expires_at: freshness::add(now, SIGN_IN_TIMEOUT),
            state: SignInState::Started,
        }
    }
}

/// A code that the person enters (RFC 8628, section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The code.
    pub user_code: String,
    /// The page on which it is entered.
    pub verification_uri: String,
}

impl DevicePrompt {
    pub(super) fn of(authorization: &DeviceAuthorization) -> Self {
        Self {
            user_code: authorization.user_code.clone(),
            verification_uri: authorization.verification_uri.to_string(),
        }
    }
}

/// What a run needs to be finished; exists only while it waits.
pub(crate) struct Pending {
    pub(super) client: Arc<Client>,
    pub(super) awaits: Awaits,
    pub(super) label: Option<AccountLabel>,
    pub(super) asked: Scopes,
    /// The connection that had the name when the sign-in began.
    pub(super) renews: Option<ConnectionId>,
    /// Takes the place of whatever account has the name.
    pub(super) replace: bool,
    /// A link began it, which may have been opened by whoever holds it.
    pub(super) by_link: bool,
    /// It brings what a refresh token that was given is worth.
    pub(super) import: Option<SignInId>,
}

/// What ends the wait.
pub(super) enum Awaits {
    /// The browser's authorization response.
    Callback {
        request: AuthorizeRequest,
        /// Stays up while somebody holds it; None if the person pastes the response.
        listener: Option<Arc<CallbackListener>>,
    },
    /// The answer to a poll of the token endpoint.
    Device { metadata: Option<Arc<Metadata>> },
    /// The answer to a request that needs no person.
    Direct { metadata: Option<Arc<Metadata>> },
}

impl Awaits {
    /// What the id token must hold.
    pub(super) fn expected_id_token(&self) -> ExpectedIdToken<'_> {
        match self {
            Self::Callback { request, .. } => request.expected_id_token(),
            Self::Device { metadata } | Self::Direct { metadata } => ExpectedIdToken {
                metadata: metadata.as_deref(),
                nonce: None,
            },
        }
    }
}

pub(super) enum Run {
    Waiting(Box<Pending>),
    /// Taken by the one who finishes it.
    Taken,
}

/// How an authorization response arrived.
#[derive(Clone, Copy)]
pub(super) enum ResponseSource<'a> {
    /// At the callback server, on this path.
    Callback { port: u16, path: &'a str },
    /// Pasted by the person, for this session.
    Paste(SignInId),
}

pub(super) struct Session {
    pub(super) view: SignInView,
    pub(super) asked: Scopes,
    /// The connection that had the name when it began.
    pub(super) renews: Option<ConnectionId>,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) run: Run,
    pub(super) state: watch::Sender<SignInState>,
}

/// All sessions, and the callback listeners that serve them.
#[derive(Default)]
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<SignInId, Session>>,
    /// Those at fixed ports, which sessions share.
    fixed_listeners: Mutex<HashMap<(LoopbackHost, u16), Weak<CallbackListener>>>,
    /// The refresh tokens that are being imported.
    pub(super) imports: Imports,
}

/// A bound callback port. Dropping the last handle closes it.
pub(crate) struct CallbackListener {
    pub(super) port: u16,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

impl Drop for CallbackListener {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Sessions {
    pub(super) fn fixed_listener(
        &self,
        host: LoopbackHost,
        port: u16,
    ) -> Option<Arc<CallbackListener>> {
        let listeners = self.lock_listeners();
        listeners.get(&(host, port)).and_then(Weak::upgrade)
    }

    pub(super) fn share_listener(&self, host: LoopbackHost, listener: &Arc<CallbackListener>) {
        let mut listeners = self.lock_listeners();
        listeners.retain(|_, listener| listener.strong_count() > 0);
        listeners.insert((host, listener.port), Arc::downgrade(listener));
    }

    fn lock_listeners(
        &self,
    ) -> MutexGuard<'_, HashMap<(LoopbackHost, u16), Weak<CallbackListener>>> {
        self.fixed_listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<SignInId, Session>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view(&self, id: SignInId) -> Result<SignInView, AgentError> {
        let sessions = self.lock();
        sessions
            .get(&id)
            .map(Session::view)
            .ok_or_else(|| not_found(id))
    }

    /// Takes the pending half of the run with this `state`, if one waits for it from `source` and has
    /// not timed out: a response counts once.
    pub(super) fn take(
        &self,
        state: &str,
        source: ResponseSource<'_>,
        now: Timestamp,
    ) -> Option<(SignInId, Box<Pending>)> {
        let mut sessions = self.lock();
        let mut found = None;
        for (id, session) in sessions.iter() {
            let Run::Waiting(pending) = &session.run else {
                continue;
            };
            let Awaits::Callback { request, listener } = &pending.awaits else {
                continue;
            };
            let redirect_uri = session.view.redirect_uri.as_deref().unwrap_or_default();
            let expected = match (source, listener) {
                (ResponseSource::Paste(pasted), _) => pasted == *id,
                (ResponseSource::Callback { port, path }, Some(listener)) => {
                    listener.port == port && path_of(redirect_uri) == path
                }
                (ResponseSource::Callback { .. }, None) => false,
            };
            let same = request.state.as_bytes().ct_eq(state.as_bytes());
            if expected && now < session.view.expires_at && bool::from(same) {
                found = Some(*id);
            }
        }
        let id = found?;
        Some((id, sessions.get_mut(&id)?.take()?))
    }

    /// Takes the pending half of this run, if it still waits.
    pub(super) fn take_by_id(&self, id: SignInId) -> Option<Box<Pending>> {
        self.lock().get_mut(&id)?.take()
    }

    /// Ends the wait of a run that nobody has taken yet.
    pub(super) fn withdraw(&self, id: SignInId) -> bool {
        self.take_by_id(id).is_some()
    }
}

impl Session {
    fn take(&mut self) -> Option<Box<Pending>> {
        match std::mem::replace(&mut self.run, Run::Taken) {
            Run::Waiting(pending) => Some(pending),
            Run::Taken => None,
        }
    }

    pub(super) fn view(&self) -> SignInView {
        SignInView {
            state: self.state.borrow().clone(),
            ..self.view.clone()
        }
    }

    /// Its row in `state`.
    pub(super) fn row(&self, state: &SignInState, ended_at: Option<Timestamp>) -> SignInRow {
        let connection = match state {
            SignInState::Completed(done) => Some(done.id),
            SignInState::Started
            | SignInState::Authorized
            | SignInState::Denied(_)
            | SignInState::Failed(_)
            | SignInState::TimedOut
            | SignInState::Cancelled => None,
        };
        let failed = self.failure(state);
        SignInRow {
            id: self.view.id,
            authenticator: self.view.authenticator_id,
            renews: self.renews,
            connection,
            state: state.bare(),
            asked_scopes: self.asked.clone(),
            reason: self.view.reason.clone(),
            remedy: failed.as_ref().map(|failed| failed.remedy),
            hint: failed.as_ref().and_then(|failed| failed.hint.clone()),
            problem: failed.map(|failed| failed.message),
            started_at: self.started_at,
            ended_at,
        }
    }

    /// Why it did not bring a login, unless the person cancelled it.
    fn failure(&self, state: &SignInState) -> Option<Failed> {
        match state {
            SignInState::Denied(failed) | SignInState::Failed(failed) => Some(failed.clone()),
            SignInState::TimedOut => {
                let name = ConnectionName {
                    authenticator: self.view.authenticator.clone(),
                    account: self.view.account.clone(),
                };
                let name = InProfile::new(self.view.profile.clone(), name);
                let mut hint = format!("run `valetkey connect {}` again", name.argument());
                if self.view.client_may_be_unknown {
                    hint.push_str(
                        "; if the page in the browser says that it does not know the client, add \
                         `--register-again`",
                    );
                }
                Some(Failed {
                    remedy: Remedy::StartAgain,
                    message: "nobody finished the sign-in in time".to_owned(),
                    hint: Some(hint),
                })
            }
            SignInState::Started
            | SignInState::Authorized
            | SignInState::Completed(_)
            | SignInState::Cancelled => None,
        }
    }
}

/// The path that a redirect URI is served at; `/` where it has none.
pub(super) fn path_of(redirect_uri: &str) -> &str {
    let rest = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

pub(super) fn not_found(id: SignInId) -> AgentError {
    AgentError::NotFound {
        kind: "sign-in",
        name: id.to_string(),
        hint: Some(
            "it ended more than ten minutes ago; start a new one with `valetkey connect`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_served_at_its_own_path() {
        assert_eq!(path_of("http://127.0.0.1:4316/callback"), "/callback");
        assert_eq!(path_of("http://localhost:9"), "/");
        assert_eq!(path_of("http://localhost:9/"), "/");
    }
}
