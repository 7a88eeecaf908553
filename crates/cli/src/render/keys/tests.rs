use serde_json::json;

use super::*;
use crate::render::fixtures::now;

fn key(name: &str, changes: &serde_json::Value) -> serde_json::Value {
    let mut key = json!({
        "id": "018f0000-0000-7000-8000-000000000001", "name": name, "connections": null,
        "manage": false, "created_at": "2026-11-01T12:00:00Z", "expires_at": null, "used_at": null,
        "is_active": true
    });
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

#[test]
fn keys_are_listed() {
    let connections = json!([
        {"profile": "default", "name": "github"}, {"profile": "staging", "name": "google/ada"}
    ]);
    let keys = json!({"clients": [
        key("ci", &json!({"connections": connections, "expires_at": "2026-12-21T12:00:00Z", "used_at": "2026-11-21T11:00:00Z"})),
        key("panel", &json!({"manage": true})),
        key("made-by-cron", &json!({"is_active": false})),
        key("old", &json!({"expires_at": "2026-11-20T12:00:00Z"})),
    ]});
    let keys: ClientList = serde_json::from_value(keys).unwrap();
    let keys = list(&keys, now(), Style::PLAIN);
    insta::assert_snapshot!(format!("{keys}---\n{}", none(Style::PLAIN)));
}

#[test]
fn a_new_key_says_how_it_is_used_and_never_shows_itself_in_the_words() {
    let made = |url: Option<&str>| {
        let made = json!({"client": key("ci", &json!({})), "key": "vk_secret", "base_url": url});
        let made = serde_json::from_value(made).unwrap();
        created(&made, ApiPort::default(), Style::PLAIN)
    };
    let text = format!("{}---\n{}", made(Some("http://127.0.0.1:4315")), made(None));
    assert!(!text.contains("vk_secret"));
    insta::assert_snapshot!(text);
}
