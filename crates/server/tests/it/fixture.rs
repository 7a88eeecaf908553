//! A router over a real agent with a store in memory, and somebody called ada who consents.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceExt as _;
use valetkey_agent::vault::{StoreChoice, Vault};
use valetkey_agent::{
    AccessConfig, Actor, Agent, Answer, Approval, ApprovalId, ChangeQuestion, Config, Grant, Lasts,
    Question, SystemClock,
};
use valetkey_api::core::access::{Policy, Usage};
use valetkey_api::core::actor;
use valetkey_api::core::home::Home;
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_server::caller::{Caller, Key, Process};
use valetkey_server::permission::Host;
use valetkey_server::{App, Stop, router};

/// Far more than anything here should take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    pub(crate) provider: DemoProvider,
    pub(crate) app: App,
    router: Router,
    folder: TempDir,
}

/// A reply, read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Reply {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let body = self.is(status);
        assert_eq!(body["detail"]["code"], code, "{body:#}");
        let hint = body["detail"]["hint"].as_str().unwrap_or_default();
        let problems = body["detail"]["problems"].as_array();
        assert!(
            !hint.is_empty() || problems.is_some_and(|problems| !problems.is_empty()),
            "says what to do: {body:#}"
        );
        body["detail"].clone()
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::auto_consent("ada")).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::run_by(Host::Headless, settings, None).await
    }

    /// As [`Self::new`], where programs get only what rules allow.
    pub(crate) async fn ruled() -> Self {
        let settings = Settings::auto_consent("ada");
        Self::run_by(Host::Headless, settings, Some(Policy::Deny)).await
    }

    /// As [`Self::new`], in the desktop app, which can ask.
    pub(crate) async fn desktop() -> Self {
        Self::run_by(Host::Desktop, Settings::auto_consent("ada"), None).await
    }

    async fn run_by(host: Host, settings: Settings, policy: Option<Policy>) -> Self {
        let provider = DemoProvider::start(settings).unwrap();
        let folder = TempDir::new().unwrap();
        let app = start(&folder, host, policy).await;
        Self {
            provider,
            router: router(app.clone()),
            app,
            folder,
        }
    }

    /// Ends the agent, and has `host` run one in the same home.
    pub(crate) async fn restart_by(&mut self, host: Host) {
        self.app.agent().shutdown().await;
        self.app = start(&self.folder, host, None).await;
        self.router = router(self.app.clone());
    }

    /// The person's answer to the next question about a change, which is returned.
    pub(crate) async fn answer(&self, answer: Answer) -> ChangeQuestion {
        let id = self.question("").await;
        let asked = self.app.agent().approvals().get(id).unwrap();
        let Question::Change(question) = asked.question else {
            panic!("another question: {asked:?}");
        };
        self.reply(id, answer).await;
        question
    }

    /// Waits until the person is asked about a change with these words.
    pub(crate) async fn question(&self, words: &str) -> ApprovalId {
        self.until(|asked| match &asked.question {
            Question::Change(question) => {
                question.title.contains(words) || question.text.contains(words)
            }
            Question::Access(_) => false,
        })
        .await
    }

    /// Waits until so many callers have asked.
    pub(crate) async fn asked_times(&self, id: ApprovalId, count: u32) {
        self.until(|asked| asked.id == id && asked.count == count)
            .await;
    }

    async fn until(&self, is_it: impl Fn(&Approval) -> bool) -> ApprovalId {
        let approvals = self.app.agent().approvals();
        let mut changed = approvals.subscribe();
        let found = async {
            loop {
                if let Some(found) = approvals.list().into_iter().find(&is_it) {
                    break found.id;
                }
                changed.changed().await.unwrap();
            }
        };
        timeout(TIMEOUT, found).await.expect("it was asked")
    }

    /// The person answers in the approval window.
    pub(crate) async fn reply(&self, id: ApprovalId, answer: Answer) {
        let window = Actor::from(actor::Actor::ApprovalWindow);
        let answered = self.app.agent().answer(id, answer, &window).await;
        answered.unwrap();
    }

    /// The person closes the approval window without an answer.
    pub(crate) async fn close_question(&self) {
        let id = self.question("").await;
        self.app.agent().dismiss_approval(id);
    }

    /// With an authenticator `demo`, and ada signed in there.
    pub(crate) async fn connected() -> Self {
        let fixture = Self::new().await;
        fixture.add("demo").await;
        fixture.connect("demo").await;
        fixture
    }

    pub(crate) async fn add(&self, name: &str) -> Value {
        let added = self.post("/oauth/authenticators", self.draft(name)).await;
        added.is(201)
    }

    pub(crate) fn draft(&self, name: &str) -> Value {
        self.provider.client_config(name)
    }

    /// Signs in as a person with a browser would; the session as it ended.
    pub(crate) async fn connect(&self, authenticator: &str) -> Value {
        let request = json!({ "authenticator": authenticator });
        let begun = self.post("/credentials/connections", request).await.is(202);
        visit(begun["authorize_url"].as_str().unwrap()).await;
        let session = begun["session_id"].as_str().unwrap();
        let path = format!("/credentials/sessions/{session}?wait=30");
        let ended = self.get(&path).await.is(200);
        assert_eq!(ended["state"], "completed", "{ended:#}");
        ended
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(&program(), Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(&program(), Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.ask(&program(), Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask(&program(), Method::DELETE, path, None).await
    }

    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .extension(caller.clone());
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status, body }
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// The id of a connection.
    pub(crate) async fn id_of(&self, name: &str) -> String {
        let path = format!("/credentials/connections/{name}");
        let view = self.get(&path).await.is(200);
        view["id"].as_str().unwrap().to_owned()
    }
}

/// An agent in this home.
async fn start(folder: &TempDir, host: Host, policy: Option<Policy>) -> App {
    let home = Home::at(folder.path());
    let vault = Vault::open(&home, StoreChoice::Memory).await.unwrap();
    let config = Config {
        clock: Arc::new(SystemClock::default()),
        version: "test",
        access: AccessConfig {
            desktop: host == Host::Desktop,
            policy,
        },
        store: "memory",
    };
    let agent = Agent::start(vault, config).await.unwrap();
    App::new(agent, home, host, Stop::default())
}

/// A yes to a change.
pub(crate) fn allow() -> Answer {
    Answer::Allow(Grant {
        lasts: Lasts::Once,
        only_project: false,
        usage: Usage::Token,
        only_scopes: None,
    })
}

/// A program of this user.
pub(crate) fn program() -> Caller {
    let pid = i32::try_from(std::process::id()).ok();
    Caller::Process(Arc::new(Process::running_now(pid, 0)))
}

impl Fixture {
    /// A key that was made for one connection, by its name and id.
    pub(crate) async fn key_for(&self, connection: &str, id: &str) -> Caller {
        let body = json!({ "name": "ci", "connections": [connection] });
        let made = self
            .ask(&program(), Method::POST, "/clients", Some(body))
            .await
            .is(201);
        Caller::Key(Arc::new(Key {
            id: made["client"]["id"].as_str().unwrap().parse().unwrap(),
            name: "ci".to_owned(),
            connections: Some(vec![id.parse().unwrap()]),
            manage: false,
        }))
    }
}

/// The holder of a key for these connections, which is in no table.
pub(crate) fn key(connections: Option<&[&str]>, manage: bool) -> Caller {
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    Caller::Key(Arc::new(Key {
        id: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        name: "ci".to_owned(),
        connections: connections.map(ids),
        manage,
    }))
}

/// What the browser does: follows redirects to the end; the last page.
pub(crate) async fn visit(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}
