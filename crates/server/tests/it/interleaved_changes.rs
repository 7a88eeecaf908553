//! Changes that wait for the person, and what happens meanwhile.

use http::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use valetkey_agent::{Answer, Grant, Lasts};
use valetkey_api::core::access::Usage;
use valetkey_server::caller::Caller;
use valetkey_server::permission::Host;

use crate::fixture::{Fixture, Reply, TIMEOUT, allow, program};

const DEMO: &str = "/oauth/authenticators/demo";
const CONNECTION: &str = "/credentials/connections/demo";

async fn connected() -> Fixture {
    let fixture = Fixture::desktop().await;
    fixture.add("demo").await;
    fixture.connect("demo").await;
    fixture
}

async fn token_url(fixture: &Fixture) -> Value {
    fixture.get(DEMO).await.is(200)["endpoints"]["token_url"].clone()
}

#[track_caller]
fn denied(reply: Reply) {
    let body = reply.is(403);
    assert_eq!(body["detail"]["code"], "access_denied", "{body:#}");
}

async fn by_window(fixture: &Fixture, method: Method, path: &str, body: Value) -> Reply {
    fixture.ask(&Caller::Window, method, path, Some(body)).await
}

/// What was no change when it was asked about is one now, and is asked about before it is made.
#[tokio::test]
async fn a_value_that_was_changed_during_the_question_is_not_changed_back_without_one() {
    let fixture = connected().await;
    let old = token_url(&fixture).await;
    let path = format!("{DEMO}?force=true");
    let both = json!({ "token_url": old, "api_hosts": ["evil.example"] });
    let moved = "https://new.example/token";
    let person = async {
        let hosts = fixture.question("evil.example").await;
        let change = by_window(
            &fixture,
            Method::PATCH,
            &path,
            json!({ "token_url": moved }),
        );
        let yes = async {
            let question = fixture.question(moved).await;
            fixture.reply(question, allow()).await;
        };
        let (changed, ()) = tokio::join!(change, yes);
        changed.is(200);
        fixture.reply(hosts, allow()).await;
        let back = fixture.question(old.as_str().unwrap()).await;
        fixture.reply(back, Answer::Deny).await;
    };
    let (reply, ()) = tokio::join!(fixture.patch(&path, both), person);
    denied(reply);
    assert_eq!(token_url(&fixture).await, moved);
}

#[tokio::test]
async fn a_setting_that_was_changed_during_the_question_is_not_changed_back_without_one() {
    let fixture = Fixture::desktop().await;
    let both = json!({ "browser": "firefox", "pause_on_lock": false });
    let person = async {
        let browser = fixture.question("firefox").await;
        let lock = json!({ "pause_on_lock": true });
        by_window(&fixture, Method::PATCH, "/settings", lock)
            .await
            .is(200);
        fixture.reply(browser, allow()).await;
        let lock = fixture.question("locked").await;
        fixture.reply(lock, Answer::Deny).await;
    };
    let (reply, ()) = tokio::join!(fixture.patch("/settings", both), person);
    denied(reply);
    let left = fixture.get("/settings").await.is(200);
    assert_eq!(
        (&left["browser"], &left["pause_on_lock"]),
        (&json!(null), &json!(true))
    );
}

/// Another connection of the same name, which nobody was asked about.
#[tokio::test]
async fn a_yes_is_for_what_had_the_name_when_it_was_asked() {
    let fixture = connected().await;
    let only = json!({ "proxy_only": true });
    fixture.patch(CONNECTION, only.clone()).await.is(200);
    let again = async |question: &str, asked: &mut bool| {
        let id = fixture.question(question).await;
        let gone = fixture.delete(&format!("{DEMO}?force=true")).await;
        gone.is(200);
        fixture.add("demo").await;
        fixture.connect("demo").await;
        fixture.patch(CONNECTION, only.clone()).await.is(200);
        fixture.reply(id, allow()).await;
        *asked = true;
    };
    let mut asked = false;
    let widen = fixture.patch(CONNECTION, json!({ "proxy_only": false }));
    let (reply, ()) = tokio::join!(widen, again("its token", &mut asked));
    reply.refused(404, "not_found");
    let left = fixture.get(CONNECTION).await.is(200);
    assert_eq!(left["proxy_only"], true);

    let key = json!({ "name": "ci", "connections": ["demo"] });
    let made = by_window(&fixture, Method::POST, "/clients", key);
    let (reply, ()) = tokio::join!(made, again("`ci`", &mut asked));
    reply.refused(404, "not_found");

    let copy = fixture.app.token_for_person("demo", None);
    let (copied, ()) = tokio::join!(copy, again("Copy a token", &mut asked));
    assert!(copied.is_err());

    let hosts = fixture.patch(DEMO, json!({ "api_hosts": ["evil.example"] }));
    let (reply, ()) = tokio::join!(hosts, again("evil.example", &mut asked));
    reply.refused(404, "not_found");
    assert!(asked);
}

#[tokio::test]
async fn a_caller_that_hangs_up_changes_nothing() {
    let fixture = connected().await;
    let approvals = fixture.app.agent().approvals();
    fixture.post("/pause", json!({})).await.is(200);
    {
        let mut resume = Box::pin(fixture.post("/resume", json!({})));
        tokio::select! {
            reply = &mut resume => panic!("nobody has answered: {reply:?}"),
            _ = fixture.question("Resume") => {}
        }
    }
    assert_eq!(approvals.list(), [], "nobody is there to be answered");
    assert_eq!(fixture.get("/status").await.is(200)["paused"], true);

    // After the first of two answers, too.
    let both = json!({ "browser": "firefox", "retention_days": 1 });
    {
        let mut patch = Box::pin(fixture.patch("/settings", both));
        let first = async {
            let question = fixture.question("firefox").await;
            fixture.reply(question, allow()).await;
            fixture.question("1 days").await
        };
        tokio::select! {
            reply = &mut patch => panic!("nobody has answered: {reply:?}"),
            _ = first => {}
        }
    }
    assert_eq!(approvals.list(), []);
    let left = fixture.get("/settings").await.is(200);
    assert_eq!(
        (&left["browser"], &left["retention_days"]),
        (&json!(null), &json!(90))
    );
}

#[tokio::test]
async fn equal_changes_are_one_question_and_made_once() {
    let fixture = Fixture::desktop().await;
    fixture.post("/pause", json!({})).await.is(200);
    let resume = || fixture.post("/resume", json!({}));
    let yes = async {
        let question = fixture.question("Resume").await;
        fixture.asked_times(question, 2).await;
        fixture.reply(question, allow()).await;
    };
    let (one, other, ()) = tokio::join!(resume(), resume(), yes);
    assert_eq!(
        (
            one.is(200)["paused"].clone(),
            other.is(200)["paused"].clone()
        ),
        (json!(false), json!(false))
    );
    let log = fixture.get("/events?kind=agent.resumed").await.is(200);
    assert_eq!(log["events"].as_array().unwrap().len(), 1, "{log:#}");

    let key = || by_window(&fixture, Method::POST, "/clients", json!({ "name": "ci" }));
    let yes = async {
        let question = fixture.question("`ci`").await;
        fixture.asked_times(question, 2).await;
        fixture.reply(question, allow()).await;
    };
    let (one, other, ()) = tokio::join!(key(), key(), yes);
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let keys = fixture.get("/clients").await.is(200);
    assert_eq!(keys["clients"].as_array().unwrap().len(), 1);
}

/// A yes to the harmless one of two is none to the other.
#[tokio::test]
async fn changes_that_differ_are_questions_of_their_own() {
    let fixture = connected().await;
    let (good, evil) = ("https://good.example/token", "https://evil.example/token");
    let path = format!("{DEMO}?force=true");
    let ask = async |url: &str| fixture.patch(&path, json!({ "token_url": url })).await;
    let person = async {
        let (first, second) = (fixture.question(good).await, fixture.question(evil).await);
        assert_ne!(first, second);
        fixture.reply(first, allow()).await;
        fixture.reply(second, Answer::Deny).await;
    };
    let (one, other, ()) = tokio::join!(ask(good), ask(evil), person);
    one.is(200);
    denied(other);
    assert_eq!(token_url(&fixture).await, good);

    let key = |expires: Value| {
        let body = json!({ "name": "ci", "expires_in": expires });
        by_window(&fixture, Method::POST, "/clients", body)
    };
    let person = async {
        let (ends, stays) = (
            fixture.question("It ends").await,
            fixture.question("until you revoke").await,
        );
        assert_ne!(ends, stays);
        fixture.reply(ends, allow()).await;
        fixture.reply(stays, Answer::Deny).await;
    };
    let (ends, stays, ()) = tokio::join!(key(json!(60)), key(json!(null)), person);
    ends.is(201);
    denied(stays);
}

#[tokio::test]
async fn the_person_is_not_asked_about_what_cannot_be_done() {
    let fixture = Fixture::desktop().await;
    let key = |body: Value| by_window(&fixture, Method::POST, "/clients", body);
    let made = async {
        let question = fixture.question("`ci`").await;
        fixture.reply(question, allow()).await;
    };
    let (first, ()) = tokio::join!(key(json!({ "name": "ci" })), made);
    first.is(201);
    let refused = async {
        key(json!({ "name": "ci" })).await.refused(409, "conflict");
        key(json!({ "name": "a\nb" }))
            .await
            .refused(400, "invalid_request");
        key(json!({ "name": "x", "connections": ["none"] }))
            .await
            .refused(404, "not_found");
    };
    timeout(TIMEOUT, refused).await.expect("nobody is asked");
}

#[tokio::test]
async fn an_app_that_quits_makes_no_change_that_was_asked_about() {
    let mut fixture = Fixture::desktop().await;
    fixture.post("/pause", json!({})).await.is(200);
    let quit = async {
        fixture.question("Resume").await;
        fixture.app.agent().shutdown().await;
    };
    let (reply, ()) = tokio::join!(fixture.post("/resume", json!({})), quit);
    assert!(!reply.status.is_success(), "{reply:?}");
    // Nor is anybody asked once it stops.
    let late = fixture.post("/resume", json!({}));
    let late = timeout(TIMEOUT, late).await.expect("at once");
    late.refused(503, "paused");
    assert_eq!(fixture.app.agent().approvals().list(), []);
    fixture.restart_by(Host::Desktop).await;
    assert_eq!(fixture.get("/status").await.is(200)["paused"], true);
}

/// What narrows is not undone by a change that was judged before it.
#[tokio::test]
async fn a_pause_that_begins_beside_a_resume_stays() {
    let fixture = Fixture::desktop().await;
    let (paused, resumed) = tokio::join!(
        fixture.post("/pause", json!({})),
        fixture.post("/resume", json!({})),
    );
    paused.is(200);
    resumed.is(200);
    assert_eq!(fixture.get("/status").await.is(200)["paused"], true);
}

#[tokio::test]
async fn a_limit_that_is_set_beside_its_opposite_stays() {
    let fixture = connected().await;
    let set = by_window(
        &fixture,
        Method::PATCH,
        CONNECTION,
        json!({ "proxy_only": true }),
    );
    let undone = fixture.patch(CONNECTION, json!({ "proxy_only": false }));
    let person = async {
        let question = fixture.question("its token").await;
        fixture.reply(question, Answer::Deny).await;
    };
    let all = async { tokio::join!(set, undone, person) };
    let (set, undone, ()) = timeout(TIMEOUT, all).await.expect("somebody is asked");
    set.is(200);
    denied(undone);
    assert_eq!(fixture.get(CONNECTION).await.is(200)["proxy_only"], true);
}

/// Under a policy that allows, the rule that gives less is what holds a program back.
#[tokio::test]
async fn a_rule_that_limits_is_not_removed_unasked() {
    let fixture = connected().await;
    let hosts = fixture.patch(DEMO, json!({ "api_hosts": ["api.example.com"] }));
    let (hosts, _) = tokio::join!(hosts, fixture.answer(allow()));
    hosts.is(200);
    let token = format!("{CONNECTION}/token");
    let patient = Some(json!({ "wait_seconds": 0 }));
    let asked = fixture.ask(&program(), Method::POST, &token, patient).await;
    denied(asked);
    let asked = fixture.app.agent().approvals().list()[0].id;
    let Answer::Allow(grant) = allow() else {
        panic!("no grant")
    };
    let only_proxy = Answer::Allow(Grant {
        lasts: Lasts::Always,
        usage: Usage::Proxy,
        ..grant
    });
    fixture.reply(asked, only_proxy).await;
    let policy = json!({ "access_policy": "allow" });
    let policy = by_window(&fixture, Method::PATCH, "/settings", policy);
    let (policy, _) = tokio::join!(policy, fixture.answer(allow()));
    policy.is(200);

    let rules = by_window(&fixture, Method::GET, "/rules", Value::Null).await;
    let rules = rules.is(200);
    let rule = format!("/rules/{}", rules["rules"][0]["id"].as_str().unwrap());
    let removed = by_window(&fixture, Method::DELETE, &rule, Value::Null);
    let person = async {
        let question = fixture.question("Remove the limit").await;
        fixture.reply(question, Answer::Deny).await;
    };
    let both = async { tokio::join!(removed, person) };
    let (removed, ()) = timeout(TIMEOUT, both).await.expect("somebody is asked");
    denied(removed);
}
