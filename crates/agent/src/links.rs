//! Local links: a page on the loopback listener whose button starts a sign-in.
//!
//! A program that meets `auth_required` gets such a link to show. The link names a connection and who
//! asked for it, and can start one sign-in. It ends after ten minutes, so that an old log holds no
//! valid one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;
use valetkey_core::freshness;
use valetkey_core::id::SignInId;
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_core::scope::Scopes;

/// How long a link works.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// More valid links than this: the oldest go.
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
    /// Why they are needed; untrusted text.
    pub reason: Option<String>,
    /// Who asked for the connection, in words: `key ci`, `process /usr/bin/node`.
    pub asked_by: String,
}

/// The one sign-in of a link, once it has begun. Locked while it begins.
pub(crate) type LinkSignIn = Arc<tokio::sync::Mutex<Option<SignInId>>>;

#[derive(Default)]
pub(crate) struct Links {
    live: Mutex<HashMap<LinkTarget, Link>>,
}

struct Link {
    nonce: String,
    ends_at: Timestamp,
    sign_in: LinkSignIn,
}

impl Links {
    /// The nonce of a link to `target`: the valid one, if half of its lifetime is left and is not used
    /// up.
    pub(crate) fn nonce(
        &self,
        target: LinkTarget,
        now: Timestamp,
        is_waiting: impl Fn(SignInId) -> bool,
    ) -> String {
        let mut live = self.lock();
        live.retain(|_, link| link.ends_at > now);
        if let Some(link) = live.get(&target)
            && link.ends_at.duration_since(now) > LINK_LIFETIME / 2
            && !is_used_up(&link.sign_in, is_waiting)
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
            sign_in: LinkSignIn::default(),
        };
        live.insert(target, link);
        nonce
    }

    /// The link with this nonce: what it is about, and its sign-in.
    pub(crate) fn find(&self, nonce: &str, now: Timestamp) -> Option<(LinkTarget, LinkSignIn)> {
        let live = self.lock();
        let found = live.iter().find(|(_, link)| {
            link.ends_at > now && bool::from(link.nonce.as_bytes().ct_eq(nonce.as_bytes()))
        });
        found.map(|(target, link)| (target.clone(), Arc::clone(&link.sign_in)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LinkTarget, Link>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the sign-in of a link has begun, and no longer waits for the person.
pub(crate) fn is_used_up(sign_in: &LinkSignIn, is_waiting: impl Fn(SignInId) -> bool) -> bool {
    // Locked: it begins in this moment.
    let sign_in = sign_in.try_lock();
    sign_in.is_ok_and(|sign_in| sign_in.is_some_and(|id| !is_waiting(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> LinkTarget {
        LinkTarget {
            profile: ProfileName::default(),
            connection: name.parse().unwrap(),
            scopes: Scopes::default(),
            reason: None,
            asked_by: "key ci".to_owned(),
        }
    }

    fn nonce(links: &Links, name: &str) -> String {
        links.nonce(target(name), Timestamp::UNIX_EPOCH, |_| true)
    }

    #[test]
    fn a_link_works_for_ten_minutes() {
        let links = Links::default();
        let now = Timestamp::UNIX_EPOCH;
        let nonce = nonce(&links, "github");
        let later = |minutes| freshness::add(now, SignedDuration::from_mins(minutes));
        assert_eq!(
            links.find(&nonce, later(9)).map(|found| found.0),
            Some(target("github"))
        );
        assert!(links.find(&nonce, later(10)).is_none());
        assert!(links.find("other", now).is_none());
    }

    #[test]
    fn asking_again_gives_the_same_link_while_it_is_young() {
        let links = Links::default();
        assert_eq!(nonce(&links, "github"), nonce(&links, "github"));
        assert_ne!(nonce(&links, "github"), nonce(&links, "slack"));
    }

    #[test]
    fn a_used_link_is_the_same_until_its_sign_in_is_over() {
        let links = Links::default();
        let first = nonce(&links, "github");
        let now = Timestamp::UNIX_EPOCH;
        let (_, sign_in) = links.find(&first, now).unwrap();
        let mut begins = sign_in.try_lock().unwrap();
        assert_eq!(nonce(&links, "github"), first, "while it begins");
        *begins = Some(SignInId::new(crate::random::uuid()));
        drop(begins);
        assert_eq!(nonce(&links, "github"), first, "while it waits");
        assert_ne!(links.nonce(target("github"), now, |_| false), first);
    }

    #[test]
    fn links_do_not_pile_up() {
        let links = Links::default();
        for n in 0..2 * MAX_LINKS {
            nonce(&links, &format!("c{n}"));
        }
        assert!(links.live.lock().unwrap().len() <= MAX_LINKS);
    }
}
