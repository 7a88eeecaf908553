use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::stub::{Ended, Stub};

pub(crate) fn saved() -> Value {
    let id = "018f0000-0000-7000-8000-000000000002";
    json!({"warnings": [], "authenticator": {
        "id": id, "name": "google", "profile": "default", "display_name": "Google", "provider": "google",
        "client_id": "x", "has_client_secret": true, "scopes": ["openid"], "redirect_uri": "http://127.0.0.1/callback",
        "endpoints": {}, "authorize_params": {}, "placeholders": {}, "is_active": true, "connections": [],
        "console_url": null, "created_at": "2026-11-01T12:00:00Z", "updated_at": "2026-11-01T12:00:00Z"
    }})
}

fn agent() -> Stub {
    Stub::new(|_| Some((201, saved())))
}

#[test]
fn a_config_file_is_sent_with_its_variables_resolved() {
    let agent = agent();
    let config = r#"{"name": "Google", "authenticator_type": "google", "client_id": "${ID}",
        "client_secret": "${SECRET}", "scopes": ["openid"], "redirect_uri": "http://127.0.0.1/callback"}"#;
    let path = agent.home().join("google.json");
    fs::write(&path, config).unwrap();
    let mut command = agent.command("add --profile staging --config");
    command.arg(&path).args(["--client-id", "from-the-flag"]);
    let ended = Ended::from(command.env("SECRET", "s3cret").output().unwrap());
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    let [request] = &agent.requests()[..] else {
        panic!("one request");
    };
    assert_eq!(request.line, "POST /oauth/authenticators?profile=staging");
    assert_eq!(
        request.body["client_id"], "from-the-flag",
        "a flag wins, though `ID` is not set"
    );
    assert_eq!(request.body["client_secret"], "s3cret");
}

#[test]
fn the_client_secret_comes_from_stdin() {
    let agent = agent();
    let mut command = agent.command("add google --client-id x --client-secret-stdin");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"s3${cret\n")
        .unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(agent.requests()[0].body["client_secret"], "s3${cret");
    assert_eq!(
        ended.err,
        "added `google`\n\
        hint: register the redirect URI `http://127.0.0.1/callback` at your provider\n\
        hint: sign in with `valetkey connect google`\n"
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_nothing_is_sent() {
    let agent = agent();
    let config = r#"{"authenticator_type": "google", "client_secret": "${UNSET_ONE}", "scopes": ["a b"],
        "redirect_uri": "http://example.com/cb", "colour": "red"}"#;
    let path = agent.home().join("bad.json");
    fs::write(&path, config).unwrap();
    let ended = Ended::from(agent.command("add --config").arg(&path).output().unwrap());
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!(ended.err);
    assert!(agent.lines().is_empty());
}

#[test]
fn a_warning_does_not_stop_it() {
    let agent = agent();
    let ended = agent.run(
        "add github --client-id x --client-secret-env HOME_SECRET --redirect-uri https://ada.example/cb",
    );
    assert_eq!(ended.code, Some(2), "the variable is not set");
    let mut command = agent.command(
        "add github --client-id x --client-secret-env HOME_SECRET --redirect-uri https://ada.example/cb",
    );
    let ended = Ended::from(command.env("HOME_SECRET", "s").output().unwrap());
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.err.starts_with("warning: `https://ada.example/cb`"),
        "{}",
        ended.err
    );
    assert_eq!(
        agent.requests()[0].body["redirect_uri"],
        "https://ada.example/cb"
    );
}

#[test]
fn a_change_sends_only_what_changes() {
    let agent = Stub::new(|_| Some((200, saved())));
    let mut command = agent.command("update google --client-secret-env NEW");
    let ended = Ended::from(command.env("NEW", "n3w").output().unwrap());
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "updated `google`\n")
    );
    agent.run("disable google");
    agent.run("update google --no-client-secret");
    let bodies: Vec<Value> = agent
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"client_secret": "n3w"}),
            json!({"is_active": false}),
            json!({"client_secret": null})
        ]
    );
}

#[test]
fn a_change_that_hangs_on_an_unset_variable_is_not_sent() {
    let agent = agent();
    let path = agent.home().join("change.json");
    fs::write(&path, r#"{"client_secret": "${UNSET_ONE}"}"#).unwrap();
    let ended = Ended::from(
        agent
            .command("update google --config")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("`${UNSET_ONE}` in `client_secret` is not set"),
        "{}",
        ended.err
    );
    assert!(agent.lines().is_empty());
}

#[test]
fn force_is_only_sent_where_it_is_said() {
    let gone = json!({"authenticator": saved()["authenticator"], "disconnected": []});
    let agent = Stub::new(move |_| Some((200, gone.clone())));
    agent.run("remove google");
    agent.run("delete-authenticator google --force");
    assert_eq!(
        agent.lines(),
        [
            "DELETE /oauth/authenticators/google",
            "DELETE /oauth/authenticators/google?force=true"
        ]
    );
}

/// An agent that has the authenticators `there` (in `default`), and takes every other.
fn agent_with(there: &[&str]) -> Stub {
    let views = there.iter().map(|name| {
        let mut view = saved()["authenticator"].take();
        view["name"] = json!(name);
        view
    });
    let list = json!({"authenticators": views.collect::<Vec<_>>()});
    Stub::new(move |request| {
        Some(if request.line.starts_with("GET ") {
            (200, list.clone())
        } else {
            (201, saved())
        })
    })
}

fn google(name: &str, secret: &str) -> Value {
    json!({"name": name, "authenticator_type": "google", "client_id": "x", "client_secret": secret, "scopes": ["openid"]})
}

fn export_file(agent: &Stub, entries: &[Value]) -> PathBuf {
    let path = agent.home().join("export.json");
    fs::write(&path, json!({"authenticators": entries}).to_string()).unwrap();
    path
}

#[test]
fn an_export_is_added_whole_with_its_variables_and_profiles() {
    let agent = agent_with(&["is-there"]);
    let mut work = google("work", "${SECRET}");
    work["profile"] = json!("staging");
    let mut off = google("off", "${SECRET}");
    off["is_active"] = json!(false);
    // There its variable is not asked for.
    let there = google("Is There", "${FORGOTTEN}");
    let path = export_file(&agent, &[there, work, off]);
    let list = "GET /oauth/authenticators";

    let mut command = agent.command("add --config");
    let unset = Ended::from(command.arg(&path).output().unwrap());
    assert_eq!(unset.code, Some(2));
    insta::assert_snapshot!(unset.err);
    assert_eq!(agent.lines(), [list], "all of it or nothing");

    let mut command = agent.command("add --config");
    let command = command.arg(&path).env("SECRET", "s3cret");
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("`Is There` is there already"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("added `google`"), "{}", ended.err);
    let id = saved()["authenticator"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        agent.lines()[1..],
        [
            list.to_owned(),
            "POST /oauth/authenticators?profile=staging".to_owned(),
            "POST /oauth/authenticators".to_owned(),
            format!("PATCH /oauth/authenticators/{id}"),
        ]
    );
    let requests = agent.requests();
    let [.., work, off, disabled] = &requests[..] else {
        panic!("three that change something");
    };
    assert_eq!(work.body["client_secret"], "s3cret");
    assert!(work.body.get("profile").is_none(), "{}", work.body);
    assert!(off.body.get("is_active").is_none(), "{}", off.body);
    assert_eq!(disabled.body, json!({"is_active": false}));
}

#[test]
fn one_that_is_there_in_another_profile_is_added() {
    let agent = agent_with(&["mail"]);
    let path = export_file(&agent, &[google("mail", "s")]);
    let mut command = agent.command("add --json --profile staging --config");
    let ended = Ended::from(command.arg(&path).output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let outcome: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        outcome["authenticators"][0]["authenticator"]["name"],
        "google"
    );
    assert_eq!(outcome["there"], json!([]));
}

#[test]
fn an_export_goes_with_no_other_field_and_is_never_empty() {
    let agent = agent();
    let path = export_file(&agent, &[google("mail", "s")]);
    for flags in [
        "add google --config",
        "add --name mine --config",
        "add --authorize-param a=b --config",
        "add --client-secret-env SECRET --config",
    ] {
        let mut command = agent.command(flags);
        let ended = Ended::from(command.arg(&path).output().unwrap());
        assert_eq!(ended.code, Some(2), "{flags}");
        assert!(ended.err.contains("takes no other fields"), "{}", ended.err);
    }
    let path = export_file(&agent, &[]);
    let mut command = agent.command("add --config");
    let ended = Ended::from(command.arg(&path).output().unwrap());
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("no authenticator"), "{}", ended.err);
    assert_eq!(agent.lines(), [""; 0]);
}
