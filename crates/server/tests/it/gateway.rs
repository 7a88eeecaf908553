//! An agent behind its listeners, hosts behind its proxy, and programs that send requests.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;
use valetkey_api::core::home::Home;
use valetkey_demo_provider::Settings;
use valetkey_server::ListenAddresses;
use valetkey_server::agent_lock::AgentLock;
use valetkey_server::listeners::{Limits, LoopbackListener, UnixSocket};

use crate::fixture::Fixture;

pub(crate) struct Gateway {
    pub(crate) fixture: Fixture,
    pub(crate) socket: PathBuf,
    pub(crate) port: u16,
    /// A key for all connections.
    pub(crate) key: String,
    _tasks: Vec<JoinHandle<()>>,
    _lock: AgentLock,
}

/// A host that answers with a router.
pub(crate) struct Host {
    pub(crate) authority: String,
    _task: JoinHandle<()>,
}

impl Host {
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let serve = async move { axum::serve(listener, router).await.unwrap() };
        Self {
            authority,
            _task: tokio::spawn(serve),
        }
    }
}

impl Gateway {
    /// With an authenticator `demo`, whose hosts are its provider and `hosts`, and ada signed in.
    pub(crate) async fn open(hosts: &[&str]) -> Self {
        Self::with(Settings::auto_consent("ada"), hosts, Limits::default()).await
    }

    pub(crate) async fn with(settings: Settings, hosts: &[&str], limits: Limits) -> Self {
        Self::over(Fixture::with(settings).await, hosts, limits).await
    }

    pub(crate) async fn over(fixture: Fixture, hosts: &[&str], limits: Limits) -> Self {
        Self::open_with(fixture, hosts, limits, json!({})).await
    }

    /// With `more` fields of the authenticator.
    pub(crate) async fn open_with(
        fixture: Fixture,
        hosts: &[&str],
        limits: Limits,
        more: Value,
    ) -> Self {
        let mut draft = fixture.draft("demo");
        for (field, value) in more.as_object().unwrap() {
            draft[field] = value.clone();
        }
        let own = fixture.provider.issuer().replace("http://", "");
        let hosts: Vec<&str> = std::iter::once(own.as_str())
            .chain(hosts.iter().copied())
            .collect();
        draft["api_hosts"] = json!(hosts);
        fixture.post("/oauth/authenticators", draft).await.is(201);
        fixture.connect("demo").await;
        let made = fixture.post("/clients", json!({ "name": "tool" })).await;
        let key = made.is(201)["key"].as_str().unwrap().to_owned();
        let home: &Home = fixture.app.home();
        let lock = AgentLock::take(home).unwrap();
        let (unix, tcp) = (
            UnixSocket::bind(home).unwrap(),
            LoopbackListener::bind(0, false).unwrap(),
        );
        let (socket, port, stop) = (
            unix.path().to_owned(),
            tcp.port(),
            fixture.app.stop().clone(),
        );
        let verifier = fixture.app.verifier();
        Self {
            _tasks: vec![
                tokio::spawn(unix.serve(fixture.router(), limits, stop.clone())),
                tokio::spawn(tcp.serve(fixture.router(), verifier, limits, stop)),
            ],
            fixture,
            socket,
            port,
            key,
            _lock: lock,
        }
    }

    /// Lets errors name local links at the loopback listener.
    pub(crate) fn with_links(self) -> Self {
        self.fixture.app.set_addresses(ListenAddresses {
            socket: self.socket.clone(),
            port: Some(self.port),
            configured_port: self.port,
            port_problem: None,
        });
        self
    }

    /// The provider, as a host.
    pub(crate) fn provider_host(&self) -> String {
        self.fixture.provider.issuer().replace("http://", "")
    }

    /// A program at the socket.
    pub(crate) fn program(&self) -> reqwest::Client {
        reqwest::Client::builder()
            .unix_socket(self.socket.clone())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap()
    }

    /// A tool at the loopback listener.
    pub(crate) fn tool() -> reqwest::Client {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    pub(crate) async fn unix(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }

    /// A GET by a program at the socket.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let url = format!("http://localhost{path}");
        Answer::read(self.program().get(url).send().await.unwrap()).await
    }

    /// What an MCP client sends.
    pub(crate) async fn mcp(&self, path: &str) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" });
        let request = self.program().post(format!("http://localhost{path}"));
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body.to_string());
        Answer::read(request.send().await.unwrap()).await
    }

    /// The token, as a program gets it.
    pub(crate) async fn token(&self) -> String {
        let path = "/credentials/connections/demo/token";
        let reply = self.fixture.post(path, json!({})).await.is(200);
        reply["access_token"].as_str().unwrap().to_owned()
    }

    /// The details of events of this kind, once there are `count`.
    pub(crate) async fn events(&self, kind: &str, count: usize) -> Vec<Value> {
        for _ in 0..300 {
            let path = format!("/events?kind={kind}&limit=1000");
            let list = self.fixture.get(&path).await.is(200);
            let events = list["events"].as_array().unwrap().clone();
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no {count} events {kind}");
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        serde_json::from_str(&self.text).unwrap_or(Value::String(self.text.clone()))
    }

    /// A failure of the proxy itself, with these words.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, words: &str) {
        let body = self.is(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.starts_with("Valet Key: "), "{detail}");
        assert!(detail.contains(words), "{detail}");
        assert!(!self.headers.contains_key("www-authenticate"));
    }

    /// The same for an MCP client.
    #[track_caller]
    pub(crate) fn json_rpc(&self, code: i32, words: &str) {
        let body = self.is(200);
        assert_eq!(body["jsonrpc"], "2.0", "{body:#}");
        assert_eq!(body["id"], 7, "{body:#}");
        assert_eq!(body["error"]["code"], code, "{body:#}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Valet Key: "), "{message}");
        assert!(message.contains(words), "{message}");
    }
}
