use serde_json::{Value, json};
use valetkey_api::core::settings::Notifications;

use super::*;

mod quiet_hours;
mod sign_ins;

/// In the evening of the machine, whose clock is not that of UTC.
const NOW: &str = "2026-11-21T20:00:00+01:00[+01:00]";

fn at(text: &str) -> Zoned {
    text.parse().unwrap()
}

fn in_minutes(minutes: i64) -> Zoned {
    at(NOW).saturating_add(SignedDuration::from_mins(minutes))
}

/// A connection in good health; `changes` replace its fields.
fn connection(name: &str, changes: Value) -> ConnectionView {
    let number = name.bytes().map(u32::from).sum::<u32>();
    let mut view = json!({
        "id": format!("018f0000-0000-7000-8000-{number:012x}"), "name": name, "profile": "default",
        "authenticator": name, "authenticator_id": "018f0000-0000-7000-8000-00000000ffff",
        "provider": "github", "provider_name": "GitHub",
        "account": {"label": null, "display_name": "ada", "subject": null},
        "status": "active", "asked_scopes": [], "scopes": [], "missing_scopes": [],
        "issued_at": "2026-11-01T12:00:00Z", "expires_at": in_minutes(30).timestamp(),
        "refresh_due_at": null, "refresh_expires_at": null, "refreshable": true,
        "unsaved": false, "keep_warm": "when_used", "refresh_error": null, "generation": 3,
        "created_at": "2026-11-01T12:00:00Z", "used_at": null
    });
    let Value::Object(changes) = changes else {
        panic!("fields")
    };
    view.as_object_mut().unwrap().extend(changes);
    serde_json::from_value(view).unwrap()
}

fn well(name: &str) -> ConnectionView {
    connection(name, json!({}))
}

fn lost(name: &str) -> ConnectionView {
    connection(name, json!({ "status": "needs_reconnect" }))
}

/// Cannot be renewed.
fn ending(name: &str, end: &Zoned) -> ConnectionView {
    let fields = json!({ "refreshable": false, "expires_at": end.timestamp() });
    connection(name, fields)
}

fn snapshot(connections: impl Into<Vec<ConnectionView>>) -> Snapshot {
    Snapshot {
        connections: connections.into(),
        ..Snapshot::default()
    }
}

fn with(settings: &Notifications, connections: impl Into<Vec<ConnectionView>>) -> Snapshot {
    Snapshot {
        notifications: settings.clone(),
        ..snapshot(connections)
    }
}

fn event(kind: &str, name: &str) -> EventView {
    let event = json!({ "id": 7, "at": "2026-11-21T19:00:00Z", "kind": kind, "connection": name, "detail": null });
    serde_json::from_value(event).unwrap()
}

/// Has seen these in good health.
fn begun(names: &[&str]) -> NotificationTracker {
    let mut notifications = NotificationTracker::default();
    let all: Vec<_> = names.iter().map(|name| well(name)).collect();
    assert_eq!(notifications.after(&snapshot(all), &[], &at(NOW)), []);
    notifications
}

fn titles(notifications: &[Notification]) -> Vec<&str> {
    notifications.iter().map(|it| it.title.as_str()).collect()
}

#[test]
fn scopes_that_a_host_asks_for_are_announced_once() {
    let lacking = |scopes: Value, is_offered| {
        let needed = json!({ "scopes": scopes, "host": "api.github.com", "tries": 0,
            "at": "2026-11-01T12:00:00Z", "is_offered": is_offered });
        snapshot([connection("github", json!({ "needed_scopes": needed }))])
    };
    let mut tracker = NotificationTracker::default();
    let mut after = |snapshot: &Snapshot| tracker.after(snapshot, &[], &at(NOW));
    assert_eq!(after(&snapshot([well("github")])), []);
    let told = after(&lacking(json!(["gist"]), true));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, Kind::NeedsScopes);
    assert_eq!(told[0].action, Action::Open);
    assert!(
        told[0]
            .body
            .contains("api.github.com refused a request without gist")
    );
    assert_eq!(after(&lacking(json!(["gist", "repo"]), true)), []);
    assert_eq!(after(&lacking(json!(["gist"]), false)), []);
    assert_eq!(after(&snapshot([well("github")])), []);
    assert_eq!(
        after(&lacking(json!(["gist"]), true)).len(),
        1,
        "it came back"
    );
}

#[test]
fn what_was_so_before_the_start_is_no_news() {
    let mut notifications = NotificationTracker::default();
    for _ in 0..2 {
        assert_eq!(
            notifications.after(&snapshot([lost("slack")]), &[], &at(NOW)),
            []
        );
    }
}

#[test]
fn a_lost_login_is_told_once_with_a_button_that_mends_it() {
    let mut notifications = begun(&["slack"]);
    let shown = notifications.after(&snapshot([lost("slack")]), &[], &at(NOW));
    assert_eq!(titles(&shown), ["slack needs you to sign in again"]);
    let reconnect = Action::Reconnect {
        connection: "slack".to_owned(),
        profile: "default".to_owned(),
    };
    assert_eq!(
        (shown[0].kind, &shown[0].action),
        (Kind::NeedsYou, &reconnect)
    );
    for minutes in [0, 1, 60 * 24] {
        let later = in_minutes(minutes);
        assert_eq!(
            notifications.after(&snapshot([lost("slack")]), &[], &later),
            []
        );
    }
}

#[test]
fn a_notification_says_in_our_words_why_a_login_ended() {
    let ended = json!({
        "status": "needs_reconnect",
        "refresh_error": { "kind": "sign_in_again", "reason": "Token has been expired or revoked. (invalid_grant)", "at": "2026-11-21T19:00:00Z", "since": "2026-11-21T19:00:00Z", "attempts": 1, "retry_at": null }
    });
    for (changes, told) in [
        (ended, "The provider has ended the login."),
        (
            json!({ "status": "needs_reconnect" }),
            "The login has expired.",
        ),
    ] {
        let mut notifications = begun(&["slack"]);
        let shown = notifications.after(&snapshot([connection("slack", changes)]), &[], &at(NOW));
        assert_eq!(
            shown[0].body,
            format!("{told} Programs get no token until you sign in.")
        );
    }
}

#[test]
fn healing_is_silent_and_the_next_loss_is_news_again() {
    let mut notifications = begun(&["slack"]);
    notifications.after(&snapshot([lost("slack")]), &[], &at(NOW));
    assert_eq!(
        notifications.after(&snapshot([well("slack")]), &[], &at(NOW)),
        []
    );
    let again = notifications.after(&snapshot([lost("slack")]), &[], &at(NOW));
    assert_eq!(again.len(), 1);
}

#[test]
fn a_look_in_between_two_states_changes_nothing() {
    let mut notifications = begun(&["slack"]);
    notifications.after(&snapshot([lost("slack")]), &[], &at(NOW));
    let between = connection("slack", json!({ "status": "refreshing" }));
    assert_eq!(notifications.after(&snapshot([between]), &[], &at(NOW)), []);
    let still = notifications.after(&snapshot([lost("slack")]), &[], &at(NOW));
    assert_eq!(still, []);
}

#[test]
fn what_heals_by_itself_is_not_told() {
    let mut notifications = begun(&["github"]);
    let later = json!({
        "status": "expired",
        "refresh_error": { "kind": "later", "reason": "HTTP 503", "at": "2026-11-21T19:00:00Z", "since": "2026-11-21T19:00:00Z", "attempts": 4, "retry_at": null }
    });
    let expired = connection("github", later);
    assert_eq!(notifications.after(&snapshot([expired]), &[], &at(NOW)), []);
}

#[test]
fn a_refused_client_is_told_without_a_sign_in_that_would_not_help() {
    let mut notifications = begun(&["github"]);
    let refused = json!({
        "status": "expired",
        "refresh_error": { "kind": "fix_client", "reason": "invalid_client", "at": "2026-11-21T19:00:00Z", "since": "2026-11-21T19:00:00Z", "attempts": 1, "retry_at": null }
    });
    let shown = notifications.after(&snapshot([connection("github", refused)]), &[], &at(NOW));
    assert_eq!(
        titles(&shown),
        ["The registered client of github must be corrected"]
    );
    assert_eq!(
        (shown[0].body.as_str(), &shown[0].action),
        (
            "GitHub refuses it. Open Valet Key to correct it.",
            &Action::Open
        )
    );
}

#[test]
fn an_endpoint_that_gave_no_token_for_a_day_is_told_once() {
    let mut notifications = begun(&["github"]);
    let refused_since = |since: &str| {
        let error = json!({
            "kind": "later", "reason": "HTTP 404", "at": "2026-11-21T19:00:00Z", "since": since, "attempts": 90, "retry_at": null
        });
        connection(
            "github",
            json!({ "status": "expired", "refresh_error": error }),
        )
    };
    let soon = snapshot([refused_since("2026-11-21T00:00:00Z")]);
    assert_eq!(notifications.after(&soon, &[], &at(NOW)), []);
    let late = snapshot([refused_since("2026-11-19T00:00:00Z")]);
    let shown = notifications.after(&late, &[], &at(NOW));
    assert_eq!(titles(&shown), ["github has not been refreshed for a day"]);
    assert_eq!(
        (shown[0].body.as_str(), &shown[0].action),
        (
            "GitHub issues no token. Open Valet Key to see why.",
            &Action::Open
        )
    );
    assert_eq!(notifications.after(&late, &[], &at(NOW)), []);
}

#[test]
fn several_at_once_are_one_notice() {
    let mut notifications = begun(&["slack", "github", "google"]);
    let end = in_minutes(9);
    let all = [lost("slack"), lost("github"), ending("google", &end)];
    let shown = notifications.after(&snapshot(all), &[], &at(NOW));
    assert_eq!(titles(&shown), ["3 connections need attention"]);
    assert_eq!(shown[0].body, "Now: slack, github. Soon: google");
    assert_eq!(shown[0].action, Action::Open);

    let mut notifications = begun(&["slack", "github"]);
    let shown = notifications.after(&snapshot([lost("slack"), lost("github")]), &[], &at(NOW));
    assert_eq!(titles(&shown), ["2 connections need you to sign in again"]);
}

#[test]
fn a_token_that_cannot_be_renewed_is_told_a_day_and_ten_minutes_before_and_at_its_end() {
    let end = in_minutes(3 * 24 * 60);
    let mut notifications = NotificationTracker::default();
    let mut told = Vec::new();
    for before in [72 * 60, 25 * 60, 24 * 60, 23 * 60, 11, 10, 9, 1, 0, -1, -60] {
        let now = end.saturating_sub(SignedDuration::from_mins(before));
        let shown = notifications.after(&snapshot([ending("pat", &end)]), &[], &now);
        told.extend(shown.into_iter().map(|it| (before, it.title)));
    }
    assert_eq!(
        told,
        [
            (24 * 60, "The token of pat expires in 24 hours".to_owned()),
            (10, "The token of pat expires in 10 minutes".to_owned()),
            (0, "pat needs you to sign in again".to_owned()),
        ]
    );
}

#[test]
fn a_token_that_never_lived_a_day_is_not_told_a_day_before() {
    let mut notifications = NotificationTracker::default();
    let end = in_minutes(60);
    let of_an_hour = |status: &str| {
        let fields = json!({
            "status": status, "refreshable": false, "expires_at": end.timestamp(), "issued_at": at(NOW).timestamp()
        });
        connection("pat", fields)
    };
    notifications.after(&snapshot([of_an_hour("active")]), &[], &at(NOW));
    for (minutes, count) in [(30, 0), (49, 0), (50, 1), (55, 0)] {
        let shown =
            notifications.after(&snapshot([of_an_hour("active")]), &[], &in_minutes(minutes));
        assert_eq!(shown.len(), count, "{minutes}");
    }
    // However the agent calls it, the end is told once.
    for (minutes, status, count) in [
        (60, "active", 1),
        (61, "expired", 0),
        (62, "needs_reconnect", 0),
    ] {
        let shown = notifications.after(&snapshot([of_an_hour(status)]), &[], &in_minutes(minutes));
        assert_eq!(shown.len(), count, "{status}");
    }
}

#[test]
fn after_a_new_sign_in_the_new_end_is_told() {
    let mut notifications = NotificationTracker::default();
    let first = in_minutes(5);
    notifications.after(&snapshot([well("pat")]), &[], &at(NOW));
    let shown = notifications.after(&snapshot([ending("pat", &first)]), &[], &at(NOW));
    assert_eq!(titles(&shown), ["The token of pat expires in 5 minutes"]);
    let second = in_minutes(60);
    assert_eq!(
        notifications.after(&snapshot([ending("pat", &second)]), &[], &at(NOW)),
        []
    );
    let shown = notifications.after(&snapshot([ending("pat", &second)]), &[], &in_minutes(51));
    assert_eq!(titles(&shown), ["The token of pat expires in 9 minutes"]);
}

#[test]
fn a_kind_that_is_switched_off_is_not_shown_and_not_caught_up_with() {
    let off = Notifications {
        needs_you: false,
        ends_soon: false,
        sign_in: false,
        quiet_hours: None,
    };
    let mut notifications = begun(&["slack", "pat"]);
    let end = in_minutes(9);
    let all = || [lost("slack"), ending("pat", &end)];
    let signed_in = [event("sign_in.completed", "github")];
    assert_eq!(
        notifications.after(&with(&off, all()), &signed_in, &at(NOW)),
        []
    );
    assert_eq!(notifications.after(&snapshot(all()), &[], &at(NOW)), []);
    // What gets worse later is a change of its own.
    let only_needs_you = Notifications {
        ends_soon: false,
        ..Notifications::default()
    };
    let shown = notifications.after(&with(&only_needs_you, all()), &[], &in_minutes(9));
    assert_eq!(titles(&shown), ["pat needs you to sign in again"]);
}

#[test]
fn a_paused_agent_still_tells() {
    let mut notifications = begun(&["slack"]);
    let paused = Snapshot {
        paused: true,
        ..snapshot([lost("slack")])
    };
    assert_eq!(notifications.after(&paused, &[], &at(NOW)).len(), 1);
}

#[test]
fn what_is_no_longer_so_is_taken_back() {
    const ALL: [Kind; 3] = [Kind::NeedsYou, Kind::EndsSoon, Kind::NeedsScopes];
    let mut notifications = begun(&["slack", "github"]);
    assert_eq!(notifications.obsolete(), ALL);
    notifications.after(&snapshot([lost("slack"), lost("github")]), &[], &at(NOW));
    assert_eq!(
        notifications.obsolete(),
        [Kind::EndsSoon, Kind::NeedsScopes]
    );
    notifications.after(&snapshot([well("slack"), lost("github")]), &[], &at(NOW));
    assert_eq!(
        notifications.obsolete(),
        [Kind::EndsSoon, Kind::NeedsScopes],
        "one still needs the person"
    );
    notifications.after(&snapshot([well("slack"), well("github")]), &[], &at(NOW));
    assert_eq!(notifications.obsolete(), ALL);
}

#[test]
fn a_notice_calls_things_as_the_window_does() {
    let account = json!({ "label": "work", "display_name": "ada", "subject": null });
    let fields = json!({ "status": "needs_reconnect", "account": account });
    let authenticator = |profile: &str| {
        let view = json!({
            "id": "018f0000-0000-7000-8000-00000000ffff", "name": "github", "profile": profile,
            "display_name": "GitHub", "provider": "github", "client_id": "x",
            "has_client_secret": false, "scopes": [], "redirect_uri": "http://127.0.0.1/callback",
            "endpoints": {}, "own_endpoints": {}, "authorize_params": {}, "placeholders": {},
            "is_active": true, "connections": [], "console_url": null,
            "created_at": "2026-11-01T12:00:00Z", "updated_at": "2026-11-01T12:00:00Z"
        });
        serde_json::from_value(view).unwrap()
    };
    for (profiles, title) in [
        (&["default"][..], "GitHub / work needs you to sign in again"),
        (
            &["default", "staging"],
            "GitHub / work (default) needs you to sign in again",
        ),
    ] {
        let mut notifications = begun(&["github"]);
        let now = Snapshot {
            authenticators: profiles.iter().copied().map(authenticator).collect(),
            ..snapshot([connection("github", fields.clone())])
        };
        let shown = notifications.after(&now, &[], &at(NOW));
        assert_eq!(titles(&shown), [title]);
    }
}
