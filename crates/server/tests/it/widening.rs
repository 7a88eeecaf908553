//! Each change that widens what programs can do, asked by each kind of caller while the desktop app runs:
//! made only after the person's yes.

use http::Method;
use serde_json::{Value, json};
use valetkey_agent::Answer;
use valetkey_server::caller::Caller;

use crate::fixture::{Fixture, Reply, allow, key, program};

/// What happens when a caller asks for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The person is asked.
    Asks,
    /// Refused without a question.
    Refused,
    /// Made without a question: it is the person in front who asks.
    Made,
}

use Outcome::{Asks, Made, Refused};

/// A request that widens.
struct Widening {
    method: Method,
    path: String,
    body: Option<Value>,
    /// Asked by a program, a key made with `--manage`, and the page.
    outcomes: [Outcome; 3],
    /// What the person reads names this.
    names: &'static [&'static str],
}

fn patch(
    path: &str,
    body: Value,
    outcomes: [Outcome; 3],
    names: &'static [&'static str],
) -> Widening {
    Widening {
        method: Method::PATCH,
        path: path.to_owned(),
        body: Some(body),
        outcomes,
        names,
    }
}

fn post(
    path: &str,
    body: Option<Value>,
    outcomes: [Outcome; 3],
    names: &'static [&'static str],
) -> Widening {
    Widening {
        method: Method::POST,
        path: path.to_owned(),
        body,
        outcomes,
        names,
    }
}

const DEMO: &str = "/oauth/authenticators/demo";
const CONNECTION: &str = "/credentials/connections/demo";

/// All that a change could change.
async fn state(fixture: &Fixture) -> Vec<Value> {
    let mut state = Vec::new();
    for path in [
        "/settings",
        "/clients",
        "/rules",
        DEMO,
        CONNECTION,
        "/status",
    ] {
        let mut body = fixture
            .ask(&Caller::Window, Method::GET, path, None)
            .await
            .is(200);
        if path == "/status" {
            body = body["paused"].clone();
        }
        state.push(body);
    }
    state.push(json!(fixture.app.stop().is_requested()));
    state
}

/// As strict as it can be, so that there is something to widen.
async fn strict(is_paused: bool, is_disabled: bool) -> Fixture {
    let fixture = Fixture::desktop().await;
    fixture.add("demo").await;
    fixture.connect("demo").await;
    let proxy = json!({ "proxy_only": true, "allowed_methods": ["GET"] });
    fixture.patch(CONNECTION, proxy).await.is(200);
    let settings = json!({ "pause_on_lock": true, "pause_on_idle": true });
    fixture.patch("/settings", settings).await.is(200);
    if is_paused {
        fixture.post("/pause", json!({})).await.is(200);
    }
    if is_disabled {
        let off = json!({ "is_active": false });
        fixture.patch(DEMO, off).await.is(200);
    }
    fixture
}

#[track_caller]
fn not_confirmed(reply: Reply) {
    let body = reply.is(403);
    assert_eq!(body["detail"]["code"], "access_denied", "{body:#}");
}

impl Widening {
    /// By every caller and with every answer.
    async fn check(self) {
        let callers = [program(), key(None, true), Caller::Window];
        for (caller, outcome) in callers.iter().zip(self.outcomes) {
            let enables = |body: &Value| body["is_active"] == true;
            let is_disabled = self.body.as_ref().is_some_and(enables);
            let fixture = strict(self.path == "/resume", is_disabled).await;
            let before = state(&fixture).await;
            match outcome {
                Refused => {
                    self.ask(&fixture, caller)
                        .await
                        .refused(403, "access_denied");
                    assert_eq!(state(&fixture).await, before, "{caller}");
                    assert_eq!(fixture.app.agent().approvals().list(), []);
                }
                Made => {
                    let made = self.ask(&fixture, caller).await;
                    assert!(made.status.is_success(), "{caller}: {made:?}");
                    assert_ne!(state(&fixture).await, before, "{caller}");
                }
                Asks => self.asks(&fixture, caller, &before).await,
            }
        }
    }

    async fn asks(&self, fixture: &Fixture, caller: &Caller, before: &[Value]) {
        let (reply, question) =
            tokio::join!(self.ask(fixture, caller), fixture.answer(Answer::Deny));
        not_confirmed(reply);
        assert_eq!(state(fixture).await, before, "{caller}: denied");
        let text = format!("{} {}", question.title, question.text);
        for name in self.names {
            assert!(text.contains(name), "no `{name}` in: {text}");
        }

        let (reply, ()) = tokio::join!(self.ask(fixture, caller), fixture.close_question());
        not_confirmed(reply);
        assert_eq!(state(fixture).await, before, "{caller}: not answered");

        let unchanged = async {
            let id = fixture.question("").await;
            assert_eq!(state(fixture).await, before, "{caller}: not answered yet");
            fixture.reply(id, allow()).await;
        };
        let (reply, ()) = tokio::join!(self.ask(fixture, caller), unchanged);
        assert!(reply.status.is_success(), "{caller}: {reply:?}");
        assert_ne!(state(fixture).await, before, "{caller}: confirmed");
        assert_eq!(fixture.app.agent().approvals().list(), []);
    }

    async fn ask(&self, fixture: &Fixture, caller: &Caller) -> Reply {
        let (method, body) = (self.method.clone(), self.body.clone());
        fixture.ask(caller, method, &self.path, body).await
    }
}

#[tokio::test]
async fn where_secrets_are_sent() {
    let to = json!({ "token_url": "https://evil.example/token" });
    let path = format!("{DEMO}?force=true");
    let names = &["`demo`", "token_url: https://evil.example/token"];
    patch(&path, to, [Asks, Refused, Asks], names).check().await;
}

#[tokio::test]
async fn which_hosts_get_tokens() {
    let to = json!({ "api_hosts": ["evil.example"] });
    let names = &["`demo`", "evil.example"];
    patch(DEMO, to, [Asks, Refused, Asks], names).check().await;
}

#[tokio::test]
async fn an_authenticator_that_was_switched_off() {
    let to = json!({ "is_active": true });
    let names = &["`demo`", "tokens of: demo"];
    patch(DEMO, to, [Asks, Asks, Asks], names).check().await;
}

/// Nobody gets more by these.
#[tokio::test]
async fn a_switch_that_changes_no_login_asks_nobody() {
    let fixture = Fixture::desktop().await;
    fixture.add("demo").await;
    let switch = |on: bool| json!({ "is_active": on });
    for on in [false, true] {
        fixture.patch(DEMO, switch(on)).await.is(200);
    }
    fixture.connect("demo").await;
    for on in [true, false] {
        fixture.patch(DEMO, switch(on)).await.is(200);
    }
}

#[tokio::test]
async fn a_token_that_only_the_proxy_had() {
    let to = json!({ "proxy_only": false });
    let names = &["`demo`", "its token itself"];
    patch(CONNECTION, to, [Asks, Refused, Asks], names)
        .check()
        .await;
}

#[tokio::test]
async fn methods_of_the_proxy() {
    let to = json!({ "allowed_methods": ["GET", "DELETE"] });
    let names = &["`demo`", "DELETE"];
    patch(CONNECTION, to, [Asks, Refused, Asks], names)
        .check()
        .await;
    let to = json!({ "allowed_methods": null });
    let names = &["`demo`", "every method"];
    patch(CONNECTION, to, [Asks, Refused, Asks], names)
        .check()
        .await;
}

#[tokio::test]
async fn the_end_of_a_pause() {
    post("/resume", None, [Asks, Asks, Asks], &["tokens again"])
        .check()
        .await;
}

#[tokio::test]
async fn a_stop_by_a_program() {
    post("/shutdown", None, [Asks, Asks, Made], &["Stop"])
        .check()
        .await;
}

#[tokio::test]
async fn a_new_client_key() {
    let new = json!({ "name": "ci", "connections": ["demo"], "manage": true });
    let names = &["`ci`", "demo", "add and remove", "until you revoke it"];
    post("/clients", Some(new), [Refused, Refused, Asks], names)
        .check()
        .await;
}

#[tokio::test]
async fn the_browser_command() {
    let to = json!({ "browser": "/bin/sh /tmp/evil" });
    patch("/settings", to, [Asks, Refused, Asks], &["/tmp/evil"])
        .check()
        .await;
}

#[tokio::test]
async fn what_undecided_programs_get() {
    let to = json!({ "access_policy": "allow" });
    let names = &["without a question"];
    patch("/settings", to, [Refused, Refused, Asks], names)
        .check()
        .await;
}

#[tokio::test]
async fn a_shorter_record() {
    let to = json!({ "retention_days": 1 });
    patch("/settings", to, [Asks, Asks, Asks], &["1 days"])
        .check()
        .await;
}

#[tokio::test]
async fn no_pause_on_lock() {
    let to = json!({ "pause_on_lock": false });
    patch("/settings", to, [Asks, Asks, Asks], &["locked"])
        .check()
        .await;
}

#[tokio::test]
async fn no_pause_on_idle() {
    let to = json!({ "pause_on_idle": false });
    patch("/settings", to, [Asks, Asks, Asks], &["idle"])
        .check()
        .await;
}

/// No route: the window asks in the app's own process.
#[tokio::test]
async fn a_copied_token() {
    let fixture = Fixture::desktop().await;
    fixture.add("demo").await;
    fixture.connect("demo").await;
    let copy = || fixture.app.token_for_person("demo", None);
    let (copied, question) = tokio::join!(copy(), fixture.answer(Answer::Deny));
    assert!(copied.is_err());
    assert_eq!(question.title, "Copy a token of `demo`?");
    let (copied, ()) = tokio::join!(copy(), fixture.close_question());
    assert!(copied.is_err());
    let log = fixture.get("/events?kind=token.served").await.is(200);
    assert_eq!(log["events"], json!([]));
    let (copied, _) = tokio::join!(copy(), fixture.answer(allow()));
    assert!(copied.is_ok());
    for path in ["token", "refresh"] {
        let path = format!("{CONNECTION}/{path}");
        let asked = fixture
            .ask(&Caller::Window, Method::POST, &path, None)
            .await;
        asked.refused(403, "access_denied");
    }
}
