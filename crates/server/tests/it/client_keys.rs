//! Client keys that were made while no desktop app ran.

use http::Method;
use serde_json::{Value, json};
use valetkey_agent::Answer;
use valetkey_server::caller::Caller;
use valetkey_server::listeners::{Limits, LoopbackListener};
use valetkey_server::permission::Host;

use crate::fixture::{Fixture, allow, key as holder, program};
use crate::gateway::{Answer as Reply, Gateway};

/// What the loopback listener of this agent says to a key, at the API and at the proxy.
async fn ask(fixture: &Fixture, key: &str) -> [(u16, Value); 2] {
    let listener = LoopbackListener::bind(0, false).unwrap();
    let url = format!("http://127.0.0.1:{}", listener.port());
    let (verifier, stop) = (fixture.app.verifier(), fixture.app.stop().clone());
    let serving = listener.serve(fixture.router(), verifier, Limits::default(), stop);
    let serving = tokio::spawn(serving);
    let mut answers = Vec::new();
    for path in ["/api/v1/credentials/connections", "/proxy/demo/x"] {
        let request = Gateway::tool().get(format!("{url}{path}")).bearer_auth(key);
        let answer = Reply::read(request.send().await.unwrap()).await;
        answers.push((
            answer.status.as_u16(),
            serde_json::from_str(&answer.text).unwrap_or_default(),
        ));
    }
    serving.abort();
    answers.try_into().unwrap()
}

#[tokio::test]
async fn a_key_made_without_the_app_waits_for_the_person_while_the_app_runs() {
    let mut fixture = Fixture::new().await;
    let body = json!({ "name": "ci", "manage": true });
    let made = fixture.post("/clients", body).await.is(201);
    assert_eq!(made["client"]["is_active"], true, "there is no app");
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(ask(&fixture, &key).await[0].0, 200);

    fixture.restart_by(Host::Desktop).await;
    let listed = fixture.get("/clients").await.is(200);
    assert_eq!(listed["clients"][0]["is_active"], false);
    let [api, proxy] = ask(&fixture, &key).await;
    assert_eq!((api.0, proxy.0), (403, 403), "{api:?} {proxy:?}");
    let detail = &api.1["detail"];
    assert_eq!(detail["code"], "key_not_confirmed");
    assert_eq!(detail["hint"], "confirm it in Valet Key, under Access");
    let told = proxy.1["detail"].as_str().unwrap();
    assert!(told.contains("confirm it in Valet Key"), "{told}");
    let used = fixture.get("/clients").await.is(200);
    let made_use = &listed["clients"][0]["used_at"];
    assert_eq!(
        used["clients"][0]["used_at"], *made_use,
        "it did not come in"
    );

    let path = "/clients/ci/confirm";
    for caller in [program(), holder(None, true)] {
        let refused = fixture.ask(&caller, Method::POST, path, None).await;
        refused.refused(403, "access_denied");
    }
    assert!(fixture.app.agent().approvals().list().is_empty());

    for (answer, status) in [(Answer::Deny, 403), (allow(), 200)] {
        let confirm = fixture.ask(&Caller::Window, Method::POST, path, None);
        let (reply, question) = tokio::join!(confirm, fixture.answer(answer));
        assert_eq!(question.title, "Let the client key `ci` be used?");
        assert!(question.text.contains("all connections"), "{question:?}");
        assert!(question.text.contains("add and remove"), "{question:?}");
        let body = reply.is(status);
        let expected = if status == 200 { 200 } else { 403 };
        assert_eq!(ask(&fixture, &key).await[0].0, expected, "{body}");
    }
    let log = fixture.get("/events?kind=key.confirmed").await.is(200);
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{log:#}");
    assert_eq!(
        (&events[0]["actor"]["kind"], &events[0]["detail"]["key"]),
        (&json!("window"), &json!("ci"))
    );

    // It is remembered.
    fixture.restart_by(Host::Desktop).await;
    assert_eq!(ask(&fixture, &key).await[0].0, 200);
}

#[tokio::test]
async fn many_wrong_keys_are_told_to_the_person() {
    let gateway = Gateway::open(&[]).await;
    for _ in 0..25 {
        let request = Gateway::tool().get(gateway.url("/api/v1/status"));
        let request = request.bearer_auth("vk_guess").send();
        // Those after the 20th are held back.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(300), request).await;
    }
    let events = gateway.events("key.guessed", 1).await;
    assert_eq!(events[0]["detail"]["count"], 21, "{events:?}");
    assert_eq!(events[0]["actor"]["kind"], "agent", "{events:?}");
}

#[tokio::test]
async fn a_key_made_in_the_app_is_confirmed_and_asked_about_once() {
    let fixture = Fixture::desktop().await;
    let body = json!({ "name": "ci" });
    let made = fixture.ask(&Caller::Window, Method::POST, "/clients", Some(body));
    let (made, _) = tokio::join!(made, fixture.answer(allow()));
    let made = made.is(201);
    assert_eq!(made["client"]["is_active"], true);
    let path = "/clients/ci/confirm";
    let again = fixture.ask(&Caller::Window, Method::POST, path, None).await;
    assert_eq!(again.is(200)["is_active"], true, "nobody is asked");
    let key = made["key"].as_str().unwrap();
    assert_eq!(ask(&fixture, key).await[0].0, 200);
    let missing = fixture.ask(
        &Caller::Window,
        Method::POST,
        "/clients/other/confirm",
        None,
    );
    missing.await.refused(404, "not_found");
}
