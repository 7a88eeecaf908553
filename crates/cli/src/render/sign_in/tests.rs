use serde_json::json;

use super::*;
use crate::render::fixtures::{connection, now};

fn started() -> SignInStarted {
    serde_json::from_value(json!({
        "session_id": "018f0000-0000-7000-8000-000000000009",
        "authorize_url": "https://github.com/login/oauth/authorize?client_id=x&state=y",
        "redirect_uri": "http://127.0.0.1:40111/callback", "expires_at": "2026-11-21T12:05:00Z"
    }))
    .unwrap()
}

#[test]
fn commands_about_another_profile_name_it() {
    let style = Style::PLAIN;
    let staged = connection("github/work", json!({"profile": "staging"}));
    let old = "github".parse().unwrap();
    let text = completed(&staged, false, Some(&old), style)
        + &same_account(&staged, &"home".parse().unwrap(), style);
    for command in [
        "`valetkey label github/work --profile staging LABEL`",
        "`valetkey token github/work --profile staging`",
        "`valetkey connect github --profile staging --account home`",
    ] {
        assert!(text.contains(command), "{command}: {text}");
    }
}

#[test]
fn the_words_of_a_sign_in() {
    let style = Style::PLAIN;
    let granted = connection("github/work", json!({}));
    let less = connection(
        "google",
        json!({"missing_scopes": ["drive"], "scopes": ["openid", "email"]}),
    );
    let changed = SignInStarted {
        added_scopes: Scopes::parse_any("files.write"),
        dropped_scopes: Scopes::parse_any("files.read mail.read"),
        ..started()
    };
    let texts = [
        waiting("github/work", &started(), now(), style),
        no_browser("`xdg-open` failed (exit status: 3)", style) + &by_hand(&started()),
        way_back(&started(), style),
        bad_paste("this address belongs to no sign-in", style),
        scope_change(&started(), style),
        scope_change(&changed, style),
        completed(&granted, false, None, style),
        completed(&granted, false, Some(&"github".parse().unwrap()), style),
        completed(&less, true, None, style),
        same_account(
            &connection("github", json!({})),
            &"work".parse().unwrap(),
            style,
        ),
    ];
    insta::assert_snapshot!(texts.join("---\n"));
}
