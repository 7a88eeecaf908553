//! A token for the proxy: it goes to a host of the connection and never to the program that asks.

mod credentials;
mod exchange;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use valetkey_core::access::Usage;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::GrantKind;
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::provider::Provider;
use valetkey_core::proxy_settings::ProxySettings;
use valetkey_core::scope::Scopes;

use crate::access::{Authorized, Once, Requester};
use crate::audit_log::{Entry, ProxiedAccess};
use crate::error::AgentError;
use crate::key::Actor;
use crate::protocol::KeyCheck;
use crate::refresh;
use crate::registry::LiveGrant;
use crate::state::{Agent, Inner};
use crate::token::{Invalidated, KEY_REFUSED, TokenRequirements};

pub use credentials::Credentials;
pub use exchange::Exchange;

/// A token that a host refused is replaced only once within this time: a host that answers 401 for
/// other reasons must not cause a refresh for each request.
const RENEWAL_INTERVAL: Duration = Duration::from_mins(1);

/// What became of a proxied request, for the audit log.
#[derive(Debug, Clone)]
pub struct ProxiedRequest {
    /// The connection.
    pub id: ConnectionId,
    /// GET, POST ...
    pub method: String,
    /// The host, if one was chosen.
    pub host: Option<String>,
    /// The path, without the query.
    pub path: String,
    /// Whether it was sent to the host, with the token, or is about to be.
    pub sent: bool,
    /// The status that the program got from the host; None if it got none.
    pub status: Option<u16>,
    /// Why it got none.
    pub why: Option<String>,
    /// Who asked.
    pub who: Actor,
}

/// What a proxied request needs, as it was at one moment.
#[derive(Debug, Clone)]
pub struct ProxyGrant {
    /// The grant whose token is added.
    pub live: Arc<LiveGrant>,
    /// Names the hosts.
    pub authenticator: Arc<Authenticator>,
    /// The authenticator's catalogue entry.
    pub provider: &'static Provider,
    /// What the person allows.
    pub settings: ProxySettings,
    requester: Requester,
    once: Option<Once>,
    /// The scopes that the token may have.
    only: Option<Scopes>,
    /// Changes since this moment.
    changes: watch::Receiver<()>,
}

impl Agent {
    /// A token that is valid for long enough, and where it may be sent. The caller records what came of
    /// it: [`Self::record_proxied`].
    pub async fn proxy_grant(
        &self,
        id: ConnectionId,
        requester: &Requester,
    ) -> Result<ProxyGrant, AgentError> {
        self.check_running()?;
        let authorized = self.authorized(id, &requirements(), requester).await?;
        self.inner.proxy_grant(id, requester.clone(), authorized)
    }

    /// The same with the token of now, for the same request: nobody is asked again.
    pub async fn renewed_proxy_grant(&self, old: ProxyGrant) -> Result<ProxyGrant, AgentError> {
        let id = old.live.id;
        let ask = TokenRequirements {
            only: old.only.clone(),
            ..requirements()
        };
        self.obtain(id, &ask).await?;
        if !old.requester.is_still_there() {
            return Err(self.inner.withdrawn(id, &old.requester));
        }
        let (once, only) = (old.once, old.only);
        self.inner
            .proxy_grant(id, old.requester, Authorized { once, only })
    }

    /// A host refused this token. True if there is another one now. One that cannot be refreshed stays:
    /// a host may refuse it for reasons of its own.
    pub async fn replace_refused_by_host(
        &self,
        refused: &LiveGrant,
        requester: &Requester,
    ) -> Result<bool, AgentError> {
        let id = refused.id;
        if refused.grant.kind == GrantKind::ApiKey {
            return self.ask_about_refused_key(refused).await;
        }
        let is_own = refused.narrowed_to.is_none();
        if (is_own && !refused.grant.is_refreshable()) || self.was_just_replaced(refused) {
            return Ok(false);
        }
        let replaced = self.invalidate(id, &refused.fingerprint, requester).await?;
        if replaced == Invalidated::Refreshed {
            let generation = {
                let registry = self.inner.registry();
                let entry = registry.get(id);
                entry.and_then(|entry| match &refused.narrowed_to {
                    Some(scopes) => Some(entry.narrow.get(scopes)?.generation),
                    None => Some(entry.live.as_ref()?.token_generation),
                })
            };
            if let Some(generation) = generation {
                self.note_replaced(id, generation);
            }
        }
        Ok(true)
    }

    /// A host refused a key. Only the provider's own word ends a connection that nothing can refresh;
    /// it is asked once in a while.
    async fn ask_about_refused_key(&self, refused: &LiveGrant) -> Result<bool, AgentError> {
        if self.was_just_replaced(refused) {
            return Ok(false);
        }
        let (id, generation) = (refused.id, refused.grant.generation);
        self.note_replaced(id, generation);
        let connection = refused.full_name();
        let live = refused.clone();
        self.run(|agent| async move {
            if agent.check_live_key(&live).await? != KeyCheck::Refused {
                return Ok(false);
            }
            refresh::sign_in_again(&agent.inner, id, generation, KEY_REFUSED).await;
            Err(AgentError::AuthRequired {
                connection,
                again: true,
                reason: Some(KEY_REFUSED.to_owned()),
                by_key: true,
            })
        })
        .await
    }

    /// Asks the provider about the key of a connection.
    pub(crate) async fn check_live_key(&self, live: &LiveGrant) -> Result<KeyCheck, AgentError> {
        let authenticator = {
            let registry = self.inner.registry();
            let row = registry.get(live.id).map(|entry| entry.row.authenticator);
            row.and_then(|id| registry.authenticator(id).cloned())
        };
        let authenticator = authenticator.ok_or_else(|| AgentError::no_connection(live.id))?;
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        let key = &live.grant.access_token;
        let checked = self
            .inner
            .provider_client
            .check_key(&authenticator, provider, key);
        Ok(checked.await)
    }

    fn note_replaced(&self, id: ConnectionId, generation: Generation) {
        let mut renewed = self.inner.renewed_for_hosts();
        renewed.retain(|_, (_, at)| at.elapsed() < RENEWAL_INTERVAL);
        renewed.insert(id, (generation, Instant::now()));
    }

    /// Queues what became of a request. Never waits.
    pub fn record_proxied(&self, request: ProxiedRequest) {
        let at = self.inner.now();
        let name = {
            let registry = self.inner.registry();
            let row = registry.get(request.id).map(|entry| &entry.row);
            row.and_then(|row| registry.name_of(row))
        };
        let proxied = Box::new(ProxiedAccess { request, name, at });
        self.inner.audit_log.record(Entry::Proxied(proxied));
    }

    /// Records that a host sent the token back and that it was masked.
    pub fn record_scrubbed(&self, id: ConnectionId, host: &str, who: &Actor) {
        tracing::warn!(connection = %id, host, "a host sent the token back; it was masked");
        let event = Event::new(EventKind::ProxyScrubbed, self.inner.now())
            .connection(id)
            .actor(who)
            .detail(json!({ "host": host }));
        let inner = Arc::clone(&self.inner);
        // Nobody waits for it.
        drop(self.inner.run(async move { inner.record(event).await }));
    }

    fn was_just_replaced(&self, live: &LiveGrant) -> bool {
        let renewed = self.inner.renewed_for_hosts();
        renewed.get(&live.id).is_some_and(|(generation, at)| {
            *generation == live.token_generation && at.elapsed() < RENEWAL_INTERVAL
        })
    }
}

fn requirements() -> TokenRequirements {
    TokenRequirements {
        usage: Usage::Proxy,
        ..TokenRequirements::default()
    }
}

impl Inner {
    fn proxy_grant(
        &self,
        id: ConnectionId,
        requester: Requester,
        Authorized { once, only }: Authorized,
    ) -> Result<ProxyGrant, AgentError> {
        let ask = TokenRequirements {
            only: only.clone(),
            ..requirements()
        };
        // Before the check: a change that it does not see is still to be noticed.
        let changes = self.audit_log.changed.subscribe();
        let now = self.now();
        let mut registry = self.registry();
        let live = self.servable(&registry, id, &ask, now)?;
        let scopes = &live.grant.scopes;
        self.check_access(&requester, id, Usage::Proxy, scopes, once.as_ref(), now)
            .map_err(|why| self.not_allowed(live.full_name(), &requester, why))?;
        let row = registry.get(id).map(|entry| &entry.row);
        let (authenticator, settings) = row
            .and_then(|row| {
                let authenticator = registry.authenticator(row.authenticator)?;
                Some((Arc::clone(authenticator), row.proxy.clone()))
            })
            .ok_or_else(|| AgentError::no_connection(id))?;
        self.mark_used(&mut registry, id, now);
        Ok(ProxyGrant {
            live,
            provider: catalogue::provider_or_custom(&authenticator.provider),
            authenticator,
            settings,
            requester,
            once,
            only,
            changes,
        })
    }
}
