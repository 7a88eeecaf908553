//! The audit log, read and followed.

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;
use valetkey_server::caller::Caller;

use crate::fixture::{Fixture, TIMEOUT, program};

#[tokio::test]
async fn the_log_tells_who_did_what_to_whom() {
    let fixture = Fixture::connected().await;
    fixture
        .post("/credentials/connections/demo/token", json!({}))
        .await
        .is(200);
    let log = fixture.get("/events?connection=demo").await.is(200);
    let events = log["events"].as_array().unwrap();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"connection.added"), "{kinds:?}");
    let served = events
        .iter()
        .find(|event| event["kind"] == "token.served")
        .unwrap();
    assert_eq!(served["connection"], "demo");
    let actor = &served["actor"];
    assert_eq!(actor["kind"], "process");
    assert_eq!(actor["pid"], std::process::id());
    let executable = std::env::current_exe().unwrap();
    assert_eq!(actor["executable"], executable.display().to_string());
    let after = format!("/events?after={}", log["last_id"]);
    assert_eq!(fixture.get(&after).await.is(200)["events"], json!([]));
}

#[tokio::test]
async fn every_event_about_a_removed_connection_tells_its_name() {
    let fixture = Fixture::connected().await;
    let path = "/credentials/connections/demo/token";
    fixture.post(path, json!({})).await.is(200);
    let path = "/credentials/connections/demo?force=true";
    fixture.delete(path).await.is(200);
    let log = fixture.get("/events").await.is(200);
    let events = log["events"].as_array().unwrap();
    for kind in ["connection.added", "token.served", "connection.removed"] {
        let event = events.iter().find(|event| event["kind"] == kind);
        assert_eq!(event.unwrap()["connection"], "demo", "{kind}");
    }
}

#[tokio::test]
async fn the_log_tells_which_part_of_the_desktop_app_asked() {
    let fixture = Fixture::connected().await;
    for caller in [Caller::Window, Caller::Tray, Caller::Notification] {
        let pause = fixture.ask(&caller, Method::POST, "/pause", Some(json!({})));
        pause.await.is(200);
        fixture.post("/resume", json!({})).await.is(200);
    }
    let log = fixture.get("/events?kind=agent.paused").await.is(200);
    let events = log["events"].as_array().unwrap();
    let actors: Vec<_> = events.iter().map(|event| &event["actor"]["kind"]).collect();
    assert_eq!(actors, ["window", "tray", "notification"]);
}

#[tokio::test]
async fn the_log_is_paged_back_without_a_gap_or_a_line_twice() {
    let fixture = Fixture::connected().await;
    for _ in 0..5 {
        fixture.post("/pause", json!({})).await.is(200);
        fixture.post("/resume", json!({})).await.is(200);
    }
    let whole = ids(&fixture, "/events?limit=1000").await;
    let mut paged = Vec::new();
    let mut page = ids(&fixture, "/events?limit=4").await;
    while let Some(oldest) = page.first().copied() {
        paged.splice(0..0, page);
        page = ids(&fixture, &format!("/events?limit=4&before={oldest}")).await;
    }
    assert_eq!(paged, whole);
    let both = fixture.get("/events?follow&before=3").await;
    both.refused(400, "invalid_request");
    for limit in ["0", "1001", "4294967295"] {
        let refused = fixture.get(&format!("/events?limit={limit}")).await;
        refused.refused(400, "invalid_request");
    }
}

async fn ids(fixture: &Fixture, path: &str) -> Vec<i64> {
    let log = fixture.get(path).await.is(200);
    let events = log["events"].as_array().unwrap().iter();
    events.map(|event| event["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_removed_connection_keeps_its_name_in_the_log() {
    let fixture = Fixture::connected().await;
    fixture
        .delete("/credentials/connections/demo?force=true")
        .await
        .is(200);
    let log = fixture.get("/events?kind=connection.removed").await.is(200);
    assert_eq!(log["events"][0]["connection"], "demo", "{log:#}");
}

#[tokio::test]
async fn a_follower_hears_what_happens_and_can_resume() {
    let fixture = Fixture::connected().await;
    let mut live = follow(&fixture, "/api/v1/events?follow", None).await;
    fixture.post("/pause", json!({})).await.is(200);
    let paused = live.next().await;
    assert_eq!(paused["kind"], "agent.paused");
    fixture.post("/resume", json!({})).await.is(200);
    assert_eq!(live.next().await["kind"], "agent.resumed");

    let id = paused["id"].to_string();
    let mut resumed = follow(&fixture, "/api/v1/events?follow=true", Some(&id)).await;
    assert_eq!(resumed.next().await["kind"], "agent.resumed");
    fixture.app.stop().request();
    assert!(live.is_over().await && resumed.is_over().await);
}

#[tokio::test]
async fn every_follower_gets_each_of_its_events_once() {
    let fixture = Fixture::connected().await;
    let before = fixture.get("/events?limit=1").await.is(200)["last_id"].to_string();
    let paused = "/api/v1/events?follow&kind=agent.paused";
    let mut live = Vec::new();
    for _ in 0..50 {
        live.push(follow(&fixture, paused, None).await);
    }
    for _ in 0..3 {
        fixture.post("/pause", json!({})).await.is(200);
        fixture.post("/resume", json!({})).await.is(200);
    }
    // Some of what it asks for is in the log already, the rest comes live.
    live.push(follow(&fixture, paused, Some(&before)).await);
    fixture.post("/pause", json!({})).await.is(200);
    let log = fixture.get("/events?kind=agent.paused").await.is(200);
    let expected: Vec<_> = log["events"].as_array().unwrap().iter().collect();
    assert_eq!(expected.len(), 4);
    for stream in &mut live {
        for event in &expected {
            assert_eq!(stream.next().await["id"], event["id"]);
        }
    }
}

/// The feed ends with its last follower and starts with the next one.
#[tokio::test]
async fn followers_that_come_and_go_miss_nothing() {
    let fixture = Fixture::connected().await;
    let path = "/api/v1/events?follow&kind=agent.paused";
    let mut last = fixture.get("/events?limit=1").await.is(200)["last_id"].to_string();
    for _ in 0..20 {
        drop(follow(&fixture, path, None).await);
        // With this the feed finds that nobody follows, or that somebody has come.
        let pause = fixture.post("/pause", json!({}));
        let (paused, mut live) = tokio::join!(pause, follow(&fixture, path, Some(&last)));
        paused.is(200);
        last = live.next().await["id"].to_string();
        let resume = fixture.post("/resume", json!({}));
        resume.await.is(200);
    }
    let log = fixture.get("/events?kind=agent.paused").await.is(200);
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.len(), 20);
    assert_eq!(events[19]["id"].to_string(), last);
}

/// It must not be served from the feed's buffer alone.
#[tokio::test]
async fn a_follower_that_falls_behind_misses_nothing() {
    let fixture = Fixture::connected().await;
    let mut slow = follow(&fixture, "/api/v1/events?follow", None).await;
    for _ in 0..200 {
        fixture.post("/pause", json!({})).await.is(200);
        fixture.post("/resume", json!({})).await.is(200);
    }
    let mut last = slow.next().await["id"].as_i64().unwrap();
    for _ in 1..400 {
        let id = slow.next().await["id"].as_i64().unwrap();
        assert_eq!(id, last + 1);
        last = id;
    }
}

struct Stream(Body, String);

async fn follow(fixture: &Fixture, path: &str, last: Option<&str>) -> Stream {
    let mut request = Request::builder().uri(path).extension(program());
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = fixture.router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Stream(response.into_body(), String::new())
}

impl Stream {
    /// The next event's data.
    async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.1.find("\n\n") {
                let event: String = self.1.drain(..end + 2).collect();
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let data = data.map(|data| serde_json::from_str(data).unwrap());
                if let Some(data) = data {
                    return data;
                }
                continue;
            }
            let frame = timeout(TIMEOUT, self.0.frame()).await.unwrap();
            let data = frame.unwrap().unwrap().into_data().unwrap();
            self.1.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    async fn is_over(&mut self) -> bool {
        timeout(TIMEOUT, self.0.frame()).await.unwrap().is_none()
    }
}

#[tokio::test]
async fn a_line_that_was_changed_is_found_over_the_api() {
    let fixture = Fixture::connected().await;
    let found = fixture.post("/events/verify", json!({})).await.is(200);
    assert_eq!(found["intact"], true);
    assert_eq!(found["problems"], json!([]));
    let lines = found["lines"].as_u64().unwrap();
    assert_eq!(found["last"], lines);
    let log = fixture.get("/events?limit=1").await.is(200);
    assert_eq!(log["last_id"], lines);
}

#[tokio::test]
async fn the_log_is_read_by_who_asked_and_since_when() {
    let fixture = Fixture::connected().await;
    fixture.post("/pause", json!({})).await.is(200);
    let key = crate::fixture::key(None, true);
    let resumed = fixture.ask(&key, Method::POST, "/resume", Some(json!({})));
    resumed.await.is(200);
    let kinds = async |query: &str| {
        let log = fixture.get(&format!("/events?{query}")).await.is(200);
        let events = log["events"].as_array().unwrap().clone();
        let kinds = events.iter().map(|event| event["kind"].clone());
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(
        kinds("actor=key%20&kind=agent.resumed").await,
        ["agent.resumed"]
    );
    assert_eq!(kinds("actor=key%20&kind=agent.paused").await, [""; 0]);
    assert_eq!(kinds("since=2999-01-01T00:00:00Z").await, [""; 0]);
    assert!(!kinds("since=2000-01-01T00:00:00Z").await.is_empty());
    fixture
        .get("/events?since=yesterday")
        .await
        .refused(400, "invalid_request");
}
