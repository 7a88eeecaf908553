//! Authenticators as a file: what it holds, and who may have the client secrets.

use http::Method;
use serde_json::{Value, json};
use valetkey_agent::Answer;
use valetkey_server::caller::Caller;

use crate::fixture::{Fixture, allow, key, program};

const SECRET: &str = "gh-secret-5f1c";

/// `demo`, which has no secret, `hub`, which has one, and `hub` of another profile.
async fn add_three(fixture: &Fixture) {
    fixture.add("demo").await;
    for path in [
        "/oauth/authenticators",
        "/oauth/authenticators?profile=work",
    ] {
        let hub = json!({
            "authenticator_type": "custom", "name": "Hub", "client_id": "hub-1", "client_secret": SECRET,
            "authorize_url": "https://hub.example/authorize", "token_url": "https://hub.example/token",
            "authorize_params": { "audience": "api" }, "api_hosts": ["api.hub.example"],
        });
        fixture.post(path, hub).await.is(201);
    }
}

async fn export(fixture: &Fixture, caller: &Caller, body: &Value) -> crate::fixture::Reply {
    let body = Some(body.clone());
    fixture
        .ask(caller, Method::POST, "/oauth/export", body)
        .await
}

#[tokio::test]
async fn an_export_reads_back_and_leaves_secrets_to_variables() {
    let fixture = Fixture::new().await;
    add_three(&fixture).await;
    let all = export(&fixture, &program(), &json!({})).await.is(200);
    let all = all["authenticators"].as_array().unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|it| (&it["name"], &it["profile"], &it["client_secret"]))
        .collect();
    let null = Value::Null;
    assert_eq!(
        names,
        [
            (&json!("demo"), &null, &null),
            (&json!("Hub"), &null, &json!("${HUB_CLIENT_SECRET}")),
            (
                &json!("Hub"),
                &json!("work"),
                &json!("${WORK_HUB_CLIENT_SECRET}")
            ),
        ]
    );

    let path = "/oauth/authenticators/hub";
    let before = fixture.get(path).await.is(200);
    fixture.delete(path).await.is(200);
    let mut read = all[1].clone();
    read["client_secret"] = SECRET.into();
    fixture.post("/oauth/authenticators", read).await.is(201);
    let mut after = fixture.get(path).await.is(200);
    for field in ["id", "created_at", "updated_at"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);

    let one = json!({ "authenticators": ["demo"] });
    for caller in [Caller::Window, key(None, true), program()] {
        let one = export(&fixture, &caller, &one).await.is(200);
        assert_eq!(one["authenticators"], json!([all[0]]), "{caller}");
    }
    let none = json!({ "authenticators": ["gone"] });
    export(&fixture, &program(), &none)
        .await
        .refused(404, "not_found");
    export(&fixture, &key(None, false), &one)
        .await
        .refused(403, "access_denied");
}

#[tokio::test]
async fn client_secrets_leave_only_for_programs_and_after_the_persons_yes() {
    let fixture = Fixture::desktop().await;
    add_three(&fixture).await;
    let all = json!({ "secrets": true });
    for caller in [Caller::Window, Caller::Tray, key(None, true)] {
        export(&fixture, &caller, &all)
            .await
            .refused(403, "access_denied");
    }
    assert_eq!(fixture.app.agent().approvals().list(), []);

    let program = program();
    let ask = || export(&fixture, &program, &all);
    let (reply, question) = tokio::join!(ask(), fixture.answer(Answer::Deny));
    assert!(!format!("{reply:?}").contains(SECRET));
    reply.is(403);
    assert_eq!(question.title, "Export client secrets?");
    assert!(
        question.text.contains("hub, hub (profile work)"),
        "{}",
        question.text
    );
    let (reply, ()) = tokio::join!(ask(), fixture.close_question());
    reply.is(403);
    let log = async || {
        let path = "/events?kind=authenticator.exported";
        fixture.get(path).await.is(200)["events"].clone()
    };
    assert_eq!(log().await, json!([]));

    let (reply, _) = tokio::join!(ask(), fixture.answer(allow()));
    let exported = reply.is(200);
    let secrets: Vec<_> = exported["authenticators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["client_secret"].as_str())
        .collect();
    assert_eq!(secrets, [None, Some(SECRET), Some(SECRET)]);
    assert_eq!(log().await.as_array().unwrap().len(), 2);
}

/// The yes was about one name; meanwhile another authenticator got a secret.
#[tokio::test]
async fn what_changed_while_the_person_was_asked_is_asked_again() {
    let fixture = Fixture::desktop().await;
    add_three(&fixture).await;
    let all = json!({ "authenticators": ["demo", "hub"], "secrets": true });
    let answers = async {
        let id = fixture.question("Export").await;
        let secret = json!({ "client_secret": "new-secret-1" });
        let path = "/oauth/authenticators/demo";
        fixture.patch(path, secret).await.is(200);
        fixture.reply(id, allow()).await;
        fixture.answer(Answer::Deny).await
    };
    let program = program();
    let (reply, question) = tokio::join!(export(&fixture, &program, &all), answers);
    reply.is(403);
    assert!(question.text.contains("demo, hub"), "{}", question.text);
}

#[tokio::test]
async fn without_secrets_nobody_is_asked() {
    let fixture = Fixture::desktop().await;
    fixture.add("demo").await;
    let all = json!({ "secrets": true });
    let exported = export(&fixture, &program(), &all).await.is(200);
    assert_eq!(exported["authenticators"][0]["name"], "demo");
    assert_eq!(fixture.app.agent().approvals().list(), []);
}
