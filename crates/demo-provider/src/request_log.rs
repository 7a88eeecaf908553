//! The request log: what arrived, with which parameters, and how it ended.
//!
//! A request is logged on arrival, before any fault applies, so that a test can wait for a request
//! that is then held. The serialised form holds no secrets: refresh tokens only as SHA-256
//! fingerprints. Parameters and headers are available in process only.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::endpoint::{Endpoint, GrantType};

/// Older requests are dropped, so that memory stays bounded.
const MAX_REQUESTS: usize = 50_000;

/// One request at an endpoint. Requests to the control interface are not logged.
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
    /// The kind of the fault that changed the response.
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
    /// Not answered yet.
    Pending,
    /// Answered with this status.
    Answered(u16),
    /// The connection was closed without an answer.
    Closed,
    /// The client disconnected first.
    Abandoned,
}

/// Selects requests.
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

    /// Token requests with a device code.
    pub fn polls() -> Self {
        Self {
            endpoint: Some(Endpoint::Token),
            grant: Some(GrantType::DeviceCode),
        }
    }

    /// Token requests with a code.
    pub fn exchanges() -> Self {
        Self {
            endpoint: Some(Endpoint::Token),
            grant: Some(GrantType::AuthorizationCode),
        }
    }

    /// Token requests of this grant.
    pub fn grants(grant: GrantType) -> Self {
        Self {
            endpoint: Some(Endpoint::Token),
            grant: Some(grant),
        }
    }

    fn matches(self, request: &Request) -> bool {
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
pub(crate) struct RequestLog {
    entries: Arc<Mutex<Entries>>,
    changed: watch::Sender<()>,
}

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self {
            entries: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Logs an arrival; the outcome is set through the entry.
    pub(crate) fn arrive(&self, mut request: Request) -> LogEntry {
        let mut entries = self.entries();
        if entries.kept.len() == MAX_REQUESTS {
            entries.kept.pop_front();
            entries.first += 1;
        }
        let number = entries.first + entries.kept.len() as u64;
        request.number = number;
        entries.kept.push_back(request);
        drop(entries);
        self.changed.send_replace(());
        LogEntry {
            log: self.clone(),
            number,
            done: false,
        }
    }

    pub(crate) fn requests(&self, filter: Filter) -> Vec<Request> {
        self.entries()
            .kept
            .iter()
            .filter(|request| filter.matches(request))
            .cloned()
            .collect()
    }

    pub(crate) fn count(&self, filter: Filter) -> usize {
        self.entries()
            .kept
            .iter()
            .filter(|request| filter.matches(request))
            .count()
    }

    /// Returns once `count` matching requests have arrived.
    pub(crate) async fn arrived(&self, filter: Filter, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.count(filter) < count {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns once `count` matching requests have ended.
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
            |request: &&Request| filter.matches(request) && request.outcome != Outcome::Pending;
        self.entries().kept.iter().filter(ended).count()
    }

    pub(crate) fn clear(&self) {
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

/// Sets the outcome of one request. Dropped without one, the client has disconnected.
#[derive(Debug)]
pub(crate) struct LogEntry {
    log: RequestLog,
    number: u64,
    done: bool,
}

impl LogEntry {
    pub(crate) fn set_fault(&self, fault: &'static str) {
        self.log
            .change(self.number, |request| request.fault = Some(fault));
    }

    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.done = true;
        self.log
            .change(self.number, |request| request.outcome = outcome);
    }
}

impl Drop for LogEntry {
    fn drop(&mut self) {
        if !self.done {
            self.log
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
