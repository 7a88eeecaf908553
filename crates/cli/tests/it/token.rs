use serde_json::{Value, json};

use crate::stub::{Ended, Stub, token_response};

fn serving() -> Stub {
    Stub::new(|_| Some((200, token_response())))
}

#[test]
fn a_token_is_the_only_thing_on_stdout() {
    let agent = serving();
    let ended = agent.run("token google/ada --min-ttl 10min --scopes a,b --profile staging");
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (Some(0), "ya29.s3cret\n", "")
    );
    let [request] = &agent.requests()[..] else {
        panic!("one request");
    };
    assert_eq!(
        request.line,
        "POST /credentials/connections/google%2Fada/token?profile=staging"
    );
    assert_eq!(
        request.body,
        json!({"min_valid_seconds": 600, "scopes": ["a", "b"]})
    );
}

#[test]
fn a_header_is_one_line() {
    assert_eq!(
        serving().run("token google --header").out,
        "Authorization: Bearer ya29.s3cret\n"
    );
}

#[test]
fn json_has_all_fields() {
    let ended = serving().run("--json token google");
    let reply: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(reply["access_token"], "ya29.s3cret");
    assert_eq!(reply["expires_at"], "2030-01-01T00:00:00Z");
}

#[test]
fn refresh_asks_for_a_new_one() {
    let agent = serving();
    agent.run("token google --refresh");
    assert_eq!(
        agent.lines(),
        ["POST /credentials/connections/google/refresh"]
    );
}

#[test]
fn every_code_of_the_api_has_its_exit_code() {
    for (status, code, exit) in [
        (400, "invalid_request", 2),
        (401, "unauthorized", 77),
        (403, "access_denied", 77),
        (403, "proxy_only", 77),
        (403, "insufficient_scope", 77),
        (404, "not_found", 66),
        (409, "auth_required", 77),
        (409, "conflict", 1),
        (429, "rate_limited", 75),
        (500, "internal", 1),
        (409, "not_configured", 78),
        (502, "client_misconfigured", 78),
        (503, "keychain_locked", 69),
        (503, "keychain_unavailable", 69),
        (503, "paused", 75),
        (503, "provider_unreachable", 75),
    ] {
        let ended = Stub::refusing(status, code).run("token google");
        assert_eq!(ended.code, Some(exit), "{code}");
        assert_eq!(ended.out, "", "{code}");
        assert_eq!(
            ended.err,
            format!("error: it is {code}\n\nhint: do something\n")
        );
    }
}

#[test]
fn a_failure_is_json_where_json_is_asked_for() {
    let ended = Stub::refusing(409, "auth_required").run("token google --json");
    let body: Value = serde_json::from_str(&ended.err).unwrap();
    assert_eq!(body["detail"]["code"], "auth_required");
    assert_eq!((ended.code, ended.out.as_str()), (Some(77), ""));
}

#[test]
fn something_else_on_the_socket_is_a_failure_and_no_panic() {
    let ended = Stub::new(|_| Some((200, json!("hello")))).run("token google");
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .starts_with("error: the agent gave an answer that cannot be used\n"),
        "{}",
        ended.err
    );
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = serving().command("token google");
    let agent = serving();
    command.env("VALETKEY_HOME", agent.home()).stdout(writer);
    let ended = Ended::from(command.output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}
