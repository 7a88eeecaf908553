//! A provider for tests of single conversations: answers what it is told, one reply per request, and
//! remembers what it was asked. For whole flows there is `valetkey-demo-provider`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use valetkey_core::catalogue;
use valetkey_core::draft::DraftInput;
use valetkey_core::grant::{Grant, GrantKind, TokenType};
use valetkey_core::id::{AuthenticatorId, Generation};
use valetkey_core::name::ProfileName;
use valetkey_core::provider::ClientAuth;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, ClientSecret, RefreshToken};

use crate::client::Client;

pub(super) enum Reply {
    /// These bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// The connection is closed without a word.
    Drop,
    /// The connection stays open without a word.
    Hang,
}

impl Reply {
    pub(super) fn raw(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        let body = body.to_string();
        Self::raw(&format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Request line and headers.
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    /// The form's fields.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub(super) fn field(&self, name: &str) -> Option<String> {
        let form = self.form();
        let found: Vec<_> = form.iter().filter(|(own, _)| own == name).collect();
        assert!(found.len() < 2, "{name} is repeated");
        found.first().map(|(_, value)| value.clone())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(super) struct Fake {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    pub(super) fn start(replies: Vec<Reply>) -> Self {
        Self::with_url(|_| replies)
    }

    /// For replies that name the URL of this very server.
    pub(super) fn with_url(replies: impl FnOnce(&str) -> Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let replies = replies(&format!("http://{address}"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for reply in replies {
                let Ok((mut stream, _)) = listener.accept() else {
                    return;
                };
                let Some(request) = read_request(&mut stream) else {
                    continue;
                };
                seen.lock().unwrap().push(request);
                match reply {
                    Reply::Raw(bytes) => {
                        let _ = stream.write_all(&bytes);
                    }
                    Reply::Drop => {}
                    Reply::Hang => silent.push(stream),
                }
            }
            // Whoever asks too much waits until the test ends.
            while let Ok((stream, _)) = listener.accept() {
                silent.push(stream);
            }
        });
        Self { address, requests }
    }

    /// A URL at which nobody listens.
    pub(super) fn nobody(path: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}{path}", listener.local_addr().unwrap())
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// A client whose endpoints are all here.
    pub(super) fn client(&self, client_auth: ClientAuth) -> Client {
        client_at(&self.url(""), client_auth)
    }
}

/// A client of a custom provider below `base`.
pub(super) fn client_at(base: &str, client_auth: ClientAuth) -> Client {
    let fields = json!({
        "authenticator_type": "custom", "name": "fake", "client_id": "placeholder",
        "authorize_url": format!("{base}/authorize"), "token_url": format!("{base}/token"),
    });
    let (draft, _) = DraftInput::from_json(&fields.to_string())
        .unwrap()
        .check()
        .unwrap();
    let id = AuthenticatorId::new(uuid::Uuid::nil());
    let (mut authenticator, _) =
        draft.into_authenticator(id, ProfileName::default(), Timestamp::UNIX_EPOCH);
    authenticator.client_id = "client id".to_owned();
    let provider = catalogue::provider("custom").unwrap();
    let mut endpoints = authenticator.endpoints(provider).unwrap();
    endpoints.client_auth = client_auth;
    Client {
        authenticator: Arc::new(authenticator),
        provider,
        endpoints,
        key: None,
        secret: (client_auth != ClientAuth::None).then(|| ClientSecret::new("a:b/+ é%")),
        proof_key: None,
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let request = Request {
                body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned(),
                head,
            };
            let length = request
                .header("content-length")
                .map_or(0, |n| n.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(request);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A grant whose access token lives for a minute.
pub(super) fn grant(access_token: &str, refresh_token: &str) -> Grant {
    let now = Timestamp::UNIX_EPOCH;
    Grant {
        kind: GrantKind::OAuth,
        generation: Generation(1),
        access_token: AccessToken::new(access_token),
        grant_type: valetkey_core::authenticator::GrantType::default(),
        refresh_token: Some(RefreshToken::new(refresh_token)),
        id_token: None,
        token_type: TokenType::Bearer,
        dpop_key: None,
        issued_at: now,
        issued_boot_time: None,
        expires_at: now.checked_add(SignedDuration::from_secs(60)).ok(),
        refresh_expires_at: None,
        scopes: Scopes::default(),
    }
}
