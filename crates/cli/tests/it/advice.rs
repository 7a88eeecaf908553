//! What a person is told to do, and what is taken from them as it is.

use std::fs;

use serde_json::{Value, json};

use crate::add::saved;
use crate::stub::{Ended, Stub, connection, token_response};

/// An agent whose authenticator `github` is disabled.
fn with_disabled() -> Stub {
    Stub::new(|request| {
        let mut authenticator = saved()["authenticator"].clone();
        authenticator["id"] = connection("github")["authenticator_id"].clone();
        authenticator["is_active"] = json!(false);
        let body = match request.line.as_str() {
            "GET /status" => json!({
                "version": "1", "pid": 42, "started_at": "2026-11-21T08:00:00Z", "paused": false,
                "socket": "/s", "port": 4315, "port_problem": null, "data": "/d", "log": "/l",
                "secret_store": {"kind": "memory", "state": "ready", "reason": null, "unsaved": 0},
                "authenticators": 1,
                "connections": {"total": 1, "active": 1, "expired": 0, "needs_reconnect": 0}
            }),
            "GET /credentials/connections" => json!({"connections": [connection("github")]}),
            "GET /credentials/connections/github" => connection("github"),
            "GET /oauth/authenticators" => json!({"authenticators": [authenticator]}),
            _ => authenticator,
        };
        Some((200, body))
    })
}

#[test]
fn help_is_a_command() {
    let home = Stub::absent();
    let all = home.run("help");
    assert_eq!(all.code, Some(0), "{}", all.err);
    assert!(all.out.contains("Usage: valetkey"), "{}", all.out);
    let one = home.run("help connect");
    assert_eq!(one.code, Some(0), "{}", one.err);
    assert!(one.out.contains("Usage: valetkey connect"), "{}", one.out);
}

#[test]
fn connections_of_a_disabled_authenticator_are_shown_as_disabled() {
    let ended = with_disabled().run("status");
    assert!(
        ended.out.contains("github      ada      disabled"),
        "{}",
        ended.out
    );
    let ended = with_disabled().run("status github");
    assert!(
        ended.out.contains("disabled: `valetkey enable github`"),
        "{}",
        ended.out
    );
}

#[test]
fn a_token_that_ends_sooner_than_asked_is_told() {
    let agent = Stub::new(|_| Some((200, token_response())));
    let ended = agent.run("token google --min-ttl 2h");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "ya29.s3cret\n"),
        "{}",
        ended.err
    );
    insta::assert_snapshot!(ended.err, @r"
    warning: the token of `google` ends in 50 min, sooner than the 2 h that were asked for
      the provider gives no token that lives longer
    ");
    assert_eq!(agent.run("token google --min-ttl 40min").err, "");
    let ended = agent.run("run --env X=google --min-ttl 2h -- true");
    assert!(
        ended.err.starts_with("warning: the token of `google`"),
        "{}",
        ended.err
    );
}

#[test]
fn the_end_of_a_key_needs_a_unit() {
    let agent = Stub::new(|_| None);
    let ended = agent.run("key create --expires 1");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("`1` has no unit; write `1d` for days"),
        "{}",
        ended.err
    );
    assert!(agent.lines().is_empty());
}

#[test]
fn the_file_of_googles_console_is_taken_as_it_is() {
    for (kind, redirect) in [
        ("installed", Value::Null),
        ("web", json!("https://ada.example/cb")),
    ] {
        let agent = Stub::new(|_| Some((201, saved())));
        let path = agent.home().join("client_secret_1.json");
        let file = json!({ kind: {
            "client_id": "1.apps.googleusercontent.com", "project_id": "p",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token", "client_secret": "GOCSPX-s3cret",
            "redirect_uris": [if kind == "web" { "https://ada.example/cb" } else { "http://localhost" }]
        }});
        fs::write(&path, file.to_string()).unwrap();
        let mut command = agent.command("add --name mail --config");
        let ended = Ended::from(command.arg(&path).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let body = &agent.requests()[0].body;
        assert_eq!(body["authenticator_type"], "google");
        assert_eq!(body["client_id"], "1.apps.googleusercontent.com");
        assert_eq!(body["client_secret"], "GOCSPX-s3cret");
        assert_eq!(body["name"], "mail");
        assert_eq!(body["redirect_uri"], redirect);
    }
}

#[test]
fn hints_of_another_profile_name_it() {
    let agent = Stub::new(|_| {
        let mut saved = saved();
        saved["authenticator"]["profile"] = json!("staging");
        Some((201, saved))
    });
    let ended = agent.run("add google --client-id x --client-secret-env S --profile staging");
    assert_eq!(ended.code, Some(2), "`S` is not set");
    let mut command =
        agent.command("add google --client-id x --client-secret-env S --profile staging");
    let ended = Ended::from(command.env("S", "s").output().unwrap());
    assert!(
        ended
            .err
            .contains("sign in with `valetkey connect google --profile staging`"),
        "{}",
        ended.err
    );
}

#[test]
fn a_port_is_forced_only_where_it_is_said() {
    let agent = Stub::new(|_| Some((200, json!({"port": 5123}))));
    agent.run("settings port 5123");
    agent.run("settings port 5123 --force");
    assert_eq!(
        agent.lines(),
        ["PATCH /settings", "PATCH /settings?force=true"]
    );
}

/// An agent with a key, whose loopback listener is where `port` and `problem` say.
fn with_key(port: Option<u16>, problem: Option<&'static str>) -> Stub {
    let key = json!({
        "id": "018f0000-0000-7000-8000-000000000001", "name": "ci", "connections": null,
        "manage": false, "is_active": true,
        "created_at": "2026-11-01T12:00:00Z", "expires_at": null, "used_at": null
    });
    Stub::new(move |request| {
        let body = match request.line.as_str() {
            "GET /settings" => json!({"port": null}),
            "GET /clients" => json!({"clients": [key.clone()]}),
            "GET /status" => json!({
                "version": "1", "pid": 42, "started_at": "2026-11-21T08:00:00Z", "paused": false,
                "socket": "/s", "port": port, "port_problem": problem, "data": "/d", "log": "/l",
                "secret_store": {"kind": "memory", "state": "ready", "reason": null, "unsaved": 0},
                "authenticators": 0,
                "connections": {"total": 0, "active": 0, "expired": 0, "needs_reconnect": 0}
            }),
            "POST /shutdown" => json!({"pid": 42, "client_keys": 1}),
            _ => json!({
                "key": "vk_s3cret", "client": key.clone(),
                "base_url": port.map(|port| format!("http://127.0.0.1:{port}"))
            }),
        };
        Some((200, body))
    })
}

#[test]
fn a_key_for_another_port_than_the_usual_one_says_why() {
    let ended = with_key(Some(4317), None).run("key create --name ci");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "vk_s3cret\n"),
        "{}",
        ended.err
    );
    insta::assert_snapshot!(ended.err, @r"
    created key `ci`; it is shown only now
    hint: send it as `Authorization: Bearer vk_...` to http://127.0.0.1:4317
    warning: port 4315 is taken by another program, so this key is for port 4317, which is now in the settings
      to use 4315: end that program, then `valetkey settings port 4315 --force` and `valetkey stop`
    ");
    let usual = with_key(Some(4315), None).run("key create --name ci");
    assert!(!usual.err.contains("warning:"), "{}", usual.err);
}

#[test]
fn a_key_that_nobody_serves_says_why_and_what_mends_it() {
    let problem = "port 4315 is taken by another program: the loopback listener stays closed";
    for command in ["key create --name ci", "key list"] {
        let ended = with_key(None, Some(problem)).run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(
            ended.err.contains(
                "warning: port 4315 is taken by another program: the loopback listener stays closed\n  \
                 end the program that has the port, then run `valetkey stop`"
            ),
            "{command}: {}",
            ended.err
        );
    }
    let served = with_key(Some(4315), None).run("key list");
    assert_eq!(served.err, "");
}

#[test]
fn a_stop_says_that_keys_wait_for_the_next_start() {
    let ended = with_key(Some(4315), None).run("stop");
    assert_eq!(
        ended.err,
        "the agent (pid 42) has ended\n\
         hint: programs with a client key are refused until it runs again: `valetkey serve`, or any other command\n"
    );
}

#[test]
fn a_browser_that_does_not_exist_is_found() {
    let agent = Stub::new(|request| {
        let body = match request.line.as_str() {
            "GET /settings" => json!({"browser": "/nonexistent/firefox -P work"}),
            "POST /doctor" => json!({"now": "2026-11-21T08:00:00Z", "versions": [], "checks": []}),
            _ => json!({
                "version": env!("CARGO_PKG_VERSION"), "pid": 42, "started_at": "2026-11-21T08:00:00Z",
                "paused": false, "socket": "/s", "port": 4315, "port_problem": null, "data": "/d",
                "log": "/l",
                "secret_store": {"kind": "memory", "state": "ready", "reason": null, "unsaved": 0},
                "authenticators": 0,
                "connections": {"total": 0, "active": 0, "expired": 0, "needs_reconnect": 0}
            }),
        };
        Some((200, body))
    });
    let ended = agent.run("doctor");
    assert!(
        ended.out.contains(
            "warning  browser  there is no program `/nonexistent/firefox`, which the setting `browser` names\n         \
             hint: run `valetkey settings browser COMMAND`, or `valetkey settings browser --unset`\n"
        ),
        "{}",
        ended.out
    );
}

#[test]
fn completions_know_the_names() {
    let complete = |words: &[&str]| {
        let agent = with_disabled();
        let mut command = agent.command("--");
        command
            .args(words)
            .env("VALETKEY_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_IFS", "\n");
        Ended::from(command.output().unwrap()).out
    };
    for command in ["token", "disconnect", "label", "test", "status"] {
        let found = complete(&["valetkey", command, "g"]);
        assert_eq!(found, "github", "{command}");
    }
    for command in ["connect", "show", "update", "disable", "remove"] {
        let found = complete(&["valetkey", command, "g"]);
        assert_eq!(found, "google", "{command}");
    }
    let script = Stub::absent().run("completions bash").out;
    assert!(script.contains("VALETKEY_COMPLETE"), "{script}");
}
