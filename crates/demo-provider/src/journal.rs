//! The record of requests: what arrived, with what, and how it ended.
//!
//! A request is recorded when it has arrived and before anything befalls it, so a test can wait
//! for a request that is then held. What is serialised holds no secret: refresh tokens only as
//! SHA-256 fingerprints. The parameters themselves are there in process only.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::endpoint::{Endpoint, GrantType};

/// Older requests are forgotten, so that a provider that runs for days does not grow.
const KEPT: usize = 50_000;

/// One request at an endpoint (those of the control interface are not recorded).
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Counts up from 0 and never repeats.
    pub number: u64,
    /// Where it arrived.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The grant of a token request.
    pub grant: Option<GrantType>,
    /// The `client_id` parameter, if there was one.
    pub client_id: Option<String>,
    /// SHA-256 (hex) of the refresh token of a token request.
    pub refresh_token_sha256: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The kind of the fault that spoilt the answer.
    pub fault: Option<&'static str>,
    /// How it ended so far.
    pub outcome: Outcome,
    /// The decoded query and form parameters, secrets included: in process only.
    #[serde(skip)]
    pub params: Vec<(String, String)>,
    /// The headers, secrets included: in process only.
    #[serde(skip)]
    pub headers: axum::http::HeaderMap,
}

impl Request {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not yet.
    Pending,
    /// With this status.
    Answered(u16),
    /// The connection was closed without an answer.
    Closed,
    /// The client hung up first.
    Abandoned,
}

/// Which requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) grant: Option<GrantType>,
}

impl Filter {
    /// All requests.
    pub fn all() -> Self {
        Self {
            endpoint: None,
            grant: None,
        }
    }

    /// Token requests with a refresh token.
    pub fn refreshes() -> Self {
        Self {
            endpoint: Some(Endpoint::Token),
            grant: Some(GrantType::RefreshToken),
        }
    }

    /// Token requests with a code.
    pub fn exchanges() -> Self {
        Self {
            endpoint: Some(Endpoint::Token),
            grant: Some(GrantType::AuthorizationCode),
        }
    }

    fn fits(self, request: &Request) -> bool {
        self.endpoint
            .is_none_or(|endpoint| endpoint == request.endpoint)
            && (self.grant.is_none() || self.grant == request.grant)
    }
}

impl From<Endpoint> for Filter {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Some(endpoint),
            grant: None,
        }
    }
}

#[derive(Debug, Default)]
struct Entries {
    first: u64,
    kept: VecDeque<Request>,
}

#[derive(Debug, Clone)]
pub(crate) struct Journal {
    entries: Arc<Mutex<Entries>>,
    changed: watch::Sender<()>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            entries: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Records an arrival; the ticket takes the outcome.
    pub(crate) fn arrive(&self, mut request: Request) -> Ticket {
        let mut entries = self.entries();
        if entries.kept.len() == KEPT {
            entries.kept.pop_front();
            entries.first += 1;
        }
        let number = entries.first + entries.kept.len() as u64;
        request.number = number;
        entries.kept.push_back(request);
        drop(entries);
        self.changed.send_replace(());
        Ticket {
            journal: self.clone(),
            number,
            done: false,
        }
    }

    pub(crate) fn requests(&self, filter: Filter) -> Vec<Request> {
        self.entries()
            .kept
            .iter()
            .filter(|request| filter.fits(request))
            .cloned()
            .collect()
    }

    pub(crate) fn count(&self, filter: Filter) -> usize {
        self.entries()
            .kept
            .iter()
            .filter(|request| filter.fits(request))
            .count()
    }

    /// Returns once so many fitting requests have arrived.
    pub(crate) async fn arrived(&self, filter: Filter, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.count(filter) < count {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns once so many fitting requests have ended.
    pub(crate) async fn ended(&self, filter: Filter, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.count_ended(filter) < count {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn count_ended(&self, filter: Filter) -> usize {
        let ended =
            |request: &&Request| filter.fits(request) && request.outcome != Outcome::Pending;
        self.entries().kept.iter().filter(ended).count()
    }

    pub(crate) fn forget(&self) {
        let mut entries = self.entries();
        entries.first += entries.kept.len() as u64;
        entries.kept.clear();
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Request)) {
        let mut entries = self.entries();
        let position = number
            .checked_sub(entries.first)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(request) = position.and_then(|at| entries.kept.get_mut(at)) {
            change(request);
        }
        drop(entries);
        self.changed.send_replace(());
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the outcome of one request. Dropped without one, the client has hung up.
#[derive(Debug)]
pub(crate) struct Ticket {
    journal: Journal,
    number: u64,
    done: bool,
}

impl Ticket {
    pub(crate) fn struck_by(&self, fault: &'static str) {
        self.journal
            .change(self.number, |request| request.fault = Some(fault));
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.done = true;
        self.journal
            .change(self.number, |request| request.outcome = outcome);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.done {
            self.journal
                .change(self.number, |request| request.outcome = Outcome::Abandoned);
        }
    }
}

/// SHA-256 of a token, in lower-case hex.
pub fn fingerprint(token: &str) -> String {
    Sha256::digest(token)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
