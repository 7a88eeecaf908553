//! The agent's API as a program without our client sees it: paths and JSON.

use serde_json::{Value, json};

use crate::http::{HttpClient, Reply};

const CONNECTIONS: &str = "/api/v1/credentials/connections";
const SESSIONS: &str = "/api/v1/credentials/sessions";
const AUTHENTICATORS: &str = "/api/v1/oauth/authenticators";

/// The API, over one transport.
#[derive(Debug, Clone)]
pub struct Api {
    http: HttpClient,
    key: Option<String>,
}

impl Api {
    /// Over this transport, without a client key.
    pub fn new(http: HttpClient) -> Self {
        Self { http, key: None }
    }

    /// With this client key.
    pub fn with_key(http: HttpClient, key: &str) -> Self {
        Self {
            http,
            key: Some(format!("Bearer {key}")),
        }
    }

    /// Any request, with or without a body.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let mut headers = Vec::new();
        if let Some(key) = &self.key {
            headers.push(("Authorization", key.as_str()));
        }
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.http.request(method, path, &headers, &body)
    }

    /// `GET`, under `/api/v1/`.
    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", &format!("/api/v1/{path}"), None)
    }

    /// `POST`, under `/api/v1/`.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", &format!("/api/v1/{path}"), Some(body))
    }

    /// Registers a valid authenticator.
    pub fn add(&self, authenticator: &Value) -> Value {
        let reply = self.request("POST", AUTHENTICATORS, Some(authenticator));
        assert!(reply.status < 300, "{} {}", reply.status, reply.text());
        reply.json()
    }

    /// Names of all authenticators.
    pub fn authenticators(&self) -> Vec<String> {
        let reply = self.request("GET", AUTHENTICATORS, None).json();
        names(&reply["authenticators"])
    }

    /// Removes an authenticator that has no connections.
    pub fn remove(&self, authenticator: &str) -> Reply {
        self.request("DELETE", &format!("{AUTHENTICATORS}/{authenticator}"), None)
    }

    /// Asks for a token.
    pub fn token(&self, name: &str) -> Reply {
        self.post_to(name, "token", &json!({}))
    }

    /// The access token; the request must succeed.
    pub fn access_token(&self, name: &str) -> String {
        let reply = self.token(name);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.json()["access_token"].take();
        token.as_str().expect("a token").to_owned()
    }

    /// `POST` to an action of a connection: `token`, `refresh`, `invalidate`, `test`.
    pub fn post_to(&self, name: &str, action: &str, body: &Value) -> Reply {
        let path = format!("{CONNECTIONS}/{}/{action}", encoded(name));
        self.request("POST", &path, Some(body))
    }

    /// A connection that exists.
    pub fn connection(&self, name: &str) -> Value {
        let reply = self.try_connection(name);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// A connection, or the error.
    pub fn try_connection(&self, name: &str) -> Reply {
        self.request("GET", &format!("{CONNECTIONS}/{}", encoded(name)), None)
    }

    /// Names of all connections.
    pub fn connections(&self) -> Vec<String> {
        let reply = self.request("GET", CONNECTIONS, None).json();
        names(&reply["connections"])
    }

    /// Changes a connection.
    pub fn change(&self, name: &str, change: &Value) -> Value {
        let path = format!("{CONNECTIONS}/{}", encoded(name));
        let reply = self.request("PATCH", &path, Some(change));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Disconnects, also if the connection is in use.
    pub fn disconnect(&self, name: &str) -> Reply {
        let path = format!("{CONNECTIONS}/{}?force=true", encoded(name));
        self.request("DELETE", &path, None)
    }

    /// Begins a sign-in: `session_id`, `authorize_url`, `redirect_uri`.
    pub fn begin(&self, authenticator: &str) -> Value {
        let reply = self.request(
            "POST",
            CONNECTIONS,
            Some(&json!({ "authenticator": authenticator })),
        );
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()
    }

    /// Waits for the end of a sign-in.
    pub fn wait(&self, started: &Value) -> Value {
        let session = started["session_id"].as_str().expect("an id");
        let reply = self.request("GET", &format!("{SESSIONS}/{session}?wait=60"), None);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Signs in at a provider with automatic consent by following redirects; returns the
    /// connection.
    pub fn sign_in(&self, authenticator: &str) -> Value {
        let started = self.begin(authenticator);
        follow(started["authorize_url"].as_str().expect("a URL"));
        let mut ended = self.wait(&started);
        assert_eq!(ended["state"], "completed", "{ended}");
        ended["connection"].take()
    }
}

/// Follows redirects to the last page.
pub fn follow(url: &str) -> Reply {
    let mut url = url::Url::parse(url).expect("a URL");
    loop {
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let reply = HttpClient::of(url.as_str()).get(path);
        let (300..400, Some(next)) = (reply.status, reply.header("location")) else {
            return reply;
        };
        url = url.join(next).expect("a URL");
    }
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|it| it["name"].as_str().expect("a name").to_owned())
        .collect()
}

fn encoded(name: &str) -> String {
    name.replace('/', "%2F")
}
