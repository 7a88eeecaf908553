use serde_json::json;

use super::*;
use crate::exit::Exit;

fn api_words(detail: serde_json::Value) -> String {
    let error: ApiError = serde_json::from_value(detail).unwrap();
    failure(&Failure::Api(Box::new(error)), Style::PLAIN)
}

#[test]
fn a_failure_says_what_why_and_what_to_do() {
    let text = api_words(json!({
        "code": "auth_required", "message": "`github/work` needs you to sign in again",
        "reason": "GitHub rejected the refresh token (bad_refresh_token)",
        "hint": "run `valetkey connect github/work`",
        "connect_url": "http://127.0.0.1:4315/connect/abc"
    }));
    insta::assert_snapshot!(text, @r"
    error: `github/work` needs you to sign in again
      GitHub rejected the refresh token (bad_refresh_token)

    hint: run `valetkey connect github/work`
    hint: or open http://127.0.0.1:4315/connect/abc
    ");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problem = |field: &str, message: &str, hint: &str| Problem {
        field: field.to_owned(),
        message: message.to_owned(),
        hint: hint.to_owned(),
    };
    let text = failure(
        &Failure::Problems(vec![
            problem(
                "client_id",
                "`client_id` is missing",
                "copy it from <https://github.com/settings/developers>",
            ),
            problem(
                "scopes",
                "`a b` is 2 scopes in one",
                "name each on its own: `a`, `b`",
            ),
        ]),
        Style::PLAIN,
    );
    insta::assert_snapshot!(text, @r"
    error: the authenticator cannot be used as it is
      `client_id` is missing
        copy it from <https://github.com/settings/developers>
      `a b` is 2 scopes in one
        name each on its own: `a`, `b`
    ");
}

#[test]
fn what_a_removal_would_break_is_named() {
    let text = api_words(json!({
        "code": "conflict", "message": "`github` is in use", "hint": "`--force` goes ahead",
        "in_use": [
            {"kind": "connection", "name": "github/work", "used_at": null},
            {"kind": "client", "name": "process /usr/bin/node", "used_at": "2026-11-21T11:00:00Z"}
        ]
    }));
    insta::assert_snapshot!(text, @r"
    error: `github` is in use
      connection `github/work`
      used by `process /usr/bin/node`

    hint: `--force` goes ahead
    ");
}

#[test]
fn scopes_pages_and_pauses_are_named() {
    let scope = api_words(json!({
        "code": "insufficient_scope", "message": "`google` lacks a scope", "missing_scopes": ["drive"],
        "hint": "run `valetkey connect google --scopes drive`"
    }));
    insta::assert_snapshot!(scope, @r"
    error: `google` lacks a scope
      missing scopes: drive

    hint: run `valetkey connect google --scopes drive`
    ");
    let client = api_words(json!({
        "code": "client_misconfigured", "message": "GitHub refuses the client of `github`",
        "reason": "invalid_client", "console_url": "https://github.com/settings/developers"
    }));
    insta::assert_snapshot!(client, @r"
    error: GitHub refuses the client of `github`
      invalid_client

    hint: the registration stands at https://github.com/settings/developers
    ");
    let later = api_words(json!({
        "code": "provider_unreachable", "message": "GitHub cannot be reached", "retry_after": 30
    }));
    insta::assert_snapshot!(later, @r"
    error: GitHub cannot be reached

    hint: try again in 30 s
    ");
}

#[test]
fn a_failure_of_our_own_looks_the_same() {
    let own = Failure::new(Exit::Unavailable, "the agent cannot be started")
        .why("`valetkey-agent` ended with exit status: 1")
        .hint("run `valetkey serve` to see why");
    insta::assert_snapshot!(failure(&own, Style::PLAIN), @r"
    error: the agent cannot be started
      `valetkey-agent` ended with exit status: 1

    hint: run `valetkey serve` to see why
    ");
}

#[test]
fn text_from_outside_cannot_command_the_terminal() {
    let text =
        api_words(json!({"code": "internal", "message": "x\u{1b}[2J", "reason": "y\u{7}\nz"}));
    insta::assert_snapshot!(text, @r"
    error: x�[2J
      y�
      z
    ");
}

#[test]
fn colour_sets_the_first_word_apart() {
    let own = Failure::new(Exit::Failed, "no").hint("yes");
    let text = failure(&own, Style { colour: true });
    assert_eq!(
        text,
        "\u{1b}[1;31merror:\u{1b}[0m no\n\n\u{1b}[1;36mhint:\u{1b}[0m yes\n"
    );
}
