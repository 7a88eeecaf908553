//! The settings, as every client sets them.

use http::Method;
use serde_json::json;
use tokio::time::timeout;
use valetkey_agent::{Actor, Answer, Grant, Lasts};
use valetkey_api::core::access::{Policy, Usage};
use valetkey_api::core::actor;
use valetkey_server::caller::Caller;

use crate::fixture::{Fixture, TIMEOUT, key};

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let fixture = Fixture::new().await;
    let at_first = fixture.get("/settings").await.is(200);
    assert_eq!(
        at_first,
        json!({
            "browser": null, "port": null, "log_level": "info", "keep_warm": "when_used",
            "retention_days": 90, "pause_on_lock": false, "pause_on_idle": false, "access_policy": "ask",
            "notifications": { "needs_you": true, "ends_soon": true, "sign_in": true, "quiet_hours": null }
        })
    );
    let night = json!({ "from": "22:00", "to": "07:30" });
    let patch = json!({
        "port": 5123, "log_level": "debug", "retention_days": 30,
        "notifications": { "sign_in": false, "quiet_hours": night }
    });
    let set = fixture.patch("/settings", patch).await.is(200);
    assert_eq!(set["port"], 5123);
    assert_eq!(set["notifications"]["quiet_hours"], night);
    assert_eq!(set["notifications"]["needs_you"], true);
    let patch = json!({ "port": null, "notifications": { "quiet_hours": null } });
    let unset = fixture.patch("/settings", patch).await.is(200);
    assert_eq!(unset["port"], json!(null));
    assert_eq!(unset["log_level"], "debug");
    assert_eq!(unset["retention_days"], 30);
    assert_eq!(unset["notifications"]["quiet_hours"], json!(null));
    assert_eq!(unset["notifications"]["sign_in"], false);
    assert_eq!(fixture.get("/settings").await.is(200), unset);
}

#[tokio::test]
async fn what_undecided_programs_get_is_not_for_keys() {
    let fixture = Fixture::new().await;
    let patch = json!({ "access_policy": "deny" });
    let set = fixture.patch("/settings", patch.clone()).await.is(200);
    assert_eq!(set["access_policy"], "deny");
    let manager = key(None, true);
    for policy in ["allow", "ask", "deny"] {
        let patch = json!({ "access_policy": policy });
        let reply = fixture
            .ask(&manager, Method::PATCH, "/settings", Some(patch))
            .await;
        reply.refused(403, "access_denied");
    }
    let left = fixture.get("/settings").await.is(200);
    assert_eq!(left["access_policy"], "deny");
}

#[tokio::test]
async fn allowing_every_program_is_confirmed_in_the_desktop_app() {
    let fixture = Fixture::desktop().await;
    let agent = fixture.app.agent();
    let patch = |policy: &str| {
        let patch = json!({ "access_policy": policy });
        fixture.ask(&Caller::Window, Method::PATCH, "/settings", Some(patch))
    };
    let once = Grant {
        lasts: Lasts::Once,
        only_project: false,
        usage: Usage::Token,
        only_scopes: None,
    };
    for (answer, status, policy) in [
        (Answer::Deny, 403, "ask"),
        (Answer::Allow(once), 200, "allow"),
    ] {
        let answered = async {
            let mut changed = agent.approvals().subscribe();
            let asked = loop {
                match agent.approvals().list().first() {
                    Some(asked) => break asked.id,
                    None => changed.changed().await.unwrap(),
                }
            };
            assert_eq!(agent.settings().access_policy, Policy::Ask);
            agent
                .answer(asked, answer, &Actor::from(actor::Actor::Window))
                .await
                .unwrap();
        };
        let both = async { tokio::join!(patch("allow"), answered) };
        let (reply, ()) = timeout(TIMEOUT, both).await.expect("it was asked");
        reply.is(status);
        let left = fixture.get("/settings").await.is(200);
        assert_eq!(left["access_policy"], policy);
    }
    // Less than before needs no confirmation; a program cannot make it all the same.
    let program = fixture.patch("/settings", json!({ "access_policy": "deny" }));
    program.await.refused(403, "access_denied");
    patch("deny").await.is(200);
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused_with_the_reason() {
    let fixture = Fixture::new().await;
    let quiet = |from: &str, to: &str| {
        let hours = json!({ "from": from, "to": to });
        json!({ "notifications": { "quiet_hours": hours } })
    };
    for (patch, why) in [
        (quiet("25:00", "07:00"), "written like `22:00`"),
        (
            quiet("07:00", "07:00"),
            "cannot begin and end at the same time",
        ),
        (json!({ "port": 80 }), "1024-65535"),
        (json!({ "port": 4316 }), "but not 4316"),
        (json!({ "retention_days": 0 }), "1 to 3650 days"),
        (json!({ "log_level": "loud" }), "`error`, `warn`"),
        (json!({ "colour": "red" }), "unknown field `colour`"),
    ] {
        let refused = fixture.patch("/settings", patch).await;
        let detail = refused.refused(400, "invalid_request");
        let message = detail["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
    }
    let stored = fixture.get("/settings").await.is(200);
    assert_eq!(stored["port"], json!(null));
}

#[tokio::test]
async fn the_window_is_refused_a_browser_that_is_not_there() {
    let fixture = Fixture::new().await;
    let patch = |browser: &str| {
        let patch = json!({ "browser": browser });
        fixture.ask(&Caller::Window, Method::PATCH, "/settings", Some(patch))
    };
    let refused = patch("nosuchbrowser %s").await;
    let detail = refused.refused(400, "invalid_request");
    assert_eq!(detail["message"], "there is no program `nosuchbrowser`");
    let left = fixture.get("/settings").await.is(200);
    assert_eq!(left["browser"], json!(null));
    let set = patch("sh -c %s").await.is(200);
    assert_eq!(set["browser"], "sh -c %s");
}

#[tokio::test]
async fn changes_side_by_side_are_all_kept() {
    let fixture = Fixture::new().await;
    tokio::join!(
        fixture.patch("/settings", json!({ "port": 5123 })),
        fixture.patch("/settings", json!({ "browser": "firefox" })),
        fixture.post("/pause", json!({})),
        fixture.patch("/settings", json!({ "log_level": "warn" })),
    );
    let set = fixture.get("/settings").await.is(200);
    assert_eq!(
        (&set["port"], &set["browser"], &set["log_level"]),
        (&json!(5123), &json!("firefox"), &json!("warn"))
    );
    assert_eq!(fixture.get("/status").await.is(200)["paused"], true);
}

#[tokio::test]
async fn new_connections_are_kept_warm_as_the_settings_say() {
    let fixture = Fixture::new().await;
    fixture
        .patch("/settings", json!({ "keep_warm": "on_demand" }))
        .await
        .is(200);
    fixture.add("demo").await;
    fixture.connect("demo").await;
    let demo = fixture.get("/credentials/connections/demo").await.is(200);
    assert_eq!(demo["keep_warm"], "on_demand");
}
