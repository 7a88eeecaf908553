//! What providers publish about themselves, and a cache for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use valetkey_core::discovery::Network;
use valetkey_core::endpoint_url::EndpointUrl;

/// What was fetched is used for this long.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);
/// More providers than this are not remembered.
const MAX_ENTRIES: usize = 64;

/// What a sign-in needs of the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// As published; checked against what was expected.
    pub(super) issuer: String,
    /// Where its endpoints may be.
    pub(super) network: Network,
    /// Signing keys.
    pub(super) jwks_uri: Option<EndpointUrl>,
    /// Device authorization endpoint (RFC 8628, section 4).
    pub(super) device_authorization_endpoint: Option<EndpointUrl>,
    /// Pushed authorization request endpoint (RFC 9126, section 5).
    pub(super) pushed_authorization_request_endpoint: Option<EndpointUrl>,
    /// Whether every authorization request must be pushed there.
    pub(super) requires_pushed_requests: bool,
    /// Whether PKCE with S256 is offered, or nothing is said about it.
    pub(super) offers_s256: bool,
    /// Whether each answer must name its issuer (RFC 9207).
    pub(super) sends_iss: bool,
}

/// Values by URL, with the time they came.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<HashMap<String, (Timestamp, Arc<T>)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Cache<T> {
    pub(super) fn get(&self, url: &EndpointUrl, now: Timestamp) -> Option<Arc<T>> {
        let known = self.0.lock().expect("no holder panics");
        let (since, value) = known.get(url.as_str())?;
        let age = now.duration_since(*since);
        (SignedDuration::ZERO..MAX_AGE)
            .contains(&age)
            .then(|| Arc::clone(value))
    }

    pub(super) fn put(&self, url: &EndpointUrl, value: Arc<T>, now: Timestamp) {
        let mut known = self.0.lock().expect("no holder panics");
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert(url.to_string(), (now, value));
    }
}
