//! `WebKitWebDriver` on a desktop, and the few commands of its protocol that the tests need, over our
//! own HTTP client: a crate for it would bring an async client and TLS to say five JSON requests to
//! loopback.
//!
//! Its screenshots never come (`WebKitGTK` 2.50 without a graphics card): pictures are taken of the
//! screen.

use std::net::{TcpListener, TcpStream};
use std::path::Path;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::desktop::Desktop;
use crate::http::HttpClient;
use crate::process::Running;
use crate::wait;

/// The member that names an element in JSON (W3C `WebDriver`, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The driver and the one app that it drives. Both end when it is dropped.
pub struct WebDriver {
    http: HttpClient,
    session: String,
    /// Says what the app said, too.
    process: Running,
}

/// Something in the page.
#[derive(Debug, Clone)]
pub struct Element(String);

/// A command that the driver refused: its error code (`no such element`), and its words.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Stable.
    pub error: String,
    /// For a person.
    pub message: String,
}

impl WebDriver {
    /// Starts `binary` with these arguments and waits for the page in its first window.
    pub fn start(desktop: &Desktop, binary: &Path, arguments: &[&str]) -> Self {
        let (process, http) = launch(desktop);
        let options = json!({ "binary": binary, "args": arguments });
        let wanted = json!({ "alwaysMatch": { "webkitgtk:browserOptions": options } });
        let mut driver = Self {
            http,
            session: String::new(),
            process,
        };
        let made = driver.send("POST", "/session", &json!({ "capabilities": wanted }));
        let made = made.unwrap_or_else(|refused| {
            panic!("no session: {refused:?}\n{}", driver.process.output())
        });
        let id = made["sessionId"].as_str().expect("a session has an id");
        driver.session = format!("/session/{id}");
        driver
    }

    /// Runs the body of a function in the page; elements come back as JSON, see [`Element::read`].
    pub fn run(&self, script: &str, arguments: &Value) -> Result<Value, Refused> {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/sync", &body)
    }

    /// As [`Self::run`], for a function whose last argument takes the answer.
    pub fn run_async(&self, script: &str, arguments: &Value) -> Result<Value, Refused> {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/async", &body)
    }

    /// Clicks in the middle of it, with the mouse.
    pub fn click(&self, element: &Element) -> Result<(), Refused> {
        let path = format!("/element/{}/click", element.0);
        self.command("POST", &path, &json!({})).map(drop)
    }

    /// Types into it; for a file input, the file's path.
    pub fn type_into(&self, element: &Element, text: &str) -> Result<(), Refused> {
        let path = format!("/element/{}/value", element.0);
        let body = json!({ "text": text });
        self.command("POST", &path, &body).map(drop)
    }

    /// Loads the page again.
    pub fn reload(&self) {
        let reloaded = self.command("POST", "/refresh", &json!({}));
        reloaded.expect("a page can be loaded again");
    }

    /// What driver and app have printed so far.
    pub fn output(&self) -> String {
        self.process.output()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        self.send(method, &format!("{}{path}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        let reply = match body {
            Value::Null => self.http.request(method, path, &[], ""),
            body => self.http.request_json(method, path, body),
        };
        let mut answer = reply.json()["value"].take();
        if reply.status == 200 {
            return Ok(answer);
        }
        let mut text = |member: &str| match answer[member].take() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Err(Refused {
            error: text("error"),
            message: text("message"),
        })
    }
}

impl Element {
    /// Of what a script returned.
    pub fn read(value: &Value) -> Option<Self> {
        value[ELEMENT].as_str().map(|id| Self(id.to_owned()))
    }
}

impl Serialize for Element {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(ELEMENT, &self.0)])
    }
}

/// The driver takes a port and tells nobody about one that it chose itself; a port that was free a
/// moment ago may be taken.
fn launch(desktop: &Desktop) -> (Running, HttpClient) {
    wait::until("a driver on a free port", || {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let mut command = desktop.command("WebKitWebDriver");
        command.arg(format!("--port={}", address.port()));
        // Without both the app refuses to be driven, and the session waits for ever.
        command.env("TAURI_AUTOMATION", "true");
        command.env("TAURI_WEBVIEW_AUTOMATION", "true");
        let mut process = Running::start(&mut command);
        let listens = wait::until(
            "a driver that listens or has ended",
            || match TcpStream::connect(address) {
                Ok(_) => Some(true),
                Err(_) => (!process.is_running()).then_some(false),
            },
        );
        (listens && process.is_running()).then(|| (process, HttpClient::Tcp(address.to_string())))
    })
}
