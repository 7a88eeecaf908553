//! An MCP server and authorization servers on loopback. What they answer is a table that a test
//! changes; what they were asked is kept.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, AuthenticatorView, Discovery, DiscoveryRequest};
use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::{DraftInput, Warning};
use valetkey_core::name::ProfileName;

use crate::support::{Bench, authenticator_key, me, visit};

/// What a path answers.
#[derive(Clone)]
pub(super) enum Reply {
    Json(u16, Value),
    /// Status line's rest, headers and body.
    Raw(String),
    /// Nothing, as long as the test lasts.
    Silent,
    /// The first of them once, then the other.
    Then(Box<Reply>, Box<Reply>),
}

#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) head: String,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    /// A field of the form or of the query.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let both = [query, self.body.as_str()].join("&");
        let pairs = url::form_urlencoded::parse(both.as_bytes()).into_owned();
        let found: Vec<_> = pairs.filter(|(own, _)| own == name).collect();
        assert!(found.len() < 2, "`{name}` is repeated");
        found.into_iter().next().map(|(_, value)| value)
    }
}

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Reply>,
    seen: Vec<Seen>,
    silent: Vec<TcpStream>,
    /// Added to redirects back, such as `iss`.
    answer: Vec<(String, String)>,
}

/// One server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) base: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self {
            base,
            state: Arc::default(),
        };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// `POST /register` and the like; a path without method is `GET`. `POST /mcp tools/list` is for this
    /// message of MCP alone.
    pub(super) fn set(&self, route: &str, reply: Reply) {
        self.state().replies.insert(route.to_owned(), reply);
    }

    pub(super) fn json(&self, route: &str, body: Value) {
        self.set(route, Reply::Json(200, body));
    }

    /// Changes a JSON answer; null takes a member away.
    pub(super) fn change(&self, route: &str, member: &str, value: Value) {
        let mut state = self.state();
        let Some(Reply::Json(_, body)) = state.replies.get_mut(route) else {
            panic!("no JSON at {route}");
        };
        let members = body.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(member);
        } else {
            members.insert(member.to_owned(), value);
        }
    }

    pub(super) fn remove(&self, route: &str) {
        self.state().replies.remove(route);
    }

    /// Parameters of the way back from `/authorize`; a name replaces the usual one.
    pub(super) fn answers(&self, parameters: &[(&str, &str)]) {
        let owned = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.state().answer = owned.collect();
    }

    pub(super) fn seen(&self, method: &str, path: &str) -> Vec<Seen> {
        let all = self.state().seen.clone();
        let here = |it: &Seen| it.method == method && it.target.split('?').next() == Some(path);
        all.into_iter().filter(here).collect()
    }

    /// The paths that were asked for, in order.
    pub(super) fn paths(&self) -> Vec<String> {
        self.state()
            .seen
            .iter()
            .map(|seen| seen.target.clone())
            .collect()
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(seen) = read(&mut stream) else {
            return;
        };
        let path = seen.target.split('?').next().unwrap_or_default().to_owned();
        let route = if seen.method == "GET" {
            path.clone()
        } else {
            format!("{} {path}", seen.method)
        };
        let mut state = self.state();
        let answer = state.answer.clone();
        let message: Option<Value> = serde_json::from_str(&seen.body).ok();
        let own = message.and_then(|it| Some(format!("{route} {}", it["method"].as_str()?)));
        let own = own.filter(|own| state.replies.contains_key(own));
        let route = own.unwrap_or(route);
        let mut reply = state.replies.get(&route).cloned();
        if let Some(Reply::Then(first, next)) = reply {
            state.replies.insert(route, *next);
            reply = Some(*first);
        }
        state.seen.push(seen.clone());
        let text = match reply {
            Some(Reply::Then(..)) => unreachable!("the first of them is no such pair"),
            Some(Reply::Silent) => {
                state.silent.push(stream);
                return;
            }
            Some(Reply::Raw(text)) => text,
            Some(Reply::Json(status, body)) => json_text(status, &body),
            None if path == "/authorize" => back(&seen, &answer),
            None => json_text(404, &json!({})),
        };
        drop(state);
        let _ = stream.write_all(format!("HTTP/1.1 {text}").as_bytes());
    }

    /// Answers whom it kept waiting.
    pub(super) fn answer_late(&self, body: &Value) {
        for mut stream in self.state().silent.drain(..) {
            let text = json_text(200, body);
            let _ = stream.write_all(format!("HTTP/1.1 {text}").as_bytes());
        }
    }
}

fn json_text(status: u16, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "{status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Consent is given at once.
fn back(seen: &Seen, answer: &[(String, String)]) -> String {
    let to = seen.field("redirect_uri").unwrap_or_default();
    let mut url = url::Url::parse(&to).expect("a redirect URI");
    let mut query: BTreeMap<String, String> = BTreeMap::from([
        ("code".to_owned(), "code".to_owned()),
        ("state".to_owned(), seen.field("state").unwrap_or_default()),
    ]);
    query.extend(answer.iter().cloned());
    url.query_pairs_mut().extend_pairs(query);
    format!("302 X\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse().ok())?
            });
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                let mut words = head.split_whitespace().map(str::to_owned);
                return Some(Seen {
                    method: words.next()?,
                    target: words.next()?,
                    body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned(),
                    head,
                });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";

/// An authorization server that registers clients and consents to everything.
pub(super) fn authorization_server() -> Server {
    let server = Server::start();
    let base = &server.base;
    server.json(
        METADATA,
        json!({
            "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"), "registration_endpoint": format!("{base}/register"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        }),
    );
    server.set(
        "POST /register",
        Reply::Json(201, json!({"client_id": format!("client-of-{base}")})),
    );
    server.json(
        "POST /token",
        json!({"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600}),
    );
    server
}

/// An MCP server whose tokens come from one authorization server, and an agent.
pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) mcp: Server,
    pub(super) server: Server,
}

impl World {
    pub(super) async fn start() -> Self {
        let world = Self {
            bench: Bench::start().await,
            mcp: Server::start(),
            server: authorization_server(),
        };
        world.challenge("");
        let resource =
            json!({"resource": world.url(), "authorization_servers": [world.server.base]});
        world.mcp.json(RESOURCE, resource);
        world
    }

    /// Of the MCP server.
    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.mcp.base)
    }

    /// What stands in its challenge.
    pub(super) fn challenge(&self, parameters: &str) {
        let text = format!(
            "401 X\r\nWWW-Authenticate: Bearer {parameters}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        self.mcp.set("POST /mcp", Reply::Raw(text));
    }

    pub(super) async fn discover(&self) -> Result<Discovery, AgentError> {
        self.ask(DiscoveryRequest {
            url: self.url(),
            ..DiscoveryRequest::default()
        })
        .await
    }

    pub(super) async fn ask(&self, ask: DiscoveryRequest) -> Result<Discovery, AgentError> {
        self.bench
            .agent
            .discover(&ask, &ProfileName::default())
            .await
    }

    /// Message and hint of a refusal.
    pub(super) async fn refused(&self) -> String {
        words(&self.discover().await.expect_err("a refusal"))
    }

    /// The draft of a discovery, under a name, coming back to any port.
    pub(super) fn draft(found: &Discovery, name: &str) -> Map<String, Value> {
        let mut draft = found.plan.clone().expect("a plan").members;
        draft.insert("name".to_owned(), name.into());
        draft.insert(
            "redirect_uri".to_owned(),
            "http://127.0.0.1/callback".into(),
        );
        draft
    }

    pub(super) async fn add_draft(
        &self,
        draft: Map<String, Value>,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        let input = DraftInput::from_members(draft);
        self.bench
            .agent
            .add_authenticator(input, ProfileName::default(), &me())
            .await
    }

    /// Discovers, and adds what was found as `mcp`.
    pub(super) async fn add(&self) -> Authenticator {
        let found = self.discover().await.expect("it is found");
        let added = self.add_draft(Self::draft(&found, "mcp")).await;
        added.expect("it is added").0.authenticator.as_ref().clone()
    }

    pub(super) fn authenticator(&self) -> Authenticator {
        let view = self.bench.agent.authenticator(&authenticator_key("mcp"));
        view.expect("it is there").authenticator.as_ref().clone()
    }

    pub(super) async fn connect(&self) -> SignInState {
        let view = self.bench.begin("mcp").await;
        visit(view.authorize_url.as_deref().expect("a page")).await;
        self.bench.finished(view.id).await
    }

    /// The request of the last sign-in to the authorization endpoint.
    pub(super) fn authorized(&self) -> Seen {
        self.server
            .seen("GET", "/authorize")
            .pop()
            .expect("a sign-in")
    }
}

/// All that a person reads of an error.
pub(super) fn words(error: &AgentError) -> String {
    let mut words = vec![error.to_string(), error.hint().unwrap_or_default()];
    if let AgentError::BadDraft(problems) = error {
        words.extend(
            problems
                .iter()
                .map(|it| format!("{}: {} ({})", it.field, it.message, it.hint)),
        );
    }
    words.join("\n")
}
