//! The local link in `auth_required`, as a browser meets it at the loopback listener.

use serde_json::json;
use tokio::task::JoinHandle;
use valetkey_server::doors::{Doors, Lock};

use crate::house::House;

struct Open {
    house: House,
    port: u16,
    serving: JoinHandle<()>,
    _lock: Lock,
}

async fn open() -> Open {
    let house = House::new().await;
    house.add("demo").await;
    let lock = Lock::take(house.app.home()).unwrap();
    let doors = Doors::open(&house.app, &lock, 0).unwrap();
    let port = doors.endpoint().port.unwrap();
    let app = house.app.clone();
    let serving = tokio::spawn(async move { doors.serve(&app).await });
    Open {
        house,
        port,
        serving,
        _lock: lock,
    }
}

impl Open {
    async fn link(&self) -> String {
        let path = "/credentials/connections/demo/token";
        let refused = self.house.post(path, json!({})).await;
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
        .house
        .get("/events?kind=sign_in.completed")
        .await
        .is(200);
    assert_eq!(sign_ins["events"].as_array().unwrap().len(), 1);
    open.house
        .post("/credentials/connections/demo/token", json!({}))
        .await
        .is(200);
    open.house.app.stop().request();
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
    let begun = open.house.get("/events?kind=sign_in.started").await.is(200);
    assert_eq!(begun["events"], json!([]));
}

#[tokio::test]
async fn a_key_works_at_the_loopback_door_until_it_is_revoked() {
    let open = open().await;
    open.house.connect("demo").await;
    let made = open
        .house
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
    open.house.delete("/clients/ci").await.is(200);
    let refused = ask().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
}
