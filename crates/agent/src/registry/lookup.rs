//! Finds out whether a connection's token can be served, and what is needed first.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Status;
use valetkey_core::freshness;
use valetkey_core::id::{ConnectionId, Generation};

use super::{ConnectionRegistry, Entry, LiveGrant};

/// Which token a caller needs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Requirement {
    /// One that is valid for this long; None: the default for its lifetime.
    ValidFor(Option<SignedDuration>),
    /// One that came with a later generation, however long it is valid: this one was refused, or a caller insists.
    NewerThan(Generation),
}

/// What the registry knows about the token that a caller needs.
pub(crate) enum TokenLookup {
    /// It is valid for long enough.
    Fresh(Arc<LiveGrant>),
    /// Not in memory: load it from the keychain, then look again.
    NotLoaded,
    /// It must be refreshed first. `fallback` is valid, but not as long as was asked.
    Stale {
        /// The generation to refresh.
        generation: Generation,
        fallback: Option<Arc<LiveGrant>>,
    },
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
            Requirement::ValidFor(min_valid) => is_valid_for(entry, live, now, min_valid),
            Requirement::NewerThan(generation) => live.token_generation > generation,
        };
        if is_sufficient {
            return TokenLookup::Fresh(Arc::clone(live));
        }
        let fallback = live.grant.is_valid(now).then(|| Arc::clone(live));
        if !live.grant.is_refreshable() {
            return fallback.map_or(TokenLookup::SignInRequired, TokenLookup::Fresh);
        }
        match entry.retry_not_before {
            Some(until) if until > now && entry.refresh_task.is_none() => {
                TokenLookup::BackingOff { fallback, until }
            }
            _ => TokenLookup::Stale {
                generation: live.grant.generation,
                fallback,
            },
        }
    }
}

/// Whether the grant is valid for `min_valid`. A refresh that has just brought less than that would
/// bring no more the next time: until the usual time its grant is the best that there is.
fn is_valid_for(
    entry: &Entry,
    live: &LiveGrant,
    now: Timestamp,
    min_valid: Option<SignedDuration>,
) -> bool {
    let lifetime = live.grant.lifetime();
    let is_best = entry.refreshed == Some(live.token_generation)
        && min_valid
            .is_some_and(|min_valid| lifetime.is_some_and(|lifetime| lifetime <= min_valid));
    freshness::is_fresh(&live.grant, now, min_valid.filter(|_| !is_best))
}
