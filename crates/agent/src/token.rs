//! Handing out a token: from memory if it is fresh, else after one shared refresh.

mod renew;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness::RECENTLY_USED;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::ConnectionName;
use valetkey_core::scope::Scopes;

use crate::agent::{Agent, Inner};
use crate::audit_log::{RefusedAccess, TokenAccess};
use crate::book::{FlightEnd, LiveGrant, Look, Want};
use crate::error::AgentError;
use crate::key::{Actor, ConnectionKey};
use crate::refresh;

pub use renew::Invalidated;

/// With an old token that still lives, a caller waits this long for the new one.
const PATIENCE_WITH_OLD: Duration = Duration::from_secs(5);
/// Without one it is told to try later after this long. The request that is under way is not given
/// up: what it brings may be the only refresh token that still works.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a program wants.
#[derive(Debug, Clone, Default)]
pub struct TokenAsk {
    /// The token must live at least this long; None: the default for its lifetime.
    pub min_valid: Option<SignedDuration>,
    /// The token must have these scopes.
    pub scopes: Option<Scopes>,
    /// Refresh even a fresh token.
    pub force: bool,
}

/// A token, and when it was handed out.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// The grant and all that is said about it.
    pub live: Arc<LiveGrant>,
    /// When; `expires_in` counts from here.
    pub at: Timestamp,
}

impl Agent {
    /// The token from memory, if it is there, fresh and allowed. Touches neither disk nor keychain.
    pub fn cached_token(
        &self,
        key: &ConnectionKey,
        ask: &TokenAsk,
        who: &Actor,
    ) -> Option<TokenAnswer> {
        let inner = &self.inner;
        if ask.force
            || inner.paused.load(Ordering::Relaxed)
            || inner.stopping.load(Ordering::Relaxed)
        {
            return None;
        }
        let now = inner.now();
        let live = {
            let book = inner.book();
            let id = match key {
                ConnectionKey::Id(id) => *id,
                ConnectionKey::Name(profile, name) => book.named(profile, name)?,
            };
            match book.look(id, now, Want::Living(ask.min_valid)) {
                Look::Fresh(live) if book.disabled(id).is_none() => live,
                Look::Fresh(_)
                | Look::NotLoaded
                | Look::Stale { .. }
                | Look::Held { .. }
                | Look::SignIn
                | Look::Gone => return None,
            }
        };
        if ask
            .scopes
            .as_ref()
            .is_some_and(|asked| !asked.missing_from(&live.grant.scopes).is_empty())
        {
            return None;
        }
        inner.served(&live, now, who);
        Some(TokenAnswer { live, at: now })
    }

    /// A token that lives long enough; loads, refreshes or waits for a refresh if it must.
    pub async fn token(
        &self,
        key: &ConnectionKey,
        ask: &TokenAsk,
        who: &Actor,
    ) -> Result<TokenAnswer, AgentError> {
        self.check_running()?;
        let id = self.inner.book().find(key)?;
        let found = self.live_grant(id, ask).await;
        let now = self.inner.now();
        match found {
            Ok(live) => {
                self.inner.served(&live, now, who);
                Ok(TokenAnswer { live, at: now })
            }
            Err(error) => {
                let why = error.to_string();
                let named = {
                    let book = self.inner.book();
                    let row = book.get(id).map(|entry| &entry.row);
                    row.and_then(|row| Some((book.name_of(row)?, row.authenticator)))
                };
                let refused = Box::new(RefusedAccess {
                    id,
                    named,
                    why,
                    at: now,
                    who: who.clone(),
                });
                self.inner
                    .audit_log
                    .record_access(TokenAccess::Refused(refused));
                Err(error)
            }
        }
    }

    /// The alarm goes on keeping the login of a disabled authenticator alive; nobody gets its tokens.
    fn check_enabled(&self, id: ConnectionId) -> Result<(), AgentError> {
        match self.inner.book().disabled(id) {
            Some(authenticator) => Err(AgentError::Disabled(authenticator.name.clone())),
            None => Ok(()),
        }
    }

    /// As [`Self::token`], for the agent's own use: nothing is handed out.
    pub(crate) async fn live_grant(
        &self,
        id: ConnectionId,
        ask: &TokenAsk,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        self.check_enabled(id)?;
        if self.is_paused() {
            return Err(AgentError::Paused);
        }
        let live = if ask.force {
            self.forced(id).await?
        } else {
            self.fresh(id, ask.min_valid).await?
        };
        let missing = ask
            .scopes
            .as_ref()
            .map(|asked| asked.missing_from(&live.grant.scopes))
            .filter(|missing| !missing.is_empty());
        match missing {
            Some(missing) => Err(AgentError::InsufficientScope {
                connection: live.connection.clone(),
                missing,
            }),
            None => Ok(live),
        }
    }

    async fn fresh(
        &self,
        id: ConnectionId,
        min_valid: Option<SignedDuration>,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        loop {
            let now = self.inner.now();
            let look = self.inner.book().look(id, now, Want::Living(min_valid));
            match look {
                Look::Fresh(live) => return Ok(live),
                Look::NotLoaded => refresh::load(&self.inner, id).await?,
                Look::Stale { fallback } => {
                    // A provider that hangs must not hold up a token that lives.
                    let patience = match &fallback {
                        Some(_) => PATIENCE_WITH_OLD,
                        None => PATIENCE,
                    };
                    let refreshed = self.refreshed(id, patience).await;
                    return refreshed.or_else(|error| self.or_old(fallback, error));
                }
                Look::Held { fallback, until } => {
                    let error = self.held(id, until.duration_since(now));
                    return self.or_old(fallback, error);
                }
                Look::SignIn => return Err(self.inner.sign_in_needed(id).await),
                Look::Gone => return Err(AgentError::no_connection(id)),
            }
        }
    }

    /// Waits for the refresh, but not longer than `patience`; the refresh itself goes on.
    async fn refreshed(&self, id: ConnectionId, patience: Duration) -> FlightEnd {
        tokio::select! {
            biased;
            end = refresh::join(&self.inner, id) => end,
            () = self.inner.clock.sleep(patience) => Err(AgentError::ProviderUnreachable {
                reason: format!("no answer within {} s; still waiting for it", patience.as_secs()),
                retry_after: Some(refresh::HOLD),
                bad_certificate: false,
            }),
        }
    }

    /// The old token is served while it lives, whatever kept the new one away.
    fn or_old(
        &self,
        fallback: Option<Arc<LiveGrant>>,
        error: AgentError,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        let now = self.inner.now();
        match (fallback, error) {
            (_, error @ AgentError::AuthRequired { .. }) => Err(error),
            (Some(live), _) if live.grant.is_alive(now) => Ok(live),
            (_, error) => Err(error),
        }
    }

    /// Nothing is sent for a while: the error is the one that led to it.
    fn held(&self, id: ConnectionId, wait: SignedDuration) -> AgentError {
        let book = self.inner.book();
        let Some(entry) = book.get(id) else {
            return AgentError::no_connection(id);
        };
        let refresh_error = entry.row.refresh_error.as_ref();
        let reason = refresh_error.map_or_else(|| "backing off".to_owned(), |s| s.reason.clone());
        let authenticator = book.authenticator(entry.row.authenticator);
        let kind = refresh_error.map(|refresh_error| refresh_error.kind);
        match (kind, authenticator) {
            (Some(RefreshErrorKind::FixClient), Some(authenticator)) => {
                let provider = book.provider_of(&entry.row);
                AgentError::ClientMisconfigured {
                    provider: authenticator.provider_name(provider).to_owned(),
                    authenticator: authenticator.name.to_string(),
                    reason,
                    console_url: provider.console_url.clone(),
                }
            }
            _ => AgentError::ProviderUnreachable {
                reason,
                retry_after: Some(wait),
                bad_certificate: kind == Some(RefreshErrorKind::BadCertificate),
            },
        }
    }
}

impl Inner {
    fn served(&self, live: &Arc<LiveGrant>, at: Timestamp, who: &Actor) {
        {
            let mut book = self.book();
            if let Some(entry) = book.get_mut(live.id) {
                let before = entry.row.used_at.replace(at);
                // A login that rested is kept warm again from here on.
                if before.is_none_or(|before| at.duration_since(before) >= RECENTLY_USED) {
                    book.replan(live.id, at);
                    self.alarm.notify_one();
                }
            }
        }
        self.audit_log.record_access(TokenAccess::Served {
            live: Arc::clone(live),
            at,
            who: who.clone(),
        });
    }

    /// "Sign in again", recorded once, when a grant turns out to be of no more use.
    pub(crate) async fn sign_in_needed(&self, id: ConnectionId) -> AgentError {
        let now = self.now();
        let turned = {
            let mut book = self.book();
            let Some(entry) = book.get(id) else {
                return AgentError::no_connection(id);
            };
            let (state, missing) = (entry.row.state, entry.live.is_none());
            let transition = match state.status {
                Status::NeedsReconnect | Status::Connecting | Status::Removing => None,
                Status::Active | Status::Refreshing | Status::Expired if missing => {
                    Some(Transition::ItemLost)
                }
                Status::Active | Status::Refreshing | Status::Expired => {
                    Some(Transition::Refused {
                        from: state.generation,
                    })
                }
            };
            transition.is_some_and(|transition| book.apply(id, transition).is_ok())
        };
        if turned {
            refresh::save_row(self, id).await;
            let event = Event::new(EventKind::ConnectionNeedsReconnect, now).connection(id);
            self.record(event).await;
        }
        let book = self.book();
        let Some(entry) = book.get(id) else {
            return AgentError::no_connection(id);
        };
        AgentError::AuthRequired {
            connection: book
                .name_of(&entry.row)
                .unwrap_or_else(|| unnamed(&entry.row)),
            again: entry.row.state.status != Status::Connecting,
            reason: entry
                .row
                .refresh_error
                .as_ref()
                .map(|refresh_error| refresh_error.reason.clone()),
        }
    }
}

/// A row whose authenticator is gone cannot be named; the foreign key forbids it.
fn unnamed(row: &valetkey_core::connection::Connection) -> ConnectionName {
    ConnectionName {
        authenticator: "unknown".parse().expect("a legal name"),
        account: row.account.label.clone(),
    }
}
