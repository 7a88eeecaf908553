//! Verbs as a whole, where rendering and requests come together.

use serde_json::{Value, json};

use crate::stub::{Ended, Stub, connection};

fn status() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"), "pid": 42, "started_at": "2026-11-21T08:00:00Z", "paused": false,
        "socket": "/s", "port": 4315, "port_problem": null, "data": "/d", "log": "/l",
        "secret_store": {"kind": "memory", "state": "ready", "reason": null, "unsaved": 0},
        "authenticators": 1, "connections": {"total": 1, "active": 1, "expired": 0, "needs_reconnect": 0}
    })
}

fn agent() -> Stub {
    Stub::new(|request| {
        let body = match request.line.split('?').next().unwrap() {
            "GET /status" | "POST /pause" | "POST /resume" => status(),
            "GET /credentials/connections" => json!({"connections": [connection("github")]}),
            "GET /oauth/authenticators" => json!({"authenticators": []}),
            "GET /settings" => json!({"browser": "true"}),
            "PATCH /settings" => request.body.clone(),
            "PATCH /credentials/connections/github" => connection("github/work"),
            "GET /events" => json!({"events": [], "last_id": 7}),
            "POST /clients" => {
                json!({"key": "vk_s3cret", "base_url": "http://127.0.0.1:4315", "client": key()})
            }
            "DELETE /clients/ci" => key(),
            "POST /doctor" => json!({
                "now": "2026-11-21T08:00:00Z", "versions": [{"name": "sqlite", "version": "3"}],
                "checks": [{"name": "keychain_write", "outcome": "failed", "message": "locked"}]
            }),
            _ => {
                return Some((
                    404,
                    json!({"detail": {"code": "not_found", "message": "no"}}),
                ));
            }
        };
        Some((200, body))
    })
}

fn key() -> Value {
    json!({
        "id": "018f0000-0000-7000-8000-000000000001", "name": "ci", "connections": null, "manage": true, "is_active": true,
        "created_at": "2026-11-01T12:00:00Z", "expires_at": null, "used_at": null
    })
}

#[test]
fn status_is_one_table_or_one_document() {
    let ended = agent().run("status");
    assert!(
        ended
            .out
            .starts_with("CONNECTION  ACCOUNT  STATUS\ngithub      ada      active"),
        "{}",
        ended.out
    );
    let document: Value = serde_json::from_str(&agent().run("status --json").out).unwrap();
    assert_eq!(document["agent"]["pid"], 42);
    assert_eq!(document["connections"][0]["name"], "github");
}

#[test]
fn a_new_key_is_the_only_thing_on_stdout() {
    let agent = agent();
    let ended = agent.run("key create --name ci --connections a,b/c --manage --expires 30d");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "vk_s3cret\n"));
    let requests = agent.requests();
    let made = requests.iter().find(|it| it.line == "POST /clients");
    assert_eq!(
        made.unwrap().body,
        json!({"name": "ci", "connections": ["a", "b/c"], "manage": true, "expires_in": 2_592_000})
    );
    assert_eq!(agent.run("key revoke ci").err, "revoked key `ci`\n");
}

#[test]
fn events_are_asked_for_with_their_filters() {
    let agent = agent();
    let ended =
        agent.run("events --connection github/work --kind token.served --after 3 --limit 5");
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (Some(0), "", "no events\n")
    );
    assert_eq!(
        agent.lines(),
        ["GET /events?after=3&limit=5&connection=github%2Fwork&kind=token.served"]
    );
}

#[test]
fn doctor_fails_if_a_check_does() {
    let ended = agent().run("doctor");
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.err, "error: 1 check failed\n");
    assert_eq!(
        ended.out,
        format!(
            "ok       agent           runs (pid 42)\n\
             failed   keychain write  locked\n\
             ok       browser         `true` opens it\n\n\
             valetkey {0} · sqlite 3\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn doctor_without_an_agent_still_looks_around() {
    let ended = Stub::absent().run("doctor");
    assert_eq!(ended.code, Some(69));
    assert!(
        ended.out.starts_with("failed   agent    does not run\n"),
        "{}",
        ended.out
    );
}

#[test]
fn pausing_says_how_it_ends() {
    let ended = agent().run("pause");
    assert_eq!(
        ended.err,
        "paused: no tokens are handed out until `valetkey resume`\n"
    );
}

#[test]
fn the_catalogue_needs_no_agent() {
    let ended = Stub::absent().run("providers");
    assert!(ended.out.contains("github"), "{}", ended.out);
    assert_eq!(Stub::absent().run("providers nope").code, Some(66));
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Stub::absent();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            home.run(&format!("completions {shell}"))
                .out
                .contains("VALETKEY_COMPLETE"),
            "{shell}"
        );
    }
    let pages = home.home().join("man");
    std::fs::create_dir(&pages).unwrap();
    assert_eq!(home.run(&format!("man {}", pages.display())).code, Some(0));
    assert!(pages.join("valetkey-connect.1").exists());
}

#[test]
fn an_account_gets_a_label_or_none() {
    let agent = agent();
    let ended = agent.run("label github work");
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "`github` is now `github/work`\n")
    );
    agent.run("label github --none --json");
    let bodies: Vec<_> = agent.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(
        bodies,
        [json!({"account": "work"}), json!({"account": null})]
    );
}

#[test]
fn the_refresh_policy_is_set_in_the_words_of_the_api() {
    let agent = agent();
    let ended = agent.run("keep-warm github on-demand");
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "`github/work` is refreshed while it is used\n")
    );
    assert_eq!(agent.requests()[0].body, json!({"keep_warm": "on_demand"}));
}

#[test]
fn what_programs_may_do_is_set_in_the_words_of_the_api() {
    let agent = agent();
    let ended = agent.run("proxy-only github on");
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "`github/work`: token handed out\n")
    );
    agent.run("proxy-only github off");
    agent.run("proxy-methods github get,HEAD");
    agent.run("proxy-methods github any");
    let bodies: Vec<_> = agent.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(
        bodies,
        [
            json!({"proxy_only": true}),
            json!({"proxy_only": false}),
            json!({"allowed_methods": ["get", "HEAD"]}),
            json!({"allowed_methods": null}),
        ]
    );
}

#[test]
fn the_browser_is_shown_set_and_unset() {
    let agent = agent();
    let all = agent.run("settings").out;
    assert!(all.starts_with("browser           true\n"), "{all}");
    assert_eq!(agent.run("settings browser").out, "true\n");
    agent.script("firefox", "");
    let mut set = agent.command("settings browser");
    set.arg("firefox -P work").env("PATH", agent.home());
    let ended = Ended::from(set.output().unwrap());
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "browser  firefox -P work\n")
    );
    assert_eq!(
        agent.run("settings browser --unset").err,
        "browser  (not set: `$BROWSER`, then the desktop's own)\n"
    );
    let bodies: Vec<_> = agent.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(
        bodies[2..],
        [
            json!({"browser": "firefox -P work"}),
            json!({"browser": null})
        ]
    );
}

#[test]
fn each_setting_is_set_in_words_and_sent_in_those_of_the_api() {
    let agent = agent();
    for (words, told, body) in [
        (
            "notify-sign-in off",
            "notify-sign-in  off\n",
            json!({"notifications": {"sign_in": false}}),
        ),
        (
            "quiet-hours 22:00-07:00",
            "quiet-hours  22:00-07:00\n",
            json!({"notifications": {"quiet_hours": {"from": "22:00", "to": "07:00"}}}),
        ),
        (
            "quiet-hours --unset",
            "quiet-hours  (none)\n",
            json!({"notifications": {"quiet_hours": null}}),
        ),
        (
            "port 5123",
            "port  5123\nthe agent takes it at its next start\n",
            json!({"port": 5123}),
        ),
        (
            "log-level debug",
            "log-level  debug\n",
            json!({"log_level": "debug"}),
        ),
        (
            "keep-warm on-demand",
            "keep-warm  on-demand\n",
            json!({"keep_warm": "on_demand"}),
        ),
    ] {
        let ended = agent.run(&format!("settings {words}"));
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), told));
        assert_eq!(agent.requests().last().unwrap().body, body);
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_before_anything_is_sent() {
    let agent = agent();
    for (words, why) in [
        ("notify-sign-in maybe", "it is `on` or `off`"),
        (
            "quiet-hours 22:00",
            "quiet hours are written like `22:00-07:00`",
        ),
        ("port 80", "1024-65535"),
        ("log-level loud", "`debug`"),
        ("keep-warm warm", "`when-used`"),
    ] {
        let ended = agent.run(&format!("settings {words}"));
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains(why), "{}", ended.err);
    }
    assert_eq!(agent.lines(), [""; 0]);
}
