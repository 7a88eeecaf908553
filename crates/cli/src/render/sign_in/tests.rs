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
        no_browser("`xdg-open` failed (exit status: 3)", style)
            + &by_hand("https://github.com/login/oauth/authorize?client_id=x&state=y"),
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

#[test]
fn the_code_of_a_device_grant_is_read_by_a_person_and_by_a_telephone() {
    let style = Style::PLAIN;
    let device = DevicePrompt {
        user_code: "WDJB-MJHT".to_owned(),
        verification_uri: "https://example.com/device".to_owned(),
    };
    insta::assert_snapshot!(enter_code(&device, style));
    let address = "https://example.com/device?user_code=WDJB-MJHT";
    let drawn = qr_code(address, style);
    let rows: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
    let width = rows[0].len();
    // Each character is two modules, one above the other; a block is light.
    let is_light = |x: usize, y: usize| match (rows[y / 2].get(x), y % 2) {
        (Some('\u{2588}'), _) | (Some('\u{2580}'), 0) | (Some('\u{2584}'), 1) => true,
        (Some(_) | None, _) => false,
    };
    let scale = 4;
    let height = 2 * (rows.len() - 1);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width * scale, height * scale, |x, y| {
            if is_light(x / scale, y / scale) {
                255
            } else {
                0
            }
        });
    let found = image.detect_grids();
    let (_, text) = found
        .first()
        .expect("a QR code")
        .decode()
        .expect("readable");
    assert_eq!(text, address);
    assert_eq!(qr_code(&"x".repeat(5000), style), "");
}
