//! An agent on a store in memory, in front of the demo provider, with a clock that tests move.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use valetkey_agent::sign_in::{SignInAsk, SignInView, Stage};
use valetkey_agent::{
    Actor, Agent, AgentError, AuthenticatorKey, Config, ConnectionKey, TestClock, TokenAnswer,
    TokenAsk,
};
use valetkey_core::draft::DraftInput;
use valetkey_core::home::Home;
use valetkey_core::life::Status;
use valetkey_core::name::ProfileName;
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_vault::Vault;
use valetkey_vault::store::testing::TestStore;

/// Longest wait for anything in a test.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Everything that one test needs.
pub(crate) struct Bench {
    pub(crate) agent: Agent,
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

    pub(crate) async fn with(settings: Settings) -> Self {
        let provider = DemoProvider::start(settings).expect("a free port");
        let home = TempDir::new().expect("a folder");
        let store = TestStore::default();
        let clock = Arc::new(TestClock::new(Timestamp::now()));
        let agent = start(&home, &store, &clock).await;
        let bench = Self {
            agent,
            provider,
            store,
            clock,
            home,
        };
        bench.add("demo", json!({})).await;
        bench
    }

    /// The process ends without a farewell and starts again.
    pub(crate) async fn restart(&mut self) {
        self.agent.shutdown().await;
        self.agent = start(&self.home, &self.store, &self.clock).await;
    }

    pub(crate) async fn add(&self, name: &str, more: Value) {
        let mut members = members(json!({
            "name": name,
            "authenticator_type": "custom",
            "client_id": "demo",
            "scopes": ["openid", "email", "offline_access"],
            "authorize_url": self.provider.url("/authorize"),
            "token_url": self.provider.url("/token"),
            "revocation_url": self.provider.url("/revoke"),
            "userinfo_url": self.provider.url("/userinfo"),
            "issuer": self.provider.issuer(),
        }));
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
        let ask = SignInAsk {
            authenticator: AuthenticatorKey::parse(authenticator, ProfileName::default()).unwrap(),
            account: account.map(|label| label.parse().unwrap()),
            scopes: valetkey_core::scope::Scopes::default(),
            paste_only: false,
            reason: None,
        };
        self.agent.begin_sign_in(ask, &me()).await
    }

    /// Signs in, with a browser that follows redirects.
    pub(crate) async fn connect(&self, authenticator: &str) -> Stage {
        let view = self.begin(authenticator).await;
        visit(&view.authorize_url).await;
        self.agent.wait_sign_in(view.id, LONG).await.unwrap().stage
    }

    pub(crate) async fn token(&self, name: &str) -> Result<TokenAnswer, AgentError> {
        self.agent
            .token(&key(name), &TokenAsk::default(), &me())
            .await
    }

    /// The access token as text.
    pub(crate) async fn access(&self, name: &str) -> String {
        let answer = self.token(name).await.expect("a token");
        answer.live.grant.access_token.expose().to_owned()
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        self.agent
            .connection(&key(name))
            .expect("a connection")
            .row
            .life
            .status
    }

    /// Past the access token's end.
    pub(crate) fn expire(&self) {
        self.clock.jump(jiff::SignedDuration::from_hours(2));
    }
}

async fn start(home: &TempDir, store: &TestStore, clock: &Arc<TestClock>) -> Agent {
    let vault = Vault::open(&Home::at(home.path()), store.opener())
        .await
        .expect("a vault");
    let config = Config {
        clock: clock.clone(),
        version: "test",
        store: "memory",
    };
    Agent::start(vault, config).await.expect("an agent")
}

/// What the browser does: follows redirects to the end; the last page.
pub(crate) async fn visit(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.expect("a page");
    (
        response.status().as_u16(),
        response.text().await.expect("text"),
    )
}

pub(crate) fn key(name: &str) -> ConnectionKey {
    ConnectionKey::parse(name, ProfileName::default()).expect("a name")
}

pub(crate) fn me() -> Actor {
    Actor::new("test")
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}
