//! Scopes that a connection turned out to lack.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::freshness::add;
use crate::scope::Scopes;

/// Scopes that are kept.
const MAX_SCOPES: usize = 32;
/// A sign-in is offered until it has asked for them so often in vain.
const MAX_TRIES: u32 = 3;

/// Scopes for want of which hosts refused requests through the proxy. Gone once they are granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeededScopes {
    /// The scopes.
    pub scopes: Scopes,
    /// The host that named the last of them.
    pub host: String,
    /// When it did.
    pub at: Timestamp,
    /// How many sign-ins asked for some of them and were not granted them.
    pub tries: u32,
}

impl NeededScopes {
    /// What `known` becomes once `host` has named `missing`; None if that is not news.
    pub fn with(
        known: Option<&Self>,
        missing: &Scopes,
        host: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let before = known.map(|known| known.scopes.clone()).unwrap_or_default();
        let scopes: Scopes = before
            .union(missing)
            .iter()
            .take(MAX_SCOPES)
            .map(str::to_owned)
            .collect();
        (scopes != before).then(|| Self {
            scopes,
            host: host.to_owned(),
            at: now,
            // New ones were not asked for yet.
            tries: 0,
        })
    }

    /// Whether another sign-in that asks for them makes sense.
    pub fn is_offered(&self) -> bool {
        self.tries < MAX_TRIES
    }

    /// A sign-in asked for `asked`. What it was granted is taken out by [`Self::without`].
    pub fn count(&mut self, asked: &Scopes) {
        if self.scopes.iter().any(|scope| asked.contains(scope)) {
            self.tries = self.tries.saturating_add(1);
        }
    }

    /// What is left to be granted.
    pub fn without(self, granted: &Scopes) -> Option<Self> {
        let scopes = self.scopes.missing_from(granted);
        (!scopes.is_empty()).then_some(Self { scopes, ..self })
    }

    /// The wall clock was set by this much.
    pub fn move_times(&mut self, by: SignedDuration) {
        self.at = add(self.at, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(known: Option<&NeededScopes>, scopes: &str) -> Option<NeededScopes> {
        let at = Timestamp::UNIX_EPOCH;
        NeededScopes::with(known, &Scopes::parse_any(scopes), "api.test", at)
    }

    #[test]
    fn only_what_is_new_is_news() {
        let first = named(None, "a b").unwrap();
        assert_eq!(named(Some(&first), "b a"), None);
        assert_eq!(named(Some(&first), ""), None);
        assert_eq!(
            named(Some(&first), "c").unwrap().scopes.to_string(),
            "a b c"
        );
        let many: Vec<String> = (0..99).map(|n| format!("s{n}")).collect();
        let full = named(Some(&first), &many.join(" ")).unwrap();
        assert_eq!(full.scopes.iter().count(), MAX_SCOPES);
        assert_eq!(named(Some(&full), "one-more"), None);
    }

    #[test]
    fn it_is_asked_for_a_few_times() {
        let mut needed = named(None, "a b").unwrap();
        needed.count(&Scopes::parse_any("x"));
        assert_eq!(needed.tries, 0);
        for _ in 0..MAX_TRIES {
            assert!(needed.is_offered());
            needed.count(&Scopes::parse_any("x a"));
        }
        assert!(!needed.is_offered());
        assert!(named(Some(&needed), "c").unwrap().is_offered());
        let left = needed.clone().without(&Scopes::parse_any("a")).unwrap();
        assert_eq!(left.scopes.to_string(), "b");
        assert_eq!(needed.without(&Scopes::parse_any("b a")), None);
    }
}
