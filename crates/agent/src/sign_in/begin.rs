//! The start of a sign-in: everything is checked, the listener is up, then there is a URL.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::id::SignInId;
use valetkey_core::name::AccountLabel;
use valetkey_core::redirect::{CALLBACK_PORT, RedirectUri};
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::SignInFailure;

use super::session::{Pending, Run, Session, SignInView};
use super::{RETENTION, SIGN_IN_TIMEOUT, SignInState, callback_server};
use crate::client::Client;
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::links::LinkTarget;
use crate::protocol::AuthorizeRequest;
use crate::state::{Agent, Inner};

/// More runs than this at once are refused: nobody can have meant them.
const MAX_OPEN_SIGN_INS: usize = 32;
/// How often a waiting run looks at the wall clock.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);
/// Longest `reason`, in characters.
const MAX_REASON_CHARS: usize = 200;

/// A sign-in to be started.
#[derive(Debug, Clone)]
pub struct SignInOptions {
    /// Through which client.
    pub authenticator: AuthenticatorKey,
    /// Label for a second account; also names the connection to renew.
    pub account: Option<AccountLabel>,
    /// Asked for beside the authenticator's own.
    pub scopes: Scopes,
    /// The browser runs on another machine: no listener, the person pastes where it ended.
    pub paste_only: bool,
    /// Why a program asks; shown to the person as untrusted text.
    pub reason: Option<String>,
}

impl Agent {
    /// Starts a sign-in. Opens no browser: the caller shows or opens `authorize_url`.
    pub async fn begin_sign_in(
        &self,
        ask: SignInOptions,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.check_running()?;
        let inner = &self.inner;
        forget_old(inner);
        let authenticator = inner.registry().find_authenticator(&ask.authenticator)?;
        if !authenticator.is_active {
            return Err(AgentError::Disabled(authenticator.name.clone()));
        }
        if inner
            .sessions
            .lock()
            .values()
            .filter(|s| s.ended_at.is_none())
            .count()
            >= MAX_OPEN_SIGN_INS
        {
            return Err(AgentError::RateLimited);
        }
        // A login that could not be stored would be lost: better not begun.
        inner.vault.check_store().await?;
        let client = Client::of(&inner.vault, Arc::clone(&authenticator)).await?;
        let asked = authenticator.scopes.union(&ask.scopes);
        let metadata = inner.provider_client.metadata(&client, inner.now()).await;
        let metadata = metadata.map_err(|failure| not_begun(&client, failure))?;

        let (listener, redirect_uri) = match &authenticator.redirect_uri {
            RedirectUri::Web(uri) => (None, uri.clone()),
            // Nobody listens, so any port will do where the provider takes any.
            loopback @ RedirectUri::Loopback { port, .. } if ask.paste_only => {
                (None, loopback.at_port(port.unwrap_or(CALLBACK_PORT)))
            }
            loopback @ RedirectUri::Loopback { host, port, .. } => {
                let listener = callback_server::open(inner, *host, *port).await?;
                let uri = loopback.at_port(listener.port);
                (Some(listener), uri)
            }
        };
        let request = AuthorizeRequest::new(&client, metadata, &redirect_uri, &asked);
        let view = SignInView {
            id: SignInId::new(crate::random::uuid()),
            profile: authenticator.profile.clone(),
            authenticator: authenticator.name.clone(),
            authenticator_id: authenticator.id,
            account: ask.account.clone(),
            provider: client.provider_name().to_owned(),
            authorize_url: request.url.clone(),
            redirect_uri,
            paste_only: listener.is_none(),
            asked: asked.clone(),
            reason: ask.reason.as_deref().map(plain),
            started_at: inner.now(),
            expires_at: freshness::add(inner.now(), SIGN_IN_TIMEOUT),
            state: SignInState::Started,
        };
        let pending = Pending {
            client,
            request,
            label: ask.account,
            asked,
            listener,
        };
        let session = Session {
            view: view.clone(),
            asked: pending.asked.clone(),
            started_at: inner.now(),
            ended_at: None,
            run: Run::Waiting(Box::new(pending)),
            state: watch::Sender::new(SignInState::Started),
        };
        let row = session.row(view.id);
        {
            // Checked under the lock: a stop or a removal finds this run and cancels it, or it
            // does not begin.
            let mut sessions = inner.sessions.lock();
            self.check_running()?;
            if inner.registry().authenticator(authenticator.id).is_none() {
                return Err(AgentError::no_authenticator(&authenticator.name));
            }
            sessions.insert(view.id, session);
        }
        inner.run(time_out(Arc::clone(inner), view.id));
        let event = Event::new(EventKind::SignInStarted, inner.now())
            .authenticator(authenticator.id)
            .sign_in(view.id)
            .actor(who.to_string())
            .detail(json!({ "reason": view.reason, "paste_only": view.paste_only }));
        inner.record(event).await;
        inner.vault.save_sign_in(&row).await?;
        Ok(view)
    }

    /// A link on the loopback listener that starts the sign-in of `target`; its nonce.
    pub fn connect_link(&self, target: LinkTarget) -> String {
        self.inner.links.nonce(target, self.inner.now())
    }

    /// What a link is about, while it works.
    pub fn connect_link_target(&self, nonce: &str) -> Option<LinkTarget> {
        self.inner.links.target(nonce, self.inner.now())
    }

    /// Starts the sign-in that a link is about.
    pub async fn follow_connect_link(
        &self,
        nonce: &str,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        let target = self
            .connect_link_target(nonce)
            .ok_or_else(|| AgentError::NotFound {
                kind: "link",
                name: "this link".to_owned(),
                hint: Some(
                    "links end after ten minutes; ask for a new one, or use `valetkey connect`"
                        .to_owned(),
                ),
            })?;
        let ask = SignInOptions {
            authenticator: AuthenticatorKey::Name(target.profile, target.connection.authenticator),
            account: target.connection.account,
            scopes: target.scopes,
            paste_only: false,
            reason: None,
        };
        self.begin_sign_in(ask, who).await
    }
}

/// Untrusted text on its way to a person: one line, without control characters.
fn plain(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REASON_CHARS)
        .collect()
}

fn forget_old(inner: &Inner) {
    let now = inner.now();
    inner.sessions.lock().retain(|_, session| {
        session
            .ended_at
            .is_none_or(|ended| now.duration_since(ended) < RETENTION)
    });
}

/// Before the browser opens nobody can be asked: what fails here is about client or network.
fn not_begun(client: &Client, failure: SignInFailure) -> AgentError {
    match failure {
        SignInFailure::TryLater { reason } => AgentError::ProviderUnreachable {
            reason,
            retry_after: None,
            bad_certificate: false,
        },
        SignInFailure::Denied { .. }
        | SignInFailure::StartAgain { .. }
        | SignInFailure::FixClient { .. }
        | SignInFailure::Untrusted { .. }
        | SignInFailure::Unclear { .. } => client.misconfigured(failure.to_string()),
    }
}

/// Ends a run when its time is up: by the wall clock, since the machine may sleep meanwhile.
async fn time_out(inner: Arc<Inner>, id: SignInId) {
    let found = inner.sessions.lock().get(&id).map(|session| {
        let ends_at = session.view.expires_at;
        (ends_at, session.state.subscribe())
    });
    let Some((ends_at, mut state)) = found else {
        return;
    };
    let up = async {
        while let Ok(left) = Duration::try_from(ends_at.duration_since(inner.now()))
            && !left.is_zero()
        {
            inner.clock.sleep(left.min(RECHECK_INTERVAL)).await;
        }
    };
    let over = async { state.wait_for(SignInState::is_over).await.map(drop) };
    tokio::select! {
        () = up => inner.time_out(id).await,
        // Or the agent is gone.
        _ = over => {}
    }
}
