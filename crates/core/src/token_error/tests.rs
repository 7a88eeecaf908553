use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalogue;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn provider(id: &str) -> &'static Provider {
    catalogue::provider(id).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: body.as_bytes().to_vec().into(),
        ..Answer::default()
    }
}

/// The class and reason as one line: `later 30s: reason`.
fn outcome(id: &str, answer: &Answer) -> String {
    let Err(error) = read(provider(id), answer, &["sent-token"], now()) else {
        return "refreshed".to_owned();
    };
    let class = match error.class {
        Some(Class::DeadGrant) => "dead grant",
        Some(Class::Interaction) => "interaction",
        Some(Class::FixClient) => "fix client",
        Some(Class::Denied) => "denied",
        Some(Class::Bug) => "bug",
        Some(Class::Later) => "later",
        Some(Class::RetryOnce) => "retry once",
        None => "unclear",
    };
    match error.after {
        Some(after) => format!("{class} {after:#}: {}", error.reason),
        None => format!("{class}: {}", error.reason),
    }
}

fn of(id: &str, status: u16, body: &Value) -> String {
    outcome(id, &answer(status, &body.to_string()))
}

#[test]
fn names_of_the_rfc_have_their_meaning() {
    let cases = [
        ("invalid_grant", "dead grant: invalid_grant"),
        ("invalid_client", "fix client: invalid_client"),
        ("unauthorized_client", "fix client: unauthorized_client"),
        (
            "unsupported_grant_type",
            "fix client: unsupported_grant_type",
        ),
        ("invalid_scope", "fix client: invalid_scope"),
        ("invalid_target", "fix client: invalid_target"),
        ("invalid_request", "bug: invalid_request"),
        ("interaction_required", "interaction: interaction_required"),
        ("use_dpop_nonce", "retry once: use_dpop_nonce"),
        ("access_denied", "denied: access_denied"),
        ("server_error", "later: server_error"),
        ("temporarily_unavailable", "later: temporarily_unavailable"),
        ("something_new", "unclear: something_new"),
    ];
    for (code, expected) in cases {
        assert_eq!(of("custom", 400, &json!({ "error": code })), expected);
        assert_eq!(
            of("custom", 200, &json!({ "error": code })),
            expected,
            "with HTTP 200"
        );
    }
}

#[test]
fn overload_and_outage_come_before_the_body() {
    let dead = json!({"error": "invalid_grant"});
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert_eq!(of("custom", status, &dead), "later: invalid_grant");
    }
    assert_eq!(outcome("custom", &answer(503, "")), "later: HTTP 503");
}

#[test]
fn a_wish_to_wait_is_read_from_header_and_body() {
    let mut busy = answer(429, "");
    busy.retry_after = Some("120".to_owned());
    assert_eq!(outcome("custom", &busy), "later 2m: HTTP 429");
    busy.retry_after = Some("Sat, 21 Nov 2026 12:00:30 GMT".to_owned());
    assert_eq!(outcome("custom", &busy), "later 30s: HTTP 429");
    let body = json!({"message": "You are being rate limited.", "retry_after": 0.5});
    assert_eq!(
        of("custom", 429, &body),
        "later 500ms: HTTP 429: You are being rate limited."
    );
    busy.status = 403;
    assert!(
        outcome("custom", &busy).starts_with("later 30s"),
        "a 403 with a wish is a limit"
    );
}

#[test]
fn a_page_or_a_redirect_never_ends_a_login() {
    for status in [200, 302, 400, 401, 403, 404, 511] {
        let page = answer(
            status,
            "<!doctype html><title>Welcome to Hotel Wi-Fi</title>",
        );
        assert!(outcome("custom", &page).starts_with("later"), "{status}");
    }
    for status in [301, 302, 303, 307, 308] {
        assert!(
            outcome("custom", &answer(status, "")).starts_with("later"),
            "{status}"
        );
    }
}

#[test]
fn half_an_answer_is_later() {
    let half = r#"{"access_token": "at", "refresh_to"#;
    assert_eq!(
        outcome("custom", &answer(200, half)),
        "later: HTTP 200: an unreadable answer"
    );
    assert_eq!(
        outcome("custom", &answer(400, half)),
        "later: HTTP 400: an unreadable answer"
    );
}

#[test]
fn an_empty_or_unknown_error_is_unclear() {
    assert_eq!(
        outcome("custom", &answer(400, "")),
        "unclear: HTTP 400: an empty answer"
    );
    assert_eq!(
        outcome("custom", &answer(200, " ")),
        "unclear: HTTP 200: an empty answer"
    );
    assert_eq!(
        outcome("custom", &answer(418, "teapot")),
        "later: HTTP 418: an unreadable answer"
    );
    assert_eq!(of("custom", 401, &json!({})), "unclear: HTTP 401");
    assert_eq!(
        of("custom", 200, &json!({"ok": true})),
        "unclear: HTTP 200: the answer holds no access token"
    );
}

#[test]
fn what_is_not_there_is_later_unless_an_oauth_error_says_more() {
    for status in [404, 405, 410] {
        assert_eq!(
            outcome("custom", &answer(status, "404 page not found\n")),
            format!("later: HTTP {status}: an unreadable answer")
        );
        assert_eq!(
            outcome("custom", &answer(status, "")),
            format!("later: HTTP {status}: nothing is there")
        );
        assert!(of("custom", status, &json!({"message": "Not Found"})).starts_with("later"));
        assert_eq!(
            of("custom", status, &json!({"error": "invalid_grant"})),
            "dead grant: invalid_grant"
        );
    }
}

#[test]
fn a_token_type_that_we_cannot_use_is_for_the_client_to_fix() {
    assert_eq!(
        of(
            "custom",
            200,
            &json!({"access_token": "at", "token_type": "mac"})
        ),
        "fix client: HTTP 200: the token type `mac` is not supported, only Bearer"
    );
}

#[test]
fn tokens_with_a_success_status_win_over_an_empty_error() {
    let body = json!({"access_token": "at", "error": null, "message": "welcome"});
    assert_eq!(of("custom", 200, &body), "refreshed");
    assert_eq!(
        of(
            "custom",
            400,
            &json!({"access_token": "at", "error": "invalid_grant"})
        ),
        "dead grant: invalid_grant"
    );
    assert_eq!(
        of(
            "slack",
            200,
            &json!({"ok": false, "access_token": "at", "error": "token_revoked"})
        ),
        "dead grant: token_revoked"
    );
}

#[test]
fn dialects_of_providers_are_understood() {
    let cases = include_str!("dialects.txt")
        .split("\n\n")
        .filter(|case| !case.starts_with('#'));
    let mut seen = BTreeSet::new();
    for case in cases {
        let lines: Vec<&str> = case.lines().collect();
        let [head, body, expected] = lines[..] else {
            panic!("a case has three lines: {case}");
        };
        let (id, status) = head.split_once(' ').unwrap();
        seen.insert(id);
        let answer = answer(status.parse().unwrap(), body);
        assert_eq!(outcome(id, &answer), expected, "{case}");
    }
    for provider in catalogue::providers() {
        assert!(seen.contains(&*provider.id), "no case of {}", provider.id);
    }
}

#[test]
fn classes_have_their_outcomes() {
    let refresh = |code: &str| {
        let answer = answer(400, &json!({ "error": code }).to_string());
        match read_refresh(provider("custom"), &answer, &[], now()) {
            RefreshOutcome::Refreshed(_) => "refreshed",
            RefreshOutcome::Later { .. } => "later",
            RefreshOutcome::SignInAgain { .. } => "sign in again",
            RefreshOutcome::FixClient { .. } => "fix client",
            RefreshOutcome::Unclear { .. } => "unclear",
        }
    };
    for (code, expected) in [
        ("invalid_grant", "sign in again"),
        ("mfa_required", "sign in again"),
        ("access_denied", "sign in again"),
        ("invalid_client", "fix client"),
        ("invalid_request", "fix client"),
        ("use_dpop_nonce", "fix client"),
        ("server_error", "later"),
        ("something_new", "unclear"),
    ] {
        assert_eq!(refresh(code), expected, "{code}");
    }
}

#[test]
fn a_reason_is_one_bounded_line_that_quotes_no_token() {
    let body = json!({
        "error": "invalid_grant",
        "error_description": format!("bad\r\n\u{1b}[31m sent-token and ya29.A0ARrdaM1234567890abcdef \u{202e}{}", "long ".repeat(99)),
    });
    let line = of("custom", 400, &body);
    assert!(
        line.starts_with("dead grant: invalid_grant: bad [31m [redacted] and [...] long"),
        "{line}"
    );
    assert!(line.chars().count() <= 220 && !line.chars().any(char::is_control));
}

#[test]
fn a_refused_code_asks_for_a_new_sign_in_and_a_wrong_url_for_a_look_at_it() {
    let exchange = |status, body: &str| {
        read_exchange(provider("custom"), &answer(status, body), &[], now())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        exchange(400, r#"{"error":"invalid_grant"}"#),
        "the provider refused this sign-in (invalid_grant)"
    );
    assert_eq!(
        exchange(404, "<html>"),
        "the token URL looks like a wrong address (HTTP 404: a web page instead of an answer)"
    );
    assert_eq!(
        exchange(502, ""),
        "the provider could not be reached or is overloaded (HTTP 502)"
    );
}

#[test]
fn errors_that_come_with_the_browser_have_their_meaning() {
    let read = |code, words| read_authorize_error(provider("custom"), code, words).to_string();
    assert_eq!(
        read("access_denied", Some("The user said no")),
        "access was denied at the provider (access_denied: The user said no)"
    );
    assert_eq!(
        read("invalid_scope", None),
        "the provider rejects the registered client (invalid_scope)"
    );
    assert_eq!(
        read("server_error", None),
        "the provider could not be reached or is overloaded (server_error)"
    );
    assert_eq!(
        read("", None),
        "the provider's answer was not understood ()"
    );
}

proptest! {
    #[test]
    fn every_answer_has_an_outcome(
        status in any::<u16>(),
        body in prop::collection::vec(any::<u8>(), 0..200),
        retry_after in prop::option::of(".{0,40}"),
    ) {
        let answer = Answer { status, content_type: None, retry_after, body: body.into() };
        for provider in catalogue::providers() {
            let _ = read_refresh(provider, &answer, &["x"], now());
            let _ = read_exchange(provider, &answer, &[], now());
        }
    }

    #[test]
    fn no_code_or_words_break_a_reason(code in ".{0,300}", words in ".{0,600}", status in 400u16..500) {
        let body = json!({"error": code, "error_description": words, "error_codes": [1, "x", null]});
        let answer = answer(status, &body.to_string());
        let reason = match read_refresh(provider("microsoft"), &answer, &[], now()) {
            RefreshOutcome::Refreshed(_) => String::new(),
            RefreshOutcome::Later { reason, .. } | RefreshOutcome::SignInAgain { reason }
            | RefreshOutcome::FixClient { reason } | RefreshOutcome::Unclear { reason } => reason,
        };
        prop_assert!(reason.chars().count() <= 220);
        prop_assert!(!reason.chars().any(char::is_control));
    }
}
