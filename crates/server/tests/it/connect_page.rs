//! The local link in `auth_required`, as a browser meets it at the loopback listener.

use std::net::TcpListener;

use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_server::Server;
use valetkey_server::agent_lock::AgentLock;

use crate::fixture::Fixture;

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

    let base_url = make("first").await.is(201)["base_url"].clone();
    assert_eq!(base_url, format!("http://127.0.0.1:{moved}"));
    let settings = fixture.get("/settings").await.is(200);
    assert_eq!(settings["port"], moved);
    make("second").await.is(201);

    // Keys name that port: no other one takes its place.
    set(wanted).await.is(200);
    make("third").await.refused(409, "conflict");
}
