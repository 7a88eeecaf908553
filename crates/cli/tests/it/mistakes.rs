//! What a person may type wrongly, and what goes wrong around a command.

use serde_json::{Value, json};

use crate::add::saved;
use crate::stub::{HANG_UP, Stub};

#[test]
fn a_negative_number_is_told_as_such() {
    let agent = Stub::absent();
    for (words, told) in [
        ("token github --min-ttl -5", "`-5` is not a duration"),
        (
            "run --env X=github --min-ttl -5s -- true",
            "`-5s` is not a duration",
        ),
        ("key create --expires -1d", "`-1d` is not a duration"),
        (
            "settings retention -3",
            "events are kept for 1 to 3650 days",
        ),
        ("settings port -1", "the port is one of 1024-65535"),
        ("events --limit -1", "-1 is not in 1..=1000"),
    ] {
        let ended = agent.run(words);
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.err);
        assert!(ended.err.contains(told), "{words}: {}", ended.err);
        assert!(!ended.err.contains("tip:"), "{words}: {}", ended.err);
    }
}

#[test]
fn a_browser_that_is_not_there_is_refused_at_once() {
    for program in ["nosuchbrowser", "/nonexistent/firefox"] {
        let ended = Stub::absent().run(&format!("settings browser {program}"));
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        let told = format!("there is no program `{program}`");
        assert!(ended.err.contains(&told), "{}", ended.err);
        assert!(ended.err.contains("`--force`"), "{}", ended.err);
    }
    let agent = Stub::new(|request| Some((200, request.body.clone())));
    let ended = agent.run("settings browser nosuchbrowser --force");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let body = &agent.requests()[0].body;
    assert_eq!(body["browser"], "nosuchbrowser");
}

#[test]
fn a_huge_duration_is_told_to_be_too_long() {
    let ended = Stub::absent().run("token github --min-ttl 99999999999999999999d");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("`99999999999999999999d` is too long"),
        "{}",
        ended.err
    );
}

#[test]
fn an_update_without_a_change_is_refused() {
    let agent = Stub::new(|_| Some((200, saved())));
    let ended = agent.run("update google");
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!(ended.err, @r"
    error: there is nothing to change

    hint: `valetkey update --help` lists what can be changed
    ");
    assert_eq!(agent.lines(), [""; 0]);
    assert_eq!(agent.run("update google --no-client-secret").code, Some(0));
}

#[test]
fn an_add_without_a_provider_says_how_one_is_named() {
    let ended = Stub::absent().run("add --client-id x");
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!(ended.err, @r"
    error: no provider is named

    hint: run `valetkey add PROVIDER --client-id ID`; `valetkey providers` lists the providers
    ");
}

#[test]
fn an_empty_name_of_a_key_is_refused_before_anything_is_sent() {
    let agent = Stub::new(|_| Some((200, Value::Null)));
    let mut command = agent.command("key revoke");
    let ended = crate::stub::Ended::from(command.arg("").output().unwrap());
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert_eq!(agent.lines(), [""; 0]);
}

#[test]
fn an_agent_that_ends_during_a_request_is_named_as_the_cause() {
    for words in ["status", "token github", "connect github --no-browser"] {
        let agent = Stub::new(|_| Some((HANG_UP, Value::Null)));
        let ended = agent.run(words);
        assert_eq!(ended.code, Some(69), "{words}");
        assert_eq!(
            ended.err,
            "error: the agent ended before it answered\n\n\
             hint: run the command again: it starts a new one\n",
            "{words}"
        );
    }
}

#[test]
fn an_empty_list_is_no_data() {
    let agent = Stub::new(|request| {
        let body = match request.line.as_str() {
            "GET /oauth/authenticators" => json!({"authenticators": []}),
            "GET /clients" => json!({"clients": []}),
            _ => json!({"events": [], "last_id": 0}),
        };
        Some((200, body))
    });
    for (words, told) in [
        ("list", "no authenticators yet\n"),
        ("key list", "no keys yet\n"),
        ("events", "no events\n"),
    ] {
        let ended = agent.run(words);
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{words}");
        assert!(ended.err.starts_with(told), "{words}: {}", ended.err);
    }
}

#[test]
fn a_setting_that_is_not_set_says_what_holds() {
    let agent = Stub::new(|_| Some((200, json!({"port": null}))));
    let ended = agent.run("settings port");
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (Some(0), "", "(not set: 4315)\n")
    );
}
