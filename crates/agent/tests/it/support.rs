//! An agent on a store in memory, in front of the demo provider, with a clock that tests move.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use valetkey_agent::sign_in::{Completed, SignInMethod, SignInOptions, SignInState, SignInView};
use valetkey_agent::{
    AccessConfig, Actor, Agent, AgentError, AuthenticatorChange, AuthenticatorKey, Config,
    ConnectionKey, ConnectionView, ServedToken, TestClock, TokenRequirements,
};
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::draft::DraftInput;
use valetkey_core::event::EventKind;
use valetkey_core::home::Home;
use valetkey_core::id::SignInId;
use valetkey_core::name::ProfileName;
use valetkey_demo_provider::{
    DemoProvider, Endpoint, Filter, Outcome, RefreshTokens, Request, Settings,
};
use valetkey_vault::store::testing::TestStore;
use valetkey_vault::{EventFilter, ItemName, StoreOpener, Vault};

use crate::tokens_by_name::TokensByName as _;

/// Longest wait for anything in a test.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// The secret store counts as hanging after this long.
pub(crate) const STORE_LIMIT: Duration = Duration::from_secs(2);

/// Everything that one test needs.
pub(crate) struct Bench {
    pub(crate) agent: Agent,
    /// The agent's own: its queries wait for the writes that were asked for before.
    pub(crate) vault: Vault,
    pub(crate) provider: DemoProvider,
    pub(crate) store: TestStore,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) home: TempDir,
}

impl Bench {
    /// Somebody called ada consents at once to everything.
    pub(crate) async fn start() -> Self {
        Self::with(Settings::auto_consent("ada")).await
    }

    /// Connected, and its refresh tokens stay, so that a fault leaves nothing behind.
    pub(crate) async fn connected() -> Self {
        let bench = Self::with(Settings {
            refresh_tokens: RefreshTokens::Kept,
            ..Settings::auto_consent("ada")
        })
        .await;
        bench.connect("demo").await;
        bench
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let provider = DemoProvider::start(settings).expect("a free port");
        let home = TempDir::new().expect("a folder");
        let store = TestStore::default();
        let clock = Arc::new(TestClock::new(Timestamp::now()));
        let (agent, vault) = start(&home, &store, &clock).await;
        let bench = Self {
            agent,
            vault,
            provider,
            store,
            clock,
            home,
        };
        bench.add("demo", json!({})).await;
        bench
    }

    /// The process stops in good order and starts again.
    pub(crate) async fn restart(&mut self) {
        self.agent.shutdown().await;
        self.start_again().await;
    }

    /// Starts again as the desktop app, which asks the person about programs.
    pub(crate) async fn restart_as_app(&mut self) {
        self.agent.shutdown().await;
        let access = AccessConfig {
            desktop: true,
            ..AccessConfig::default()
        };
        let store = self.store.opener();
        (self.agent, self.vault) = start_with(&self.home, store, &self.clock, access).await;
    }

    /// Starts again after a stop.
    pub(crate) async fn start_again(&mut self) {
        (self.agent, self.vault) = start(&self.home, &self.store, &self.clock).await;
    }

    /// Stops, and starts again on another store.
    pub(crate) async fn restart_on(&mut self, store: StoreOpener) {
        self.agent.shutdown().await;
        (self.agent, self.vault) = start_on(&self.home, store, &self.clock).await;
    }

    /// The person deletes the database of an agent that has stopped.
    pub(crate) fn delete_database(&self) {
        let database = Home::at(self.home.path()).database();
        for suffix in ["", "-wal", "-shm"] {
            let mut file = database.clone().into_os_string();
            file.push(suffix);
            // Not each of them is always there.
            let _ = std::fs::remove_file(file);
        }
        assert!(!database.exists());
    }

    pub(crate) async fn add(&self, name: &str, more: Value) {
        let mut members = members(self.provider.client_config(name));
        for (field, value) in self::members(more) {
            if value.is_null() {
                members.remove(&field);
            } else {
                members.insert(field, value);
            }
        }
        let input = DraftInput::from_members(members);
        self.agent
            .add_authenticator(input, ProfileName::default(), &me())
            .await
            .expect("a good draft");
    }

    pub(crate) async fn update(&self, authenticator: &str, fields: Value) {
        let key = authenticator_key(authenticator);
        self.agent
            .update_authenticator(&key, change(fields), &me())
            .await
            .expect("a good change");
    }

    pub(crate) async fn begin(&self, authenticator: &str) -> SignInView {
        self.begin_as(authenticator, None)
            .await
            .expect("a sign-in begins")
    }

    pub(crate) async fn begin_as(
        &self,
        authenticator: &str,
        account: Option<&str>,
    ) -> Result<SignInView, AgentError> {
        let ask = SignInOptions {
            authenticator: authenticator_key(authenticator),
            account: account.map(|label| label.parse().expect("a label")),
            replace: false,
            scopes: valetkey_core::scope::Scopes::default(),
            only_scopes: false,
            register_again: false,
            method: SignInMethod::Browser,
            reason: None,
        };
        self.agent.begin_sign_in(ask, &me()).await
    }

    /// Signs in, with a browser that follows redirects.
    pub(crate) async fn connect(&self, authenticator: &str) -> SignInState {
        let view = self.begin(authenticator).await;
        visit(authorize_url(&view)).await;
        self.finished(view.id).await
    }

    /// How a sign-in ended.
    pub(crate) async fn finished(&self, id: SignInId) -> SignInState {
        let view = self.agent.wait_sign_in(id, LONG).await;
        view.expect("a known sign-in").state
    }

    /// Asks for the token of `demo`, which is not to be had now; when to ask again.
    pub(crate) async fn try_later(&self) -> Option<SignedDuration> {
        match self.token_in_time("demo").await {
            Err(AgentError::ProviderUnreachable { retry_after, .. }) => retry_after,
            other => panic!("not `try later`: {other:?}"),
        }
    }

    /// As [`Self::token`], while time passes: the call waits for retries.
    pub(crate) async fn token_in_time(&self, name: &str) -> Result<ServedToken, AgentError> {
        let call = self.ask(name);
        loop {
            self.settle().await;
            if call.is_finished() {
                return call.await.expect("no panic");
            }
            self.clock.advance(seconds(1));
        }
    }

    pub(crate) async fn token(&self, name: &str) -> Result<ServedToken, AgentError> {
        self.agent
            .token_of(&key(name), &TokenRequirements::default(), &me())
            .await
    }

    /// The access token as text.
    pub(crate) async fn access(&self, name: &str) -> String {
        let answer = self.token(name).await.expect("a token");
        answer.live.grant.access_token.expose().to_owned()
    }

    /// Asks for a token and does not wait for it.
    pub(crate) fn ask(&self, name: &str) -> JoinHandle<Result<ServedToken, AgentError>> {
        let (agent, key) = (self.agent.clone(), key(name));
        tokio::spawn(async move {
            agent
                .token_of(&key, &TokenRequirements::default(), &me())
                .await
        })
    }

    pub(crate) fn view(&self, name: &str) -> ConnectionView {
        self.agent.connection(&key(name)).expect("a connection")
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        self.view(name).row.state.status
    }

    /// The row as the database has it.
    pub(crate) async fn stored(&self, name: &str) -> Connection {
        let id = self.view(name).row.id;
        let row = self.vault.connection(id).await;
        row.expect("a database").expect("a row")
    }

    pub(crate) fn grant_item(&self, name: &str) -> ItemName {
        ItemName::Grant(self.view(name).row.id)
    }

    /// How often this was written to the audit log.
    pub(crate) async fn count(&self, kind: EventKind) -> usize {
        // Waits for the writes that are queued: events are read on a connection of their own.
        self.agent.versions().await.expect("a database");
        let filter = EventFilter {
            kinds: vec![kind],
            limit: 10_000,
            ..EventFilter::default()
        };
        self.agent.events(filter).await.expect("events").len()
    }

    /// How many refreshes reached the provider.
    pub(crate) fn refreshes(&self) -> usize {
        self.provider.count(Filter::refreshes())
    }

    /// What revocation was asked for, each once.
    pub(crate) fn revoked_tokens(&self) -> HashSet<String> {
        let requests = self.provider.requests(Endpoint::Revoke);
        let tokens = requests.iter().filter_map(|request| request.param("token"));
        tokens.map(str::to_owned).collect()
    }

    /// Time passes in steps of `step`, and whoever sleeps gets a chance to work after each.
    pub(crate) async fn pass(&self, time: Duration, step: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let by = step.min(left);
            self.clock.advance(by);
            left -= by;
            self.settle().await;
        }
    }

    /// Lets all work that is ready go on: to the provider, whose answers are waited for a moment,
    /// and back to keychain and database, which are asked in turn and answer in order.
    pub(crate) async fn settle(&self) {
        self.take_turns().await;
        let pending = |request: &Request| request.outcome == Outcome::Pending;
        // A request is under way before it arrives, and when its answer has left.
        let refreshing = |view: &ConnectionView| view.row.state.status == Status::Refreshing;
        for _ in 0..2000 {
            let requests = self.provider.requests(Endpoint::Token);
            let connections = self.agent.connections(None);
            if !requests.iter().any(pending) && !connections.iter().any(refreshing) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.take_turns().await;
    }

    /// Lets all work that is ready go on, short of the provider.
    pub(crate) async fn take_turns(&self) {
        for _ in 0..3 {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            let _ = self.agent.status().await;
            self.count(EventKind::AgentStarted).await;
            self.vault.profiles().await.expect("a database");
        }
    }

    /// Past the access token's end.
    pub(crate) fn expire(&self) {
        self.clock.jump(SignedDuration::from_hours(2));
    }
}

async fn start(home: &TempDir, store: &TestStore, clock: &Arc<TestClock>) -> (Agent, Vault) {
    start_on(home, store.opener(), clock).await
}

async fn start_on(home: &TempDir, store: StoreOpener, clock: &Arc<TestClock>) -> (Agent, Vault) {
    start_with(home, store, clock, AccessConfig::default()).await
}

async fn start_with(
    home: &TempDir,
    store: StoreOpener,
    clock: &Arc<TestClock>,
    access: AccessConfig,
) -> (Agent, Vault) {
    let store = store.time_limit(STORE_LIMIT);
    let vault = Vault::open(&Home::at(home.path()), store)
        .await
        .expect("a vault");
    let config = Config {
        clock: clock.clone(),
        version: "test",
        store: "memory",
        access,
    };
    let agent = Agent::start(vault.clone(), config).await;
    (agent.expect("an agent"), vault)
}

/// Where the browser must go.
pub(crate) fn authorize_url(view: &SignInView) -> &str {
    view.authorize_url.as_deref().expect("a browser is needed")
}

/// What the browser does: follows redirects to the end; the last page.
pub(crate) async fn visit(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.expect("a page");
    (
        response.status().as_u16(),
        response.text().await.expect("text"),
    )
}

/// The address that the provider sends the browser back to.
pub(crate) async fn authorized(view: &SignInView) -> String {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let sent = client.get(authorize_url(view)).send().await;
    let sent = sent.expect("an answer");
    let back = sent.headers().get("location").expect("a way back");
    back.to_str().expect("text").to_owned()
}

pub(crate) fn completed(state: SignInState) -> Completed {
    match state {
        SignInState::Completed(done) => done,
        other => panic!("not completed: {other:?}"),
    }
}

/// Why it failed.
pub(crate) fn failed(state: SignInState) -> String {
    match state {
        SignInState::Failed(failed) => failed.message,
        other => panic!("not failed: {other:?}"),
    }
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

pub(crate) fn key(name: &str) -> ConnectionKey {
    ConnectionKey::parse(name, ProfileName::default()).expect("a name")
}

pub(crate) fn authenticator_key(name: &str) -> AuthenticatorKey {
    AuthenticatorKey::parse(name, ProfileName::default()).expect("a name")
}

/// A change of these fields of an authenticator.
pub(crate) fn change(fields: Value) -> AuthenticatorChange {
    AuthenticatorChange {
        input: DraftInput::from_members(members(fields)),
        ..AuthenticatorChange::default()
    }
}

/// Waits until it is so, within generous bounds.
pub(crate) async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    assert!(in_time.is_ok(), "not in time: {what}");
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn me() -> Actor {
    Actor::agent()
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}
