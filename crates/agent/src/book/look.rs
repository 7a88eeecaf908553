//! What the book says to somebody who wants a token.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Status;
use valetkey_core::freshness;
use valetkey_core::id::ConnectionId;

use super::{Book, LiveGrant};

/// Which token somebody wants.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    /// One that lives this long; None: the default for its lifetime.
    Living(Option<SignedDuration>),
    /// Another one than the current, however long that lives: it was refused, or it is time.
    Newer,
}

/// What the book says to somebody who wants a token.
pub(crate) enum Look {
    /// Here it is.
    Fresh(Arc<LiveGrant>),
    /// Not in memory: load it from the keychain, then look again.
    NotLoaded,
    /// It must be refreshed first. `fallback` lives, but not as long as was asked.
    Stale { fallback: Option<Arc<LiveGrant>> },
    /// It lives, but may not be refreshed now.
    Held {
        fallback: Option<Arc<LiveGrant>>,
        until: Timestamp,
    },
    /// Only the person can help.
    SignIn,
    /// It is being removed.
    Gone,
}

impl Book {
    /// What to do for somebody who wants a token.
    pub(crate) fn look(&self, id: ConnectionId, now: Timestamp, want: Want) -> Look {
        let Some(entry) = self.entries.get(&id) else {
            return Look::Gone;
        };
        match entry.row.state.status {
            Status::Removing => return Look::Gone,
            // Its item was not there. It may be by now: another keychain, one that was restored.
            Status::NeedsReconnect if !entry.row.is_refused() && !entry.is_loaded(now) => {
                return Look::NotLoaded;
            }
            Status::NeedsReconnect | Status::Connecting => return Look::SignIn,
            Status::Active | Status::Refreshing | Status::Expired => {}
        }
        let Some(live) = &entry.live else {
            return if entry.is_loaded(now) {
                Look::SignIn
            } else {
                Look::NotLoaded
            };
        };
        let will_do = match want {
            Want::Living(min_valid) => freshness::is_fresh(&live.grant, now, min_valid),
            Want::Newer => false,
        };
        if will_do {
            return Look::Fresh(Arc::clone(live));
        }
        let fallback = live.grant.is_alive(now).then(|| Arc::clone(live));
        if live.grant.refresh_token.is_none() {
            return fallback.map_or(Look::SignIn, Look::Fresh);
        }
        match entry.hold_until {
            Some(until) if until > now && entry.flight.is_none() => Look::Held { fallback, until },
            _ => Look::Stale { fallback },
        }
    }
}
