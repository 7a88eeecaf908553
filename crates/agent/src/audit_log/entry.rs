//! What waits to be written to the log. Formatted as an [`Event`] only when it is written, so that no
//! reply waits for it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use valetkey_core::actor;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::Grant;
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_core::name::ConnectionName;
use valetkey_vault::UnloggedId;

use crate::key::Actor;
use crate::proxy::ProxiedRequest;
use crate::registry::LiveGrant;

/// One line to be. Small, because thousands of them may wait.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A token was handed out.
    Served {
        live: Arc<LiveGrant>,
        at: Timestamp,
        who: Actor,
    },
    /// No token was handed out.
    Refused(Box<RefusedAccess>),
    /// A request of a program went to a host, or was refused.
    Proxied(Box<ProxiedAccess>),
    /// Refusals like the last of them, which were counted after the first had its line.
    Repeated {
        last: Box<Entry>,
        count: u64,
        at: Timestamp,
    },
    /// Something was changed: the line must be on disk before the change is reported.
    Change(Box<LoggedChange>),
}

/// The line of a change.
#[derive(Clone)]
pub(crate) struct LoggedChange {
    pub event: Event,
    /// The same event, as it was stored with the change until its line is there.
    pub stored: Option<UnloggedId>,
}

impl From<Event> for Entry {
    fn from(event: Event) -> Self {
        let stored = None;
        Self::Change(Box::new(LoggedChange { event, stored }))
    }
}

/// A request that got no token, in a box of its own because there are few of them.
#[derive(Clone)]
pub(crate) struct RefusedAccess {
    pub id: ConnectionId,
    /// None if it was removed meanwhile.
    pub named: Option<(ConnectionName, AuthenticatorId)>,
    pub why: String,
    pub at: Timestamp,
    pub who: Actor,
}

/// A request through the proxy.
#[derive(Clone)]
pub(crate) struct ProxiedAccess {
    pub request: ProxiedRequest,
    /// None if it was removed meanwhile.
    pub name: Option<ConnectionName>,
    pub at: Timestamp,
}

impl Entry {
    pub(super) fn is_change(&self) -> bool {
        match self {
            Self::Change(_) => true,
            Self::Served { .. } | Self::Refused(_) | Self::Proxied(_) | Self::Repeated { .. } => {
                false
            }
        }
    }

    /// The connection, the caller and the reason, if this is a refusal. A request that was sent is none,
    /// whatever became of it: each has its line.
    pub(super) fn refusal(&self) -> Option<(ConnectionId, &actor::Actor, &str)> {
        match self {
            Self::Refused(refused) => Some((refused.id, &refused.who, &refused.why)),
            Self::Proxied(proxied) if !proxied.request.sent => {
                let request = &proxied.request;
                let why = request.why.as_deref()?;
                Some((request.id, &request.who, why))
            }
            Self::Served { .. } | Self::Proxied(_) | Self::Repeated { .. } | Self::Change(_) => {
                None
            }
        }
    }

    /// Which connection was used, and when.
    pub(super) fn usage(&self) -> Option<(ConnectionId, Timestamp)> {
        match self {
            Self::Served { live, at, .. } => Some((live.id, *at)),
            Self::Proxied(proxied) => {
                let request = &proxied.request;
                request.sent.then_some((request.id, proxied.at))
            }
            Self::Refused(_) | Self::Repeated { .. } | Self::Change(_) => None,
        }
    }

    /// What the log makes up for.
    pub(super) fn stored(&self) -> Option<UnloggedId> {
        match self {
            Self::Change(change) => change.stored,
            Self::Served { .. } | Self::Refused(_) | Self::Proxied(_) | Self::Repeated { .. } => {
                None
            }
        }
    }

    fn who(&self) -> Option<&Actor> {
        match self {
            Self::Served { who, .. } => Some(who),
            Self::Refused(refused) => Some(&refused.who),
            Self::Proxied(proxied) => Some(&proxied.request.who),
            Self::Repeated { .. } | Self::Change(_) => None,
        }
    }

    /// Shares the actor with the previous entry: a program that opens a socket connection for each
    /// token brings an equal one each time.
    pub(super) fn share_actor(&mut self, last: &Self) {
        let who = match self {
            Self::Served { who, .. } => who,
            Self::Refused(refused) => &mut refused.who,
            Self::Proxied(proxied) => &mut proxied.request.who,
            Self::Repeated { .. } | Self::Change(_) => return,
        };
        if let Some(last) = last.who()
            && who == last
        {
            who.clone_from(last);
        }
    }
}

impl From<&Entry> for Event {
    /// Includes the connection's name: the log outlives the connection.
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Served { live, at, who } => {
                let Grant {
                    generation, scopes, ..
                } = &live.grant;
                Self::new(EventKind::TokenServed, *at)
                    .connection(live.id)
                    .actor(who)
                    .detail(json!({
                        "connection": live.connection, "generation": generation, "scopes": scopes,
                    }))
            }
            Entry::Refused(refused) => {
                let RefusedAccess {
                    id,
                    named,
                    why,
                    at,
                    who,
                } = &**refused;
                let event = Self::new(EventKind::TokenRefused, *at)
                    .connection(*id)
                    .actor(who);
                match named {
                    Some((name, authenticator)) => event
                        .authenticator(*authenticator)
                        .detail(json!({ "connection": name, "why": why })),
                    None => event.detail(json!({ "why": why })),
                }
            }
            Entry::Proxied(proxied) => {
                let ProxiedAccess { request, name, at } = &**proxied;
                Self::new(EventKind::ProxyRequest, *at)
                    .connection(request.id)
                    .actor(&request.who)
                    .detail(json!({
                        "connection": name, "method": request.method, "host": request.host,
                        "path": request.path, "status": request.status, "why": request.why,
                    }))
            }
            Entry::Repeated { last, count, at } => {
                let mut event = Self::from(&**last);
                event.detail["repeated"] = json!(count);
                event.detail["last_at"] = json!(event.at);
                event.at = *at;
                event
            }
            Entry::Change(change) => change.event.clone(),
        }
    }
}
