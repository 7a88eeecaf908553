//! What servers said about proofs: the newest nonce of each, and what time it is there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::http::HeaderMap;
use ::http::header::DATE;
use jiff::{SignedDuration, Timestamp};
use url::Url;
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::freshness;
use valetkey_core::token_error::http_date;

use crate::protocol::provider_time::ProviderTime;

/// More servers than this are not remembered.
const MAX_SERVERS: usize = 256;
/// A longer nonce is not kept.
const MAX_NONCE: usize = 1024;
/// A clock that is less wrong than this does no harm: servers allow for more.
pub(super) const MIN_SKEW: SignedDuration = SignedDuration::from_secs(15);

/// By origin.
#[derive(Default)]
pub(crate) struct ProofServers(Mutex<HashMap<String, Server>>);

#[derive(Default)]
struct Server {
    nonce: Option<String>,
    time: Option<ProviderTime>,
}

impl ProofServers {
    /// Notes what the head of an answer says.
    pub(crate) fn note(&self, url: &Url, headers: &HeaderMap, received: ClockReading) {
        let nonce = headers
            .get("dpop-nonce")
            .and_then(|value| value.to_str().ok());
        let nonce = nonce.filter(|nonce| is_nonce(nonce));
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(http_date);
        if nonce.is_none() && date.is_none() {
            return;
        }
        let mut servers = self.lock();
        let origin = origin(url);
        if servers.len() >= MAX_SERVERS && !servers.contains_key(&origin) {
            servers.clear();
        }
        let server = servers.entry(origin).or_default();
        if let Some(nonce) = nonce {
            server.nonce = Some(nonce.to_owned());
        }
        if let Some(date) = date {
            server.time = Some(ProviderTime {
                host: url.host_str().unwrap_or_default().to_owned(),
                date,
                received,
            });
        }
    }

    /// The newest nonce of this server.
    pub(super) fn nonce(&self, url: &Url) -> Option<String> {
        let servers = self.lock();
        servers.get(&origin(url))?.nonce.clone()
    }

    /// What time it is for this server, if that is far from our own.
    pub(super) fn now(&self, url: &Url, now: &ClockReading) -> Timestamp {
        let servers = self.lock();
        let time = servers
            .get(&origin(url))
            .and_then(|server| server.time.as_ref());
        let ahead = time.map_or(SignedDuration::ZERO, |time| time.offset(now));
        if ahead.abs() < MIN_SKEW {
            return now.wall;
        }
        freshness::add(now.wall, -ahead)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Server>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// RFC 9449, section 8.1.
fn is_nonce(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.len() <= MAX_NONCE && text.bytes().all(is_allowed)
}
