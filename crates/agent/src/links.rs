//! Local links: a page on the loopback listener whose button starts a sign-in.
//!
//! A program that meets `auth_required` gets such a link to show. The link names a connection and
//! can only start its sign-in; it ends after ten minutes, so that an old log holds no live one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;
use valetkey_core::freshness;
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_core::scope::Scopes;

/// How long a link works.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// More live links than this: the oldest go.
const MAX_LINKS: usize = 1024;

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkTarget {
    /// The profile.
    pub profile: ProfileName,
    /// The connection to sign in.
    pub connection: ConnectionName,
    /// Scopes that it lacks.
    pub scopes: Scopes,
}

#[derive(Default)]
pub(crate) struct Links {
    live: Mutex<HashMap<LinkTarget, Link>>,
}

struct Link {
    nonce: String,
    ends_at: Timestamp,
}

impl Links {
    /// The nonce of a link to `target`: the live one, if it has half of its life left.
    pub(crate) fn nonce(&self, target: LinkTarget, now: Timestamp) -> String {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, link| link.ends_at > now);
        if let Some(link) = live.get(&target)
            && link.ends_at.duration_since(now) > LINK_LIFETIME / 2
        {
            return link.nonce.clone();
        }
        if live.len() >= MAX_LINKS
            && let Some(oldest) = live.iter().min_by_key(|(_, link)| link.ends_at)
        {
            let oldest = oldest.0.clone();
            live.remove(&oldest);
        }
        let nonce = crate::random::token();
        let link = Link {
            nonce: nonce.clone(),
            ends_at: freshness::add(now, LINK_LIFETIME),
        };
        live.insert(target, link);
        nonce
    }

    /// What the link with this nonce is about.
    pub(crate) fn target(&self, nonce: &str, now: Timestamp) -> Option<LinkTarget> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let found = live.iter().find(|(_, link)| {
            link.ends_at > now && bool::from(link.nonce.as_bytes().ct_eq(nonce.as_bytes()))
        });
        found.map(|(target, _)| target.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> LinkTarget {
        LinkTarget {
            profile: ProfileName::default(),
            connection: name.parse().unwrap(),
            scopes: Scopes::default(),
        }
    }

    #[test]
    fn a_link_works_for_ten_minutes() {
        let links = Links::default();
        let now = Timestamp::UNIX_EPOCH;
        let nonce = links.nonce(target("github"), now);
        let later = |minutes| freshness::add(now, SignedDuration::from_mins(minutes));
        assert_eq!(links.target(&nonce, later(9)), Some(target("github")));
        assert_eq!(links.target(&nonce, later(10)), None);
        assert_eq!(links.target("other", now), None);
    }

    #[test]
    fn asking_again_gives_the_same_link_while_it_is_young() {
        let links = Links::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(
            links.nonce(target("github"), now),
            links.nonce(target("github"), now)
        );
        assert_ne!(
            links.nonce(target("github"), now),
            links.nonce(target("slack"), now)
        );
    }

    #[test]
    fn links_do_not_pile_up() {
        let links = Links::default();
        for n in 0..2 * MAX_LINKS {
            links.nonce(target(&format!("c{n}")), Timestamp::UNIX_EPOCH);
        }
        assert!(links.live.lock().unwrap().len() <= MAX_LINKS);
    }
}
