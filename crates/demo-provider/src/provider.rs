//! The handle: a running provider, as tests and the demo hold it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::door::{self, Door, Order};
use crate::fault::{Fault, FaultKind};
use crate::grant::Family;
use crate::journal::{Filter, Request};
use crate::router::router;
use crate::settings::Settings;
use crate::shared::{Shared, random};

/// Waiting in a test ends here: whoever waits longer has found a bug.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running provider. It stops when this is dropped.
pub struct DemoProvider {
    shared: Arc<Shared>,
    door: Door,
}

impl DemoProvider {
    /// Listens on 127.0.0.1 at a free port. Returns when it listens; needs no Tokio runtime.
    pub fn start(settings: Settings) -> io::Result<Self> {
        Self::start_at(0, settings)
    }

    /// Listens on 127.0.0.1 at this port.
    pub fn start_at(port: u16, settings: Settings) -> io::Result<Self> {
        let bound = door::bind(port)?;
        let shared = Arc::new(Shared::new(format!("http://{}", bound.address), settings));
        let door = bound.serve(shared.clone(), router(shared.clone()))?;
        Ok(Self { shared, door })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// The issuer and this path (which starts with a slash).
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// Changes the settings for the requests that follow.
    pub fn update(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.update(change);
    }

    /// Adds a fault behind those that wait.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Forgets all faults and opens all gates.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Holds every request at a place until the gate is released or dropped:
    /// `provider.gate(Fault::refresh)`, or after it was carried out
    /// `provider.gate(|gate| Fault::refresh(gate).after_processing())`.
    pub fn gate(&self, place: impl FnOnce(FaultKind) -> Fault) -> Gate {
        let name = random();
        self.shared
            .faults()
            .add(place(FaultKind::Gate { name: name.clone() }).forever());
        Gate {
            shared: self.shared.clone(),
            name,
        }
    }

    /// The requests so far, oldest first.
    pub fn requests(&self, filter: impl Into<Filter>) -> Vec<Request> {
        self.shared.journal.requests(filter.into())
    }

    /// How many requests have arrived.
    pub fn count(&self, filter: impl Into<Filter>) -> usize {
        self.shared.journal.count(filter.into())
    }

    /// Returns once so many requests have arrived, even if they are held.
    ///
    /// # Panics
    /// After 30 seconds of the provider's clock.
    pub async fn arrived(&self, filter: impl Into<Filter>, count: usize) {
        let (journal, filter) = (self.shared.journal.clone(), filter.into());
        self.patiently(async move { journal.arrived(filter, count).await })
            .await;
    }

    /// Returns once so many requests were answered, cut or abandoned.
    ///
    /// # Panics
    /// After 30 seconds of the provider's clock.
    pub async fn ended(&self, filter: impl Into<Filter>, count: usize) {
        let (journal, filter) = (self.shared.journal.clone(), filter.into());
        self.patiently(async move { journal.ended(filter, count).await })
            .await;
    }

    /// As `arrived`, for tests without a runtime.
    ///
    /// # Panics
    /// After 30 seconds, and inside a Tokio runtime.
    pub fn wait_arrived(&self, filter: impl Into<Filter>, count: usize) {
        self.door.runtime.block_on(self.arrived(filter, count));
    }

    /// As `ended`, for tests without a runtime.
    ///
    /// # Panics
    /// After 30 seconds, and inside a Tokio runtime.
    pub fn wait_ended(&self, filter: impl Into<Filter>, count: usize) {
        self.door.runtime.block_on(self.ended(filter, count));
    }

    /// The clock is the provider's own: a test may have paused its one.
    async fn patiently(&self, wait: impl Future<Output = ()> + Send + 'static) {
        let bounded = self
            .door
            .runtime
            .spawn(tokio::time::timeout(PATIENCE, wait));
        let in_time = bounded.await.is_ok_and(|result| result.is_ok());
        assert!(
            in_time,
            "the requests did not come; so far: {:#?}",
            self.summary()
        );
    }

    fn summary(&self) -> Vec<String> {
        let line = |request: Request| {
            format!(
                "{:?} {:?} {:?}",
                request.endpoint, request.grant, request.outcome
            )
        };
        self.requests(Filter::all()).into_iter().map(line).collect()
    }

    /// All sign-ins so far, oldest first.
    pub fn families(&self) -> Vec<Family> {
        self.shared.ledger().families()
    }

    /// Whether the account's newest sign-in is revoked. An account that never signed in has none.
    pub fn family_revoked(&self, account: &str) -> bool {
        let newest = |family: &Family| family.account == account;
        self.families()
            .into_iter()
            .rev()
            .find(newest)
            .is_some_and(|family| family.revoked.is_some())
    }

    /// The newest refresh token of the account's newest living sign-in.
    pub fn live_refresh_token(&self, account: &str) -> Option<String> {
        self.shared.ledger().live_refresh_token(account)
    }

    /// Whether the provider still honours this access token.
    pub fn access_token_lives(&self, access_token: &str) -> bool {
        self.shared
            .ledger()
            .access(access_token, Instant::now())
            .is_some()
    }

    /// Every access token dies now, whatever was announced.
    pub fn expire_access_tokens(&self) {
        self.shared.ledger().expire_access_tokens(Instant::now());
    }

    /// The person takes back what the account gave, on the provider's own page.
    pub fn revoke_account(&self, account: &str) {
        self.shared.ledger().revoke_account(account);
    }

    /// Every code, access, refresh and id token ever made: what a leak test searches for.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.issued()
    }

    /// Nobody listens any more and all connections are cut; the state stays.
    pub fn go_offline(&self) -> io::Result<()> {
        self.door.order(Order::Shut)
    }

    /// Listens again, at the same port.
    pub fn go_online(&self) -> io::Result<()> {
        self.door.order(Order::Open)
    }

    /// Settings, grants, faults and records are as they were at start.
    pub fn reset(&self) {
        self.shared.reset();
    }
}

/// Requests wait here until it is released or dropped.
pub struct Gate {
    shared: Arc<Shared>,
    name: String,
}

impl Gate {
    /// Lets all go on, now and later.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.faults().release(&self.name);
    }
}
