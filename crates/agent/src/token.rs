//! Handing out a token: from memory if it is fresh, else after one shared refresh.

mod exit;
mod narrow;
mod renew;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::access::Usage;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::provider::ApiAuth;
use valetkey_core::scope::Scopes;

use crate::access::{Authorized, Requester};
use crate::audit_log::{Entry, RefusedAccess};
use crate::error::AgentError;
use crate::key::Actor;
use crate::registry::{LiveGrant, RefreshResult, Requirement, TokenLookup};
use crate::state::{Agent, Inner};
use crate::{grants, refresh};

pub use renew::Invalidated;
pub(crate) use renew::KEY_REFUSED;

/// With an old token that is still valid, a caller waits this long for the new one.
const FALLBACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Without one it is told to try later after this long. The request that is under way is not given
/// up: what it brings may be the only refresh token that still works.
const CALLER_TIMEOUT: Duration = Duration::from_secs(15);

/// What a program wants.
#[derive(Debug, Clone, Default)]
pub struct TokenRequirements {
    /// The token must be valid for at least this long; None: the default for its lifetime.
    pub min_valid: Option<SignedDuration>,
    /// The token must have these scopes.
    pub scopes: Option<Scopes>,
    /// The token may have no more than these scopes.
    pub only: Option<Scopes>,
    /// Refresh even a fresh token.
    pub force: bool,
    /// What it is for.
    pub usage: Usage,
    /// How long the person may take to allow it; None: until the question was shown for long enough.
    pub wait: Option<Duration>,
}

/// A token, and when it was handed out.
#[derive(Debug, Clone)]
pub struct ServedToken {
    /// The grant and all that is said about it.
    pub live: Arc<LiveGrant>,
    /// When; `expires_in` counts from here.
    pub at: Timestamp,
    /// How API requests carry it, where it is a key that goes in a header of its own.
    pub api_auth: Option<ApiAuth>,
}

impl Agent {
    /// The token from memory, if it is there, fresh and allowed. Touches neither disk nor keychain.
    pub fn cached_token(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
        requester: &Requester,
    ) -> Option<ServedToken> {
        let inner = &self.inner;
        if ask.force || ask.only.is_some() || inner.stopping.load(Ordering::Relaxed) {
            return None;
        }
        let now = inner.now();
        let mut registry = inner.registry();
        match registry.lookup(id, now, Requirement::ValidFor(ask.min_valid)) {
            TokenLookup::Fresh(_) => inner
                .serve(&mut registry, id, ask, now, requester, None)
                .ok(),
            TokenLookup::NotLoaded
            | TokenLookup::Stale { .. }
            | TokenLookup::BackingOff { .. }
            | TokenLookup::SignInRequired
            | TokenLookup::Removed => None,
        }
    }

    /// A token that is valid for long enough; loads, refreshes or waits for a refresh if it must.
    pub async fn token(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
        requester: &Requester,
    ) -> Result<ServedToken, AgentError> {
        self.check_running()?;
        let inner = &self.inner;
        let obtained = self.authorized(id, ask, requester).await;
        let now = inner.now();
        let served = obtained.and_then(|Authorized { once, only }| {
            let ask = TokenRequirements {
                only,
                ..ask.clone()
            };
            let mut registry = inner.registry();
            inner.serve(&mut registry, id, &ask, now, requester, once.as_ref())
        });
        served.inspect_err(|error| {
            self.record_refused(id, error.to_string(), &requester.actor);
        })
    }

    /// Queues that a token of this connection was refused. False if the same caller was refused for the
    /// same reason a moment ago, so that this one is only counted.
    pub fn record_refused(&self, id: ConnectionId, why: String, who: &Actor) -> bool {
        let inner = &self.inner;
        let named = {
            let registry = inner.registry();
            let row = registry.get(id).map(|entry| &entry.row);
            row.and_then(|row| Some((registry.name_of(row)?, row.authenticator)))
        };
        let refused = Box::new(RefusedAccess {
            id,
            named,
            why,
            at: inner.now(),
            who: who.clone(),
        });
        inner.audit_log.record(Entry::Refused(refused))
    }

    /// As [`Self::token`], for the agent's own use: nothing is recorded as served.
    pub(crate) async fn live_grant(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        self.obtain(id, ask).await?;
        let registry = self.inner.registry();
        self.inner.servable(&registry, id, ask, self.inner.now())
    }

    /// Decides whether the requester may have it, and then obtains it: nobody makes a provider issue
    /// a token by asking in vain.
    pub(crate) async fn authorized(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
        requester: &Requester,
    ) -> Result<Authorized, AgentError> {
        self.check_enabled(id)?;
        if self.is_paused() {
            return Err(AgentError::Paused);
        }
        if ask.usage == Usage::Token {
            Inner::check_handed_out(&self.inner.registry(), id)?;
        }
        self.check_narrowable(id, ask)?;
        let authorized = self.authorize(id, ask, requester).await?;
        let only = authorized.only.clone();
        let ask = TokenRequirements {
            only,
            ..ask.clone()
        };
        self.obtain(id, &ask).await?;
        if requester.is_still_there() {
            Ok(authorized)
        } else {
            Err(self.inner.withdrawn(id, requester))
        }
    }

    /// Sees to it that memory holds a grant that fits; [`Inner::servable`] decides whether it may
    /// leave.
    pub(crate) async fn obtain(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
    ) -> Result<(), AgentError> {
        self.check_enabled(id)?;
        if self.is_paused() {
            return Err(AgentError::Paused);
        }
        let narrowed = {
            let registry = self.inner.registry();
            let only = ask.only.as_ref();
            only.and_then(|only| registry.narrowed_scopes(id, only))
        };
        let obtained = match narrowed {
            Some(scopes) => self.narrowed(id, &scopes, ask).await,
            None if ask.force => self.forced(id, None).await.map(drop),
            None => self.fresh(id, ask.min_valid).await.map(drop),
        };
        if self.is_paused() {
            grants::forget_later(&self.inner, id);
            return Err(AgentError::Paused);
        }
        obtained
    }

    /// The scheduler keeps the login of a disabled authenticator valid; nobody gets its tokens.
    fn check_enabled(&self, id: ConnectionId) -> Result<(), AgentError> {
        match self.inner.registry().disabled(id) {
            Some(authenticator) => Err(AgentError::Disabled(authenticator.full_name())),
            None => Ok(()),
        }
    }

    async fn fresh(
        &self,
        id: ConnectionId,
        min_valid: Option<SignedDuration>,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        let clock = &self.inner.clock;
        let deadline = clock.uptime() + CALLER_TIMEOUT;
        loop {
            let now = self.inner.now();
            let found = self
                .inner
                .registry()
                .lookup(id, now, Requirement::ValidFor(min_valid));
            let (fallback, error) = match found {
                TokenLookup::Fresh(live) => return Ok(live),
                TokenLookup::NotLoaded => {
                    grants::load(&self.inner, id).await?;
                    continue;
                }
                TokenLookup::Stale {
                    generation,
                    fallback,
                } => {
                    // A provider that hangs must not hold up a token that is still valid.
                    let timeout = match &fallback {
                        Some(_) => FALLBACK_TIMEOUT,
                        None => deadline.saturating_sub(clock.uptime()),
                    };
                    match self.refreshed(id, generation, timeout).await {
                        Ok(live) => return Ok(live),
                        Err(error) => (fallback, error),
                    }
                }
                TokenLookup::BackingOff { fallback, until } => {
                    let error = self.held(id, until.duration_since(now));
                    (fallback, error)
                }
                TokenLookup::SignInRequired => {
                    return Err(refresh::sign_in_required(&self.inner, id).await);
                }
                TokenLookup::Removed => return Err(AgentError::no_connection(id)),
            };
            if fallback.is_some() || !self.wait_for_retry(id, deadline).await {
                return self.or_old(fallback, error);
            }
        }
    }

    /// Waits until a refresh that the provider did not answer with a token may be sent again, if that
    /// is before the caller's `deadline` (of the clock's uptime). It was answered, so it is not in
    /// doubt, and one overloaded moment should not fail everybody who waits.
    async fn wait_for_retry(&self, id: ConnectionId, deadline: Duration) -> bool {
        let now = self.inner.now();
        let until = {
            let registry = self.inner.registry();
            let entry = registry.get(id);
            let entry = entry.filter(|entry| {
                let error = entry.row.refresh_error.as_ref();
                error.is_some_and(|error| error.kind == RefreshErrorKind::Later)
            });
            entry.and_then(|entry| entry.retry_not_before)
        };
        let Some(until) = until else {
            return false;
        };
        let clock = &self.inner.clock;
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        if clock.uptime() + wait >= deadline {
            return false;
        }
        clock.sleep(wait).await;
        true
    }

    /// Waits for the refresh, but not longer than `timeout`; the refresh itself goes on.
    async fn refreshed(
        &self,
        id: ConnectionId,
        from: Generation,
        timeout: Duration,
    ) -> RefreshResult {
        tokio::select! {
            biased;
            end = refresh::join(&self.inner, id, from) => end,
            () = self.inner.clock.sleep(timeout) => Err(Self::no_answer_yet(timeout)),
        }
    }

    /// What is under way goes on; its caller is told after this long.
    fn no_answer_yet(timeout: Duration) -> AgentError {
        AgentError::ProviderUnreachable {
            reason: format!(
                "no answer within {} s; still waiting for it",
                timeout.as_secs()
            ),
            retry_after: Some(refresh::MIN_RETRY_DELAY),
            bad_certificate: false,
        }
    }

    /// The old token is served while it is valid, whatever kept the new one away.
    fn or_old(
        &self,
        fallback: Option<Arc<LiveGrant>>,
        error: AgentError,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        let now = self.inner.now();
        match (fallback, error) {
            (_, error @ AgentError::AuthRequired { .. }) => Err(error),
            (Some(live), _) if live.grant.is_valid(now) => Ok(live),
            (_, error) => Err(error),
        }
    }

    /// Nothing is sent for a while: the error is the one that led to it.
    fn held(&self, id: ConnectionId, wait: SignedDuration) -> AgentError {
        let registry = self.inner.registry();
        let Some(entry) = registry.get(id) else {
            return AgentError::no_connection(id);
        };
        let refresh_error = entry.row.refresh_error.as_ref();
        let reason = refresh_error.map_or_else(|| "backing off".to_owned(), |s| s.reason.clone());
        let authenticator = registry.authenticator(entry.row.authenticator);
        let kind = refresh_error.map(|refresh_error| refresh_error.kind);
        match (kind, authenticator) {
            (Some(RefreshErrorKind::FixClient), Some(authenticator)) => {
                let provider = registry.provider_of(&entry.row);
                AgentError::misconfigured(authenticator, provider, reason)
            }
            _ => AgentError::ProviderUnreachable {
                reason,
                retry_after: Some(wait),
                bad_certificate: kind == Some(RefreshErrorKind::BadCertificate),
            },
        }
    }
}
