//! The local link in `auth_required`, as a browser meets it at the loopback listener.

use std::net::TcpListener;

use http::Method;
use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_server::Server;
use valetkey_server::agent_lock::AgentLock;

use crate::fixture::{Fixture, key, visit};

struct Open {
    fixture: Fixture,
    port: u16,
    serving: JoinHandle<()>,
    _lock: AgentLock,
}

async fn open() -> Open {
    let fixture = Fixture::new().await;
    fixture.add("demo").await;
    let lock = AgentLock::take(fixture.app.home()).unwrap();
    let server = Server::bind(&fixture.app, &lock, 0).unwrap();
    let port = server.endpoint().port.unwrap();
    let app = fixture.app.clone();
    let serving = tokio::spawn(async move { server.serve(&app).await });
    Open {
        fixture,
        port,
        serving,
        _lock: lock,
    }
}

impl Open {
    async fn link(&self) -> String {
        let path = "/credentials/connections/demo/token";
        let refused = self.fixture.post(path, json!({})).await;
        let detail = refused.refused(409, "auth_required");
        detail["connect_url"].as_str().unwrap().to_owned()
    }
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

#[tokio::test]
async fn a_click_on_the_link_signs_in() {
    let open = open().await;
    let link = open.link().await;
    assert!(link.starts_with(&format!("http://127.0.0.1:{}/connect/", open.port)));
    let page = browser().get(&link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(page.text().await.unwrap().contains("<button"));
    let clicked = browser()
        .post(&link)
        .header("origin", format!("http://127.0.0.1:{}", open.port))
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .unwrap();
    assert_eq!(clicked.status(), 200, "the provider's last page");
    let sign_ins = open
        .fixture
        .get("/events?kind=sign_in.completed")
        .await
        .is(200);
    assert_eq!(sign_ins["events"].as_array().unwrap().len(), 1);
    open.fixture
        .post("/credentials/connections/demo/token", json!({}))
        .await
        .is(200);
    open.fixture.app.stop().request();
    open.serving.await.unwrap();
}

#[tokio::test]
async fn strangers_begin_no_sign_in() {
    let open = open().await;
    let link = open.link().await;
    let guessed = format!("http://127.0.0.1:{}/connect/{}", open.port, "A".repeat(43));
    for url in [&guessed, &link] {
        let foreign = browser()
            .post(url)
            .header("origin", "https://evil.test")
            .send()
            .await;
        assert_eq!(foreign.unwrap().status(), 403);
    }
    let reply = browser().post(&guessed).send().await.unwrap();
    assert_eq!(reply.status(), 404);
    let rebound = browser()
        .get(&link)
        .header("host", "evil.test")
        .send()
        .await;
    assert_eq!(rebound.unwrap().status(), 403);
    let begun = open
        .fixture
        .get("/events?kind=sign_in.started")
        .await
        .is(200);
    assert_eq!(begun["events"], json!([]));
}

#[tokio::test]
async fn a_key_works_at_the_loopback_listener_until_it_is_revoked() {
    let open = open().await;
    open.fixture.connect("demo").await;
    let made = open
        .fixture
        .post("/clients", json!({ "name": "ci" }))
        .await
        .is(201);
    let url = format!(
        "{}/api/v1/credentials/connections/demo/token",
        made["base_url"].as_str().unwrap()
    );
    let ask = || {
        browser()
            .post(&url)
            .bearer_auth(made["key"].as_str().unwrap())
            .send()
    };
    let reply = ask().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["cache-control"], "no-store");
    open.fixture.delete("/clients/ci").await.is(200);
    let refused = ask().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
}

/// Follows no redirect: what the page itself answers.
async fn click(link: &str) -> reqwest::Response {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let browser = browser.build().unwrap();
    browser.post(link).send().await.unwrap()
}

fn location(response: &reqwest::Response) -> String {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A key without `--manage` gets a link, too, and could use it itself.
#[tokio::test]
async fn a_link_begins_one_sign_in_and_says_who_asked() {
    let open = open().await;
    let path = "/credentials/connections/demo/token";
    let ci = key(None, false);
    let ask = || open.fixture.ask(&ci, Method::POST, path, None);
    let refused = ask().await.refused(409, "auth_required");
    let link = refused["connect_url"].as_str().unwrap().to_owned();
    let page = browser().get(&link).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("key ci"), "{page}");
    assert_ne!(open.link().await, link, "another program's has its own");

    let (first, second) = tokio::join!(click(&link), click(&link));
    let authorize_url = location(&first);
    assert_eq!(location(&second), authorize_url);
    assert_eq!(location(&click(&link).await), authorize_url);
    let again = ask().await.refused(409, "auth_required");
    assert_eq!(again["connect_url"], link.as_str());
    let begun = open
        .fixture
        .get("/events?kind=sign_in.started")
        .await
        .is(200);
    let begun = begun["events"].as_array().unwrap();
    assert_eq!(begun.len(), 1, "{begun:#?}");
    assert_eq!(begun[0]["detail"]["asked_by"], "key ci");

    visit(&authorize_url).await;
    assert_eq!(click(&link).await.status(), 404, "it is used up");
}

#[tokio::test]
async fn links_do_not_use_up_the_sign_ins_of_the_owner() {
    let open = open().await;
    let mut refused = None;
    for n in 0..40 {
        let path = format!("/credentials/connections/demo%2Fn{n}/token");
        let detail = open.fixture.post(&path, json!({})).await;
        let detail = detail.refused(409, "auth_required");
        let response = click(detail["connect_url"].as_str().unwrap()).await;
        if response.status() != 303 {
            refused = Some((n, response));
            break;
        }
    }
    let (begun, refused) = refused.expect("a quota");
    assert!(begun < 8, "{begun} sign-ins");
    assert_eq!(refused.status(), 429);
    let retry_after = refused.headers()["retry-after"].to_str().unwrap();
    assert!(
        (1..=300).contains(&retry_after.parse().unwrap()),
        "{retry_after}"
    );
    let own = json!({ "authenticator": "demo" });
    for _ in 0..32 {
        open.fixture
            .post("/credentials/connections", own.clone())
            .await
            .is(202);
    }
    let full = open.fixture.post("/credentials/connections", own).await;
    let full = full.refused(429, "rate_limited");
    let retry_after = full["retry_after"].as_u64().unwrap();
    assert!((1..=300).contains(&retry_after), "{full:#}");
}

#[tokio::test]
async fn a_link_replaces_no_account_that_cannot_be_identified() {
    let open = open().await;
    let mut anonymous = open.fixture.draft("anonymous");
    for field in ["userinfo_url", "issuer"] {
        anonymous[field] = json!(null);
    }
    anonymous["scopes"] = json!(["email"]);
    let added = open.fixture.post("/oauth/authenticators", anonymous).await;
    added.is(201);
    open.fixture.connect("anonymous").await;
    let path = "/credentials/connections/anonymous";
    let before = open.fixture.get(path).await.is(200);
    assert_eq!(before["account"]["subject"], json!(null), "{before:#}");
    let more = json!({ "scopes": ["profile"] });
    let refused = open.fixture.post(&format!("{path}/token"), more).await;
    let refused = refused.refused(403, "insufficient_scope");
    let link = refused["connect_url"].as_str().unwrap();
    visit(&location(&click(link).await)).await;
    let failed = "/events?kind=sign_in.failed";
    let failed = open.fixture.get(failed).await.is(200);
    assert_eq!(failed["events"].as_array().unwrap().len(), 1, "{failed:#}");
    let after = open.fixture.get(path).await.is(200);
    assert_eq!(after["generation"], before["generation"]);
}

/// A key that named a port of the moment would be shown to whoever has it after a restart.
#[tokio::test]
async fn the_first_key_fixes_the_port_that_it_names() {
    let fixture = Fixture::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = taken.local_addr().unwrap().port();
    let set = |port| fixture.patch("/settings", json!({ "port": port }));
    set(wanted).await.is(200);
    let lock = AgentLock::take(fixture.app.home()).unwrap();
    let server = Server::bind(&fixture.app, &lock, wanted).unwrap();
    let moved = server.endpoint().port.unwrap();
    assert_ne!(moved, wanted);
    let make = |name| fixture.post("/clients", json!({ "name": name }));

    // The person wants another port from the next start on: that is not overruled.
    set(wanted ^ 1).await.is(200);
    let refused = make("early").await.refused(409, "conflict");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(&moved.to_string()), "{message}");
    set(wanted).await.is(200);

    let (first, other) = tokio::join!(make("first"), make("other"));
    for made in [first, other] {
        let base_url = made.is(201)["base_url"].clone();
        assert_eq!(base_url, format!("http://127.0.0.1:{moved}"));
    }
    let settings = fixture.get("/settings").await.is(200);
    assert_eq!(settings["port"], moved);
    make("second").await.is(201);

    // Keys name that port: no other one takes its place.
    let force = fixture.patch("/settings?force=true", json!({ "port": wanted }));
    force.await.is(200);
    make("third").await.refused(409, "conflict");
}
