//! The start of a sign-in: everything is checked, the listener is up, then there is a URL.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::watch;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::id::SignInId;
use valetkey_core::name::AccountLabel;
use valetkey_core::redirect::{CALLBACK_PORT, RedirectUri};
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::{DeviceAuthorization, SignInFailure, one_line};

use super::end::note_refused;
use super::renewal::{
    connection_to_renew, granted_scopes, login_hint, scope_change, scopes_to_ask,
};
use super::session::{Awaits, CallbackListener, DevicePrompt, Pending, Run, Session, SignInView};
use super::{RETENTION, SIGN_IN_TIMEOUT, SignInState, callback_server, device, direct, push};
use crate::client::Client;
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::protocol::{AuthorizeRequest, Metadata, ProofKey, PushRequest, Pushed};
use crate::state::{Agent, Inner};

/// More runs than this at once are refused: nobody can have meant them.
const MAX_OPEN_SIGN_INS: usize = 32;
/// As much for those that links have begun: whoever holds a link must not keep the owner from signing
/// in.
const MAX_OPEN_BY_LINK: usize = 4;
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
    /// Takes the place of whatever account has the name, even if it is another one or cannot be
    /// identified.
    pub replace: bool,
    /// Asked for beside the authenticator's own and those that the connection to renew has.
    pub scopes: Scopes,
    /// Asks for `scopes` alone, or without any for the authenticator's own.
    pub only_scopes: bool,
    /// Registers another client first, in the place of the one that we have registered.
    pub register_again: bool,
    /// How the person agrees, and how that is learnt.
    pub method: SignInMethod,
    /// Why a program asks; shown to the person as untrusted text.
    pub reason: Option<String>,
}

/// How the person agrees at the provider, and how the agent learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInMethod {
    /// In the browser of this machine, which comes back to a listener (RFC 8252).
    #[default]
    Browser,
    /// In a browser on another machine: no listener, the person pastes where it ended.
    Paste,
    /// With a code, in a browser on any machine (RFC 8628).
    Device,
}

impl Agent {
    /// Starts a sign-in. Opens no browser: the caller shows or opens `authorize_url`, if there is one.
    pub async fn begin_sign_in(
        &self,
        ask: SignInOptions,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        let who = who.clone();
        self.run(|agent| async move { agent.begin(ask, None, &who).await })
            .await
    }

    /// `asked_by`: through a link, and who got that link.
    pub(super) async fn begin(
        &self,
        ask: SignInOptions,
        asked_by: Option<String>,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.check_running()?;
        let inner = &self.inner;
        forget_old(inner);
        let authenticator = inner.registry().find_authenticator(&ask.authenticator)?;
        if !authenticator.is_active {
            return Err(AgentError::Disabled(authenticator.full_name()));
        }
        if !authenticator.has_client() {
            return Err(AgentError::no_client(&authenticator));
        }
        check_quota(
            inner.sessions.lock().values(),
            asked_by.is_some(),
            inner.now(),
        )?;
        // A login that could not be stored would be lost: better not begun.
        inner.vault.check_store().await?;
        let authenticator =
            Box::pin(self.with_current_client(authenticator, ask.register_again, who)).await?;
        let mut client = Client::of(&inner.vault, Arc::clone(&authenticator)).await?;
        let known = connection_to_renew(inner, ask.account.as_ref(), authenticator.id);
        let granted = granted_scopes(inner, known.as_ref(), &ask, authenticator.id);
        let asked = scopes_to_ask(&authenticator.scopes, &ask, granted.as_ref());
        let (added, dropped) = scope_change(&asked, granted.as_ref());
        if let Some(login) = known.as_ref().and_then(login_hint).filter(|_| !ask.replace) {
            client.hint_login(login);
        }
        // Each sign-in has a key of its own: what it brings never meets that of an earlier one.
        client.proof_key = client.endpoints.dpop.map(|_| ProofKey::generate());
        let metadata = inner.provider_client.metadata(&client, inner.now()).await;
        let metadata = metadata.map_err(|failure| not_begun(inner, &client, failure))?;
        let client = Arc::new(client);
        let begun = make_ready(self, ask.method, &client, metadata, &asked).await?;
        let view = SignInView {
            id: SignInId::new(crate::random::uuid()),
            profile: authenticator.profile.clone(),
            authenticator: authenticator.name.clone(),
            authenticator_id: authenticator.id,
            account: ask.account.clone(),
            provider: client.provider_name().to_owned(),
            catalogue_id: client.provider.id.clone(),
            authorize_url: begun.authorize_url,
            pushed_url: begun.source.pushed_url(),
            redirect_uri: begun.redirect_uri,
            device: match &begun.source {
                Source::Polls(authorization) => Some(DevicePrompt::of(authorization)),
                Source::Browser(_) | Source::Direct => None,
            },
            client_may_be_unknown: authenticator.overrides.registration.is_some()
                && matches!(begun.source, Source::Browser(None)),
            paste_only: matches!(begun.awaits, Awaits::Callback { listener: None, .. }),
            added,
            dropped,
            asked: asked.clone(),
            reason: ask.reason.as_deref().map(plain),
            in_app: who.is_desktop_app(),
            asked_by,
            started_at: inner.now(),
            expires_at: freshness::add(inner.now(), begun.lifetime),
            state: SignInState::Started,
        };
        let pending = Pending {
            client: Arc::clone(&client),
            awaits: begun.awaits,
            label: ask.account,
            asked: asked.clone(),
            renews: known.map(|row| row.id),
            replace: ask.replace,
            by_link: view.asked_by.is_some(),
            import: None,
        };
        let session = Session {
            view: view.clone(),
            asked: pending.asked.clone(),
            renews: pending.renews,
            started_at: inner.now(),
            ended_at: None,
            run: Run::Waiting(Box::new(pending)),
            state: watch::Sender::new(SignInState::Started),
        };
        let row = session.row(&SignInState::Started, None);
        {
            // Checked under the lock: a stop or a removal finds this run and cancels it, or it
            // does not begin.
            let mut sessions = inner.sessions.lock();
            self.check_running()?;
            if inner.registry().authenticator(authenticator.id).is_none() {
                return Err(AgentError::no_authenticator(
                    &authenticator.full_name().into(),
                ));
            }
            check_quota(sessions.values(), view.asked_by.is_some(), inner.now())?;
            sessions.insert(view.id, session);
        }
        inner.registry().follow_sign_in(&row);
        inner.run(time_out(Arc::clone(inner), view.id));
        self.await_grant(begun.source, view.id, client, asked);
        inner.record(started(&view, inner.now(), who)).await;
        inner.vault.save_sign_in(&row).await?;
        Ok(view)
    }

    /// Starts what brings the grant, if it is not the browser.
    fn await_grant(&self, source: Source, id: SignInId, client: Arc<Client>, asked: Scopes) {
        let inner = Arc::clone(&self.inner);
        match source {
            Source::Browser(None) => {}
            Source::Browser(Some((request, pushed))) => {
                self.inner
                    .run(push::again(inner, id, client, request, pushed));
            }
            Source::Polls(authorization) => {
                self.inner
                    .run(device::poll(inner, id, client, authorization));
            }
            Source::Direct => {
                inner.run(direct::run(self.clone(), id, client, asked));
            }
        }
    }
}

fn started(view: &SignInView, now: Timestamp, who: &Actor) -> Event {
    Event::new(EventKind::SignInStarted, now)
        .authenticator(view.authenticator_id)
        .sign_in(view.id)
        .actor(who)
        .detail(json!({
            "reason": view.reason,
            "paste_only": view.paste_only,
            "device": view.device.is_some(),
            "direct": view.authorize_url.is_none(),
            "asked_by": view.asked_by,
        }))
}

/// What a method has made ready.
pub(super) struct Begun {
    /// What the browser opens; None if the sign-in needs no person.
    pub(super) authorize_url: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) awaits: Awaits,
    /// How long the person has.
    pub(super) lifetime: SignedDuration,
    /// What brings the tokens.
    pub(super) source: Source,
}

/// What brings the tokens of a sign-in.
pub(super) enum Source {
    /// The browser's authorization response; what was pushed for it, and where that leads.
    Browser(Option<(PushRequest, Pushed)>),
    /// Polls of the token endpoint.
    Polls(DeviceAuthorization),
    /// One request, which needs no person.
    Direct,
}

impl Source {
    /// Where the request that was pushed leads.
    fn pushed_url(&self) -> Option<String> {
        match self {
            Self::Browser(Some((_, pushed))) => Some(pushed.url.clone()),
            Self::Browser(None) | Self::Polls(_) | Self::Direct => None,
        }
    }
}

/// Makes the method ready: a listener and a URL, or a code. Where nobody must agree, the method does
/// not matter.
async fn make_ready(
    agent: &Agent,
    method: SignInMethod,
    client: &Client,
    metadata: Option<Arc<Metadata>>,
    scopes: &Scopes,
) -> Result<Begun, AgentError> {
    let inner = &agent.inner;
    if !client.endpoints.grant_type.needs_person() {
        return direct::begin(agent, client, metadata);
    }
    match method {
        SignInMethod::Browser => begin_in_browser(inner, client, metadata, scopes, false).await,
        SignInMethod::Paste => begin_in_browser(inner, client, metadata, scopes, true).await,
        SignInMethod::Device => device::begin(inner, client, metadata, scopes).await,
    }
}

/// Authorization code with PKCE (RFC 6749, section 4.1; RFC 7636).
async fn begin_in_browser(
    inner: &Arc<Inner>,
    client: &Client,
    metadata: Option<Arc<Metadata>>,
    scopes: &Scopes,
    paste_only: bool,
) -> Result<Begun, AgentError> {
    let registered = &client.authenticator.redirect_uri;
    let (listener, redirect_uri) = open_redirect(inner, registered, paste_only).await?;
    let request = AuthorizeRequest::new(client, metadata, &redirect_uri, scopes);
    let pushed = push::first(inner, client, &request).await;
    let pushed = pushed.map_err(|failure| not_begun(inner, client, failure))?;
    let url = pushed
        .as_ref()
        .map_or(&request.url, |(_, pushed)| &pushed.url);
    Ok(Begun {
        authorize_url: Some(url.clone()),
        redirect_uri: Some(redirect_uri),
        awaits: Awaits::Callback { request, listener },
        lifetime: SIGN_IN_TIMEOUT,
        source: Source::Browser(pushed),
    })
}

/// The address that the browser comes back to, and who listens there; None if the person pastes it.
async fn open_redirect(
    inner: &Arc<Inner>,
    registered: &RedirectUri,
    paste_only: bool,
) -> Result<(Option<Arc<CallbackListener>>, String), AgentError> {
    match registered {
        RedirectUri::Web(uri) => Ok((None, uri.clone())),
        // Nobody listens, so any port will do where the provider takes any.
        RedirectUri::Loopback { port, .. } if paste_only => {
            Ok((None, registered.at_port(port.unwrap_or(CALLBACK_PORT))))
        }
        RedirectUri::Loopback { host, port, .. } => {
            let listener = callback_server::open(inner, *host, *port).await?;
            let uri = registered.at_port(listener.port);
            Ok((Some(listener), uri))
        }
    }
}

/// Room for one more of its kind: those that links have begun, or the others.
pub(super) fn check_quota<'a>(
    sessions: impl Iterator<Item = &'a Session>,
    by_link: bool,
    now: Timestamp,
) -> Result<(), AgentError> {
    let open = sessions
        .filter(|session| session.ended_at.is_none() && session.view.asked_by.is_some() == by_link);
    let ends: Vec<Timestamp> = open.map(|session| session.view.expires_at).collect();
    let max = if by_link {
        MAX_OPEN_BY_LINK
    } else {
        MAX_OPEN_SIGN_INS
    };
    match ends.iter().min() {
        Some(first) if ends.len() >= max => Err(AgentError::RateLimited {
            retry_after: first.duration_since(now),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Untrusted text on its way to a person.
pub(super) fn plain(reason: &str) -> String {
    one_line(reason).chars().take(MAX_REASON_CHARS).collect()
}

pub(super) fn forget_old(inner: &Inner) {
    let now = inner.now();
    inner.sessions.lock().retain(|_, session| {
        session
            .ended_at
            .is_none_or(|ended| now.duration_since(ended) < RETENTION)
    });
}

/// Before the browser opens nobody can be asked: what fails here is about client or network.
pub(super) fn not_begun(inner: &Inner, client: &Client, failure: SignInFailure) -> AgentError {
    note_refused(inner, client, &failure);
    match failure {
        SignInFailure::TryLater { reason } => AgentError::ProviderUnreachable {
            reason,
            retry_after: None,
            bad_certificate: false,
        },
        SignInFailure::WrongField {
            field,
            value,
            reason,
        } => AgentError::InvalidRequest {
            message: reason,
            hint: Some(client.set_field(field, value.as_deref())),
        },
        SignInFailure::FixClient { reason } => client.misconfigured(reason),
        SignInFailure::Denied { .. }
        | SignInFailure::StartAgain { .. }
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
    let over = async { state.wait_for(SignInState::has_ended).await.map(drop) };
    tokio::select! {
        () = up => inner.time_out(id).await,
        // Or the agent is gone.
        _ = over => {}
    }
}
