//! The in-process handle of a running provider.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::{Fault, FaultKind};
use crate::grant::Family;
use crate::request_log::{Filter, Request};
use crate::router::router;
use crate::server::{self, Command, Server};
use crate::settings::Settings;
use crate::shared::{Shared, random};

/// A test that waits longer has found a bug.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A running provider. It stops when this is dropped.
pub struct DemoProvider {
    shared: Arc<Shared>,
    server: Server,
}

impl DemoProvider {
    /// Listens on 127.0.0.1 at a free port. Returns when it listens; needs no Tokio runtime.
    pub fn start(settings: Settings) -> io::Result<Self> {
        Self::start_at(0, settings)
    }

    /// Listens on 127.0.0.1 at this port.
    pub fn start_at(port: u16, settings: Settings) -> io::Result<Self> {
        let bound = server::bind(port)?;
        let shared = Arc::new(Shared::new(format!("http://{}", bound.address), settings));
        let server = bound.serve(shared.clone(), router(shared.clone()))?;
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// The issuer and this path (which starts with a slash).
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// A registration of the public client of the default settings, as `valetkey add --config` and
    /// `POST oauth/authenticators` take it.
    pub fn client_config(&self, name: &str) -> Value {
        json!({
            "name": name,
            "authenticator_type": "custom",
            "client_id": "demo",
            "scopes": ["openid", "email", "offline_access"],
            "issuer": self.issuer(),
            "authorize_url": self.url("/authorize"),
            "token_url": self.url("/token"),
            "device_authorization_url": self.url("/device_authorization"),
            "revocation_url": self.url("/revoke"),
            "userinfo_url": self.url("/userinfo"),
        })
    }

    /// Changes the settings for the requests that follow.
    pub fn update(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.update(change);
    }

    /// Adds a fault behind the waiting ones.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Removes all faults and opens all latches.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Holds matching requests until the latch is released or dropped:
    /// `provider.latch(Fault::refresh)`, or once they are processed
    /// `provider.latch(|latch| Fault::refresh(latch).after_processing())`.
    pub fn latch(&self, fault: impl FnOnce(FaultKind) -> Fault) -> Latch {
        let name = random();
        self.shared
            .faults()
            .add(fault(FaultKind::Latch { name: name.clone() }).forever());
        Latch {
            shared: self.shared.clone(),
            name,
        }
    }

    /// The requests so far, oldest first.
    pub fn requests(&self, filter: impl Into<Filter>) -> Vec<Request> {
        self.shared.request_log.requests(filter.into())
    }

    /// How many requests have arrived.
    pub fn count(&self, filter: impl Into<Filter>) -> usize {
        self.shared.request_log.count(filter.into())
    }

    /// Returns once `count` requests have arrived, even if they are held.
    ///
    /// # Panics
    /// After 30 seconds of the provider's clock.
    pub async fn arrived(&self, filter: impl Into<Filter>, count: usize) {
        let (log, filter) = (self.shared.request_log.clone(), filter.into());
        self.within_timeout(async move { log.arrived(filter, count).await })
            .await;
    }

    /// Returns once `count` requests were answered, closed or abandoned.
    ///
    /// # Panics
    /// After 30 seconds of the provider's clock.
    pub async fn ended(&self, filter: impl Into<Filter>, count: usize) {
        let (log, filter) = (self.shared.request_log.clone(), filter.into());
        self.within_timeout(async move { log.ended(filter, count).await })
            .await;
    }

    /// As `arrived`, for tests without a runtime.
    ///
    /// # Panics
    /// After 30 seconds, and inside a Tokio runtime.
    pub fn wait_arrived(&self, filter: impl Into<Filter>, count: usize) {
        self.server.runtime.block_on(self.arrived(filter, count));
    }

    /// As `ended`, for tests without a runtime.
    ///
    /// # Panics
    /// After 30 seconds, and inside a Tokio runtime.
    pub fn wait_ended(&self, filter: impl Into<Filter>, count: usize) {
        self.server.runtime.block_on(self.ended(filter, count));
    }

    /// By the clock of the provider's runtime: a test may have paused its own.
    async fn within_timeout(&self, wait: impl Future<Output = ()> + Send + 'static) {
        let bounded = self
            .server
            .runtime
            .spawn(tokio::time::timeout(WAIT_TIMEOUT, wait));
        let in_time = bounded.await.is_ok_and(|result| result.is_ok());
        assert!(in_time, "too few requests; so far: {:#?}", self.summary());
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

    /// The token families of all sign-ins so far, oldest first.
    pub fn families(&self) -> Vec<Family> {
        self.shared.token_store().families()
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
        self.shared.token_store().live_refresh_token(account)
    }

    /// Whether this access token is still valid.
    pub fn access_token_lives(&self, access_token: &str) -> bool {
        self.shared
            .token_store()
            .access(access_token, Instant::now())
            .is_some()
    }

    /// Every access token expires now, whatever `expires_in` said.
    pub fn expire_access_tokens(&self) {
        self.shared
            .token_store()
            .expire_access_tokens(Instant::now());
    }

    /// Revokes all grants of the account, as its owner does on the provider's page.
    pub fn revoke_account(&self, account: &str) {
        self.shared.token_store().revoke_account(account);
    }

    /// Every code, access, refresh and id token ever issued, for leak tests.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.issued()
    }

    /// Stops listening and closes all connections; the state stays.
    pub fn go_offline(&self) -> io::Result<()> {
        self.server.execute(Command::Close)
    }

    /// Listens again, at the same port.
    pub fn go_online(&self) -> io::Result<()> {
        self.server.execute(Command::Listen)
    }

    /// Restores settings, grants, faults and the request log to their state at start.
    pub fn reset(&self) {
        self.shared.reset();
    }
}

/// Holds requests until it is released or dropped.
pub struct Latch {
    shared: Arc<Shared>,
    name: String,
}

impl Latch {
    /// Lets waiting and later requests through.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.shared.faults().release(&self.name);
    }
}
