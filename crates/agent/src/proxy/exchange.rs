//! A request that is under way through the proxy, and its response: what let it begin is checked again
//! after every change, and when a key or rule ends by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use valetkey_core::access::Usage;
use valetkey_core::api_host::ApiHost;
use valetkey_core::catalogue;
use valetkey_core::connection_state::Status;

use super::ProxyGrant;
use crate::access::Refusal;
use crate::clock::WallTimer;
use crate::error::AgentError;
use crate::state::Agent;

/// A request to a host and its response, or a WebSocket.
pub struct Exchange {
    agent: Agent,
    grant: ProxyGrant,
    host: ApiHost,
    method: Option<String>,
}

impl Agent {
    /// The request that `grant` is used for goes to `host`. Without a `method` it is more than one: a
    /// WebSocket.
    pub fn exchange(&self, grant: &ProxyGrant, host: ApiHost, method: Option<String>) -> Exchange {
        Exchange {
            agent: self.clone(),
            grant: grant.clone(),
            host,
            method,
        }
    }
}

impl Exchange {
    /// Returns once it may not go on: why.
    pub async fn withdrawn(mut self) -> AgentError {
        loop {
            let until = match self.check() {
                Ok(until) => until,
                Err(error) => return error,
            };
            let clock = &self.agent.inner.clock;
            let end = async {
                match until {
                    Some(_) => WallTimer::new(Arc::clone(clock)).sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Cannot fail: the agent holds the sender.
                _ = self.grant.changes.changed() => {}
                () = end => {}
            }
        }
    }

    /// Whether it would be let begin now with the token that it has; until when, if that is known. A
    /// login that must be renewed is the host's affair: the host has the token.
    fn check(&self) -> Result<Option<Timestamp>, AgentError> {
        let inner = &self.agent.inner;
        let grant = &self.grant;
        let (id, requester) = (grant.live.id, &grant.requester);
        let now = inner.now();
        let registry = inner.registry();
        self.agent.check_running()?;
        if inner.paused.load(Ordering::SeqCst) {
            return Err(AgentError::Paused);
        }
        if let Some(authenticator) = registry.disabled(id) {
            return Err(AgentError::Disabled(authenticator.full_name()));
        }
        let row = registry.get(id).map(|entry| &entry.row);
        let row = row.filter(|row| row.state.status != Status::Removing);
        let row = row.ok_or_else(|| AgentError::no_connection(id))?;
        let authenticator = registry
            .authenticator(row.authenticator)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let hosts = authenticator.api_hosts(catalogue::provider_or_custom(&authenticator.provider));
        let passes = match &self.method {
            Some(method) => row.proxy.allows(method),
            None => row.proxy.methods.is_none(),
        };
        let allowed = if passes && hosts.contains(&self.host) {
            let (scopes, once) = (&grant.live.grant.scopes, grant.once.as_ref());
            inner.allowed(requester, id, Usage::Proxy, scopes, once, now)
        } else {
            Err(Refusal::Withdrawn)
        };
        let allowed =
            allowed.map_err(|why| inner.not_allowed(grant.live.full_name(), requester, why))?;
        Ok(allowed.until)
    }
}
