//! What is under way through the proxy ends when what allowed it ends, and nothing else does.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;
use valetkey_server::listeners::Limits;

use crate::busy_host::{self, Busy};
use crate::fixture::{Fixture, TIMEOUT};
use crate::gateway::{Answer, Gateway, Host};

struct Streams {
    gateway: Gateway,
    host: Host,
    busy: Busy,
}

/// An open stream of events.
struct Stream(reqwest::Response);

impl Stream {
    async fn goes_on(&mut self) {
        for _ in 0..3 {
            let chunk = timeout(TIMEOUT, self.0.chunk()).await.expect("an event");
            chunk.expect("not cut").expect("no end");
        }
    }

    /// Not as a whole response.
    async fn expect_cut(mut self) {
        let cut = async {
            while let Ok(chunk) = self.0.chunk().await {
                chunk.expect("cut, and not ended");
            }
        };
        timeout(TIMEOUT, cut).await.expect("cut in time");
    }
}

impl Streams {
    async fn open() -> Self {
        Self::over(Fixture::new().await).await
    }

    async fn over(fixture: Fixture) -> Self {
        let (host, busy) = busy_host::start().await;
        let gateway = Gateway::over(fixture, &[&host.authority], Limits::default()).await;
        Self {
            gateway,
            host,
            busy,
        }
    }

    fn path(&self, connection: &str, rest: &str) -> String {
        format!("/proxy/{connection}/@{}{rest}", self.host.authority)
    }

    /// Another connection, with the same host.
    async fn add_other(&self) {
        let fixture = &self.gateway.fixture;
        let mut draft = fixture.draft("other");
        draft["api_hosts"] = json!([self.host.authority]);
        fixture.post("/oauth/authenticators", draft).await.is(201);
        fixture.connect("other").await;
    }

    async fn by_program(&self, connection: &str) -> Stream {
        let url = format!("http://localhost{}", self.path(connection, "/events"));
        let sent = self.gateway.program().get(url).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        Stream(sent)
    }

    async fn by_key(&self, key: &str) -> Stream {
        let url = self.gateway.url(&self.path("demo", "/events"));
        let sent = Gateway::tool()
            .get(url)
            .bearer_auth(key)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 200);
        Stream(sent)
    }

    async fn key(&self, mut request: Value) -> String {
        request["name"] = json!("another");
        let made = self.gateway.fixture.post("/clients", request).await;
        made.is(201)["key"].as_str().unwrap().to_owned()
    }

    async fn patch(&self, path: &str, body: Value) {
        self.gateway.fixture.patch(path, body).await.is(200);
    }
}

#[tokio::test]
async fn a_pause_ends_all_that_is_under_way() {
    let streams = Streams::open().await;
    let gateway = &streams.gateway;
    let (program, tool) = (
        streams.by_program("demo").await,
        streams.by_key(&gateway.key).await,
    );
    let silence = streams.path("demo", "/silence");
    let url = gateway.url(&silence);
    let asked = tokio::spawn(Gateway::tool().get(url).bearer_auth(&gateway.key).send());
    let pause = async {
        streams.busy.is(4).await;
        gateway.fixture.post("/pause", json!({})).await.is(200);
    };
    let (waiting, ()) = tokio::join!(gateway.mcp(&silence), pause);
    waiting.json_rpc(-32015, "paused");
    let asked = Answer::read(asked.await.unwrap().unwrap()).await;
    asked.problem(503, "paused");
    program.expect_cut().await;
    tool.expect_cut().await;
    streams.busy.is(0).await;
    gateway.fixture.post("/resume", json!({})).await.is(200);
    streams.by_program("demo").await.goes_on().await;
}

#[tokio::test]
async fn a_removed_or_disabled_login_ends_its_own_streams_alone() {
    for disable in [true, false] {
        let streams = Streams::open().await;
        streams.add_other().await;
        let (own, tool) = (
            streams.by_program("demo").await,
            streams.by_key(&streams.gateway.key).await,
        );
        let mut other = streams.by_program("other").await;
        if disable {
            let off = json!({ "is_active": false });
            streams.patch("/oauth/authenticators/demo", off).await;
        } else {
            let path = "/credentials/connections/demo?force=true";
            streams.gateway.fixture.delete(path).await.is(200);
        }
        own.expect_cut().await;
        tool.expect_cut().await;
        other.goes_on().await;
        streams.busy.is(1).await;
    }
}

#[tokio::test]
async fn a_revoked_or_ended_key_ends_its_own_streams_alone() {
    let streams = Streams::open().await;
    let gateway = &streams.gateway;
    let soon = streams.key(json!({ "expires_in": 2 })).await;
    let (soon, mut first) = (
        streams.by_key(&soon).await,
        streams.by_key(&gateway.key).await,
    );
    let mut program = streams.by_program("demo").await;
    soon.expect_cut().await;
    first.goes_on().await;
    gateway.fixture.delete("/clients/tool").await.is(200);
    first.expect_cut().await;
    program.goes_on().await;
    streams.busy.is(1).await;
}

#[tokio::test]
async fn a_narrower_choice_of_hosts_or_methods_ends_what_it_excludes() {
    let streams = Streams::open().await;
    let mut events = streams.by_program("demo").await;
    let mut socket = open_socket(&streams, "").await;
    let methods = json!({ "allowed_methods": ["GET"] });
    streams
        .patch("/credentials/connections/demo", methods)
        .await;
    let close = rest(&mut socket).await;
    assert_eq!(
        (close[0], &close[2..4]),
        (0x88, &1008_u16.to_be_bytes()[..])
    );
    events.goes_on().await;
    let hosts = json!({ "api_hosts": [streams.gateway.provider_host()] });
    streams.patch("/oauth/authenticators/demo", hosts).await;
    events.expect_cut().await;
}

/// Lets the test's own program use `demo` by a rule: its id.
async fn allow(streams: &Streams) -> String {
    let fixture = &streams.gateway.fixture;
    let path = streams.path("demo", "/events");
    streams
        .gateway
        .get(&path)
        .await
        .problem(503, "no rule allows");
    let asked = fixture.get("/approvals").await.is(200);
    let id = asked["approvals"][0]["id"].as_u64().unwrap();
    let answer = json!({ "verdict": "allow", "lasts": "always", "only_proxy": true });
    let path = format!("/approvals/{id}/answer");
    fixture.post(&path, answer).await.is(200);
    let rules = fixture.get("/rules").await.is(200);
    rules["rules"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_removed_rule_ends_the_streams_that_it_allowed() {
    let streams = Streams::over(Fixture::ruled().await).await;
    let rule = allow(&streams).await;
    let own = streams.by_program("demo").await;
    let mut tool = streams.by_key(&streams.gateway.key).await;
    let path = format!("/rules/{rule}");
    streams.gateway.fixture.delete(&path).await.is(200);
    own.expect_cut().await;
    tool.goes_on().await;
}

#[tokio::test]
async fn other_changes_end_nothing() {
    let streams = Streams::open().await;
    let fixture = &streams.gateway.fixture;
    let (mut own, mut tool) = (
        streams.by_program("demo").await,
        streams.by_key(&streams.gateway.key).await,
    );
    streams.add_other().await;
    streams.key(json!({})).await;
    let refresh = "/credentials/connections/demo/refresh";
    fixture.post(refresh, json!({})).await.is(200);
    let change = json!({ "proxy_only": true, "account": "work" });
    streams.patch("/credentials/connections/demo", change).await;
    fixture
        .delete("/credentials/connections/other?force=true")
        .await
        .is(200);
    fixture.delete("/clients/another").await.is(200);
    own.goes_on().await;
    tool.goes_on().await;
}

/// A WebSocket that has sent its first frame.
async fn open_socket(streams: &Streams, query: &str) -> UnixStream {
    let mut stream = streams.gateway.unix().await;
    let head = format!(
        "GET {}{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        streams.path("demo", "/socket")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"hi") && !text.ends_with(b"begin") {
        let read = timeout(TIMEOUT, stream.read_buf(&mut text)).await.unwrap();
        assert_ne!(read.unwrap(), 0, "{}", String::from_utf8_lossy(&text));
    }
    stream
}

async fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    timeout(TIMEOUT, read).await.expect("closed in time").ok();
    rest
}

#[tokio::test]
async fn a_web_socket_is_told_why_it_ends() {
    let streams = Streams::open().await;
    let mut socket = open_socket(&streams, "").await;
    let mut cut = open_socket(&streams, "?cut").await;
    streams
        .gateway
        .fixture
        .post("/pause", json!({}))
        .await
        .is(200);
    let close = rest(&mut socket).await;
    // A close frame (RFC 6455, section 5.5.1): try again later (1013).
    assert_eq!(
        (close[0], &close[2..4]),
        (0x88, &1013_u16.to_be_bytes()[..])
    );
    assert_eq!(usize::from(close[1]), close.len() - 2);
    let reason = std::str::from_utf8(&close[4..]).unwrap();
    assert!(reason.contains("paused"), "{reason}");
    assert_eq!(
        rest(&mut cut).await,
        b"",
        "within a frame there is no place for one"
    );
    streams.busy.is(0).await;
}

#[tokio::test]
async fn a_stopping_agent_ends_streams() {
    let streams = Streams::open().await;
    let stream = streams.by_program("demo").await;
    let tool = streams.by_key(&streams.gateway.key).await;
    let mut socket = open_socket(&streams, "").await;
    streams.gateway.fixture.app.stop().request();
    let close = rest(&mut socket).await;
    assert_eq!(
        (close[0], &close[2..4]),
        (0x88, &1001_u16.to_be_bytes()[..])
    );
    stream.expect_cut().await;
    tool.expect_cut().await;
    streams.busy.is(0).await;
}

/// A program that hangs up, whatever it was waiting for.
#[tokio::test]
async fn a_program_that_hangs_up_ends_the_request_to_the_host() {
    let streams = Streams::open().await;
    let gateway = &streams.gateway;
    for path in ["/events", "/silence"] {
        let path = streams.path("demo", path);
        let head = |own: &str| format!("GET {path} HTTP/1.1\r\n{own}\r\n");
        let mut program = gateway.unix().await;
        program
            .write_all(head("Host: x\r\n").as_bytes())
            .await
            .unwrap();
        let own = format!(
            "Host: 127.0.0.1:{}\r\nX-Valet-Key: {}\r\n",
            gateway.port, gateway.key
        );
        let mut tool = gateway.tcp().await;
        tool.write_all(head(&own).as_bytes()).await.unwrap();
        streams.busy.is(2).await;
        drop((program, tool));
        streams.busy.is(0).await;
    }
    let socket = open_socket(&streams, "").await;
    streams.busy.is(1).await;
    drop(socket);
    streams.busy.is(0).await;
}

#[tokio::test]
async fn each_request_that_was_sent_has_its_line_though_the_program_hung_up() {
    const SENT: usize = 12;
    let streams = Streams::open().await;
    let gateway = &streams.gateway;
    let path = streams.path("demo", "/silence");
    for _ in 0..SENT {
        let mut program = gateway.unix().await;
        let head = format!("DELETE {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        program.write_all(head.as_bytes()).await.unwrap();
        streams.busy.is(1).await;
        drop(program);
        streams.busy.is(0).await;
    }
    let events = gateway.events("proxy.request", SENT).await;
    assert_eq!(events.len(), SENT);
    for event in events {
        let detail = &event["detail"];
        assert_eq!(detail["why"], "the program did not wait for the answer");
        assert_eq!(detail["repeated"], Value::Null, "{event:#}");
    }
}

/// Neither those that are refused here nor those that reach no host fill the log.
#[tokio::test]
async fn requests_that_were_not_sent_are_counted() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = free.local_addr().unwrap().to_string();
    drop(free);
    let gateway = Gateway::open(&[&down]).await;
    for _ in 0..3 {
        let unreachable = gateway.get(&format!("/proxy/demo/@{down}/x")).await;
        unreachable.problem(503, "");
        let refused = gateway.get("/proxy/demo/@other.test/x").await;
        refused.problem(421, "refused `other.test`");
    }
    gateway.get("/proxy/demo/api/echo").await.is(200);
    let events = gateway.events("proxy.request", 3).await;
    assert_eq!(events.len(), 3, "{events:#?}");
}
