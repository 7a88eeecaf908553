//! The one exit of tokens, and what is checked there last.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Status;
use valetkey_core::freshness::RECENTLY_USED;
use valetkey_core::grant::GrantKind;
use valetkey_core::id::ConnectionId;

use super::{ServedToken, TokenRequirements};
use crate::access::{Once, Requester};
use crate::audit_log::Entry;
use crate::error::AgentError;
use crate::refresh;
use crate::registry::{ConnectionRegistry, LiveGrant};
use crate::state::Inner;

impl Inner {
    /// The one exit: every token that is handed out leaves here, whatever happened while its caller
    /// waited. The caller holds the registry's lock.
    pub(super) fn serve(
        &self,
        registry: &mut ConnectionRegistry,
        id: ConnectionId,
        ask: &TokenRequirements,
        at: Timestamp,
        requester: &Requester,
        once: Option<&Once>,
    ) -> Result<ServedToken, AgentError> {
        Self::check_handed_out(registry, id)?;
        let live = self.servable(registry, id, ask, at)?;
        let scopes = &live.grant.scopes;
        self.check_access(requester, id, ask.usage, scopes, once, at)
            .map_err(|why| self.not_allowed(live.full_name(), requester, why))?;
        let api_auth = registry.key_header(&live);
        self.mark_used(registry, id, at);
        self.audit_log.record(Entry::Served {
            live: Arc::clone(&live),
            at,
            who: requester.actor.clone(),
        });
        Ok(ServedToken { live, at, api_auth })
    }

    /// A connection that is used through the proxy alone keeps its token; so does one whose token is of no
    /// use without the key that it is bound to.
    pub(super) fn check_handed_out(
        registry: &ConnectionRegistry,
        id: ConnectionId,
    ) -> Result<(), AgentError> {
        let Some(entry) = registry.get(id) else {
            return Ok(());
        };
        let why = if registry.is_bound(entry) {
            AgentError::Bound
        } else if entry.row.proxy.only {
            AgentError::ProxyOnly
        } else {
            return Ok(());
        };
        Err(why(registry.full_name(id)?))
    }

    /// The connection's token is used now.
    pub(crate) fn mark_used(
        &self,
        registry: &mut ConnectionRegistry,
        id: ConnectionId,
        at: Timestamp,
    ) {
        let Some(entry) = registry.get_mut(id) else {
            return;
        };
        let before = entry.row.used_at.replace(at);
        // A connection that was not used lately is kept fresh again from here on.
        if before.is_none_or(|before| at.duration_since(before) >= RECENTLY_USED) {
            registry.replan(id, at);
            self.schedule_changed.notify_one();
        }
    }

    /// The newest grant of this connection, if it may leave now: not paused, not disabled, not
    /// removed, not refused, valid, with the scopes that were asked for.
    pub(crate) fn servable(
        &self,
        registry: &ConnectionRegistry,
        id: ConnectionId,
        ask: &TokenRequirements,
        now: Timestamp,
    ) -> Result<Arc<LiveGrant>, AgentError> {
        if self.paused.load(Ordering::SeqCst) {
            return Err(AgentError::Paused);
        }
        if let Some(authenticator) = registry.disabled(id) {
            return Err(AgentError::Disabled(authenticator.full_name()));
        }
        let Some(entry) = registry.get(id) else {
            return Err(AgentError::no_connection(id));
        };
        match entry.row.state.status {
            Status::Active | Status::Refreshing | Status::Expired => {}
            Status::Removing => return Err(AgentError::no_connection(id)),
            Status::Connecting | Status::NeedsReconnect => {
                return Err(registry.auth_required(&entry.row));
            }
        }
        let narrowed = ask.only.as_ref();
        let narrowed = narrowed.and_then(|only| registry.narrowed_scopes(id, only));
        let live = match narrowed {
            Some(scopes) => registry.narrow(id, &scopes, now, Some(SignedDuration::ZERO)),
            None => entry.live.clone(),
        };
        let live = live.filter(|live| live.grant.is_valid(now));
        let live = live.ok_or_else(|| AgentError::ProviderUnreachable {
            reason: "the token ended before it could be served".to_owned(),
            retry_after: Some(refresh::MIN_RETRY_DELAY),
            bad_certificate: false,
        })?;
        let missing = ask
            .scopes
            .as_ref()
            .map(|asked| asked.missing_from(&live.grant.scopes))
            .filter(|missing| !missing.is_empty());
        match missing {
            Some(missing) => Err(AgentError::InsufficientScope {
                connection: live.full_name(),
                missing,
                by_key: live.grant.kind == GrantKind::ApiKey,
            }),
            None => Ok(live),
        }
    }
}
