use serde_json::json;

use super::*;

fn text(detail: serde_json::Value) -> String {
    let error: ApiError = serde_json::from_value(detail).unwrap();
    ErrorText::from(&error).to_string()
}

#[test]
fn an_error_says_what_why_and_what_to_do() {
    let text = text(json!({
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
fn everything_that_is_wrong_is_listed() {
    let text = text(json!({
        "code": "invalid_request", "message": "the authenticator is not complete", "problems": [
            {"field": "client_id", "message": "`client_id` is missing",
             "hint": "copy it from <https://github.com/settings/developers>"},
            {"field": "scopes", "message": "`a b` is 2 scopes in one", "hint": "name each on its own: `a`, `b`"}
        ]
    }));
    insta::assert_snapshot!(text, @r"
    error: the authenticator is not complete
      `client_id` is missing
        copy it from <https://github.com/settings/developers>
      `a b` is 2 scopes in one
        name each on its own: `a`, `b`
    ");
}

#[test]
fn what_a_removal_would_break_is_named() {
    let text = text(json!({
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
    let scope = text(json!({
        "code": "insufficient_scope", "message": "`google` lacks a scope", "missing_scopes": ["drive"],
        "hint": "run `valetkey connect google --scopes drive`"
    }));
    insta::assert_snapshot!(scope, @r"
    error: `google` lacks a scope
      missing scopes: drive

    hint: run `valetkey connect google --scopes drive`
    ");
    let later = text(json!({
        "code": "provider_unreachable", "message": "GitHub cannot be reached", "retry_after": 30
    }));
    insta::assert_snapshot!(later, @r"
    error: GitHub cannot be reached

    hint: try again in 30 s
    ");
}

#[test]
fn text_from_outside_cannot_command_the_terminal() {
    let text = text(json!({"code": "internal", "message": "x\u{1b}[2J", "reason": "y\u{7}\nz"}));
    assert_eq!(text, "error: x\\u{1b}[2J\n  y\\u{7}\n  z\n");
    assert_eq!(printable("Zoë 🦀"), "Zoë 🦀");
}
