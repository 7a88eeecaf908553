//! `valetkey connect --api-key-stdin`: what is asked for, sent and said.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::connect::{completed, provider};
use crate::stub::{Ended, Stub};

const KEY: &str = "planted-key-0815";

fn give(agent: &Stub, args: &str, input: &str) -> Ended {
    let mut command = agent.command(&format!("connect github --api-key-stdin {args}"));
    command.env("BROWSER", "/nowhere/browser");
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams.stderr(Stdio::piped()).spawn().unwrap();
    // One that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended::from(child.wait_with_output().unwrap())
}

fn with_key(changes: &Value) -> Value {
    let mut view = completed();
    view["connection"]["api_key"] = json!({
        "name": "personal access token", "page": "https://github.com/settings/tokens", "oauth": "ready"
    });
    view["connection"]["missing_scopes"] = json!([]);
    for (name, value) in changes.as_object().unwrap() {
        view[name] = value.clone();
    }
    view
}

#[test]
fn a_key_over_stdin_opens_no_browser_and_is_said_to_be_one() {
    let agent = provider(|_| Some((200, with_key(&json!({ "unverified": "HTTP 503" })))));
    let ended = give(
        &agent,
        "--expires 2999-12-31 --replace",
        &format!("  {KEY}\n"),
    );
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    insta::assert_snapshot!(ended.err);
    let body = &agent.requests()[0].body;
    assert_eq!(body["method"], "api_key");
    assert_eq!(body["secret"].as_str().map(str::trim), Some(KEY));
    assert_eq!(body["replace"], true);
    assert!(
        body["expires_at"]
            .as_str()
            .unwrap()
            .starts_with("2999-12-31")
            || body["expires_at"]
                .as_str()
                .unwrap()
                .starts_with("3000-01-01")
    );
    assert!(!ended.err.contains(KEY));
}

#[test]
fn what_is_no_key_is_never_sent() {
    let agent = provider(|_| Some((200, completed())));
    for (input, why) in [
        ("", "the API key is empty"),
        ("Authorization: Bearer 0123456789", "a whole header line"),
        ("https://github.com/settings/tokens", "an address"),
    ] {
        let ended = give(&agent, "", input);
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains(why), "{}", ended.err);
    }
    for args in [
        "--scopes repo",
        "--device",
        "--no-browser",
        "--expires yesterday",
    ] {
        assert_eq!(give(&agent, args, KEY).code, Some(2), "{args}");
    }
    assert!(agent.requests().is_empty());
}

#[test]
fn the_key_that_a_sign_in_replaced_is_said_to_be_valid_still() {
    let old =
        json!({ "name": "personal access token", "page": "https://github.com/settings/tokens" });
    let mut view = completed();
    view["replaced_key"] = old;
    let agent = provider(move |_| Some((200, view.clone())));
    let ended = agent.run("connect github");
    assert!(
        ended.err.contains(
            "the personal access token that it had is still valid at GitHub\n  delete it at \
             https://github.com/settings/tokens if nothing else uses it"
        ),
        "{}",
        ended.err
    );
}

#[test]
fn a_header_of_a_key_is_that_of_its_api() {
    let agent = Stub::new(|_| {
        let mut reply = crate::stub::token_response();
        reply["api_auth"] = json!({ "header": "X-Figma-Token", "scheme": "" });
        Some((200, reply))
    });
    assert_eq!(
        agent.run("token figma --header").out,
        "X-Figma-Token: ya29.s3cret\n"
    );
}
