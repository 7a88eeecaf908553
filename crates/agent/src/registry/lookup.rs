//! Finds out whether a connection's token can be served, and what is needed first.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Status;
use valetkey_core::freshness;
use valetkey_core::id::ConnectionId;

use super::{ConnectionRegistry, LiveGrant};

/// Which token a caller needs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Requirement {
    /// One that lives this long; None: the default for its lifetime.
    ValidFor(Option<SignedDuration>),
    /// Another one than the current, however long that lives: it was refused, or it is time.
    Newer,
}

/// What the registry knows about the token that a caller needs.
pub(crate) enum TokenLookup {
    /// It is valid for long enough.
    Fresh(Arc<LiveGrant>),
    /// Not in memory: load it from the keychain, then look again.
    NotLoaded,
    /// It must be refreshed first. `fallback` lives, but not as long as was asked.
    Stale { fallback: Option<Arc<LiveGrant>> },
    /// It must be refreshed, but nothing may be sent to the provider before `until`.
    BackingOff {
        fallback: Option<Arc<LiveGrant>>,
        until: Timestamp,
    },
    /// Only a new sign-in brings another token.
    SignInRequired,
    /// It is being removed.
    Removed,
}

impl ConnectionRegistry {
    /// Finds the token of a connection, or what is needed to get one.
    pub(crate) fn lookup(
        &self,
        id: ConnectionId,
        now: Timestamp,
        requirement: Requirement,
    ) -> TokenLookup {
        let Some(entry) = self.entries.get(&id) else {
            return TokenLookup::Removed;
        };
        match entry.row.state.status {
            Status::Removing => return TokenLookup::Removed,
            // Its item was not there. It may be by now: another keychain, one that was restored.
            Status::NeedsReconnect if !entry.row.is_refused() && !entry.is_loaded(now) => {
                return TokenLookup::NotLoaded;
            }
            Status::NeedsReconnect | Status::Connecting => return TokenLookup::SignInRequired,
            Status::Active | Status::Refreshing | Status::Expired => {}
        }
        let Some(live) = &entry.live else {
            return if entry.is_loaded(now) {
                TokenLookup::SignInRequired
            } else {
                TokenLookup::NotLoaded
            };
        };
        let is_sufficient = match requirement {
            Requirement::ValidFor(min_valid) => freshness::is_fresh(&live.grant, now, min_valid),
            Requirement::Newer => false,
        };
        if is_sufficient {
            return TokenLookup::Fresh(Arc::clone(live));
        }
        let fallback = live.grant.is_alive(now).then(|| Arc::clone(live));
        if live.grant.refresh_token.is_none() {
            return fallback.map_or(TokenLookup::SignInRequired, TokenLookup::Fresh);
        }
        match entry.retry_not_before {
            Some(until) if until > now && entry.refresh_task.is_none() => {
                TokenLookup::BackingOff { fallback, until }
            }
            _ => TokenLookup::Stale { fallback },
        }
    }
}
