//! Nothing is shown in quiet hours, and at their end what still needs the person.

use super::*;

fn quiet(hours: &str) -> Notifications {
    Notifications {
        quiet_hours: Some(hours.parse().unwrap()),
        ..Notifications::default()
    }
}

#[test]
fn quiet_hours_end_with_one_notice_of_what_still_needs_the_person() {
    let night = quiet("20:00-07:00");
    let mut notifications = begun(&["slack", "github", "google", "pat"]);
    let end = at("2026-11-22T07:12:00+01:00[+01:00]");
    let later = |slack, github| vec![slack, github, lost("google"), ending("pat", &end)];
    let midnight = at("2026-11-22T00:30:00+01:00[+01:00]");
    let signed_in = [event("sign_in.completed", "github")];
    let at_night = with(&night, later(lost("slack"), lost("github")));
    assert_eq!(notifications.after(&at_night, &signed_in, &midnight), []);
    let seven = at("2026-11-22T07:00:00+01:00[+01:00]");
    assert_eq!(
        notifications.next_check(&at_night, &midnight),
        Some(seven.timestamp())
    );
    // One is mended before the morning.
    let mended = with(&night, later(well("slack"), lost("github")));
    assert_eq!(notifications.after(&mended, &[], &midnight), []);
    let shown = notifications.after(&mended, &[], &seven);
    assert_eq!(titles(&shown), ["3 connections need attention"]);
    assert_eq!(shown[0].body, "Now: github, google. Soon: pat");
    assert_eq!(notifications.after(&mended, &[], &seven), []);
}

#[test]
fn quiet_hours_with_nothing_to_tell_end_silently() {
    let night = quiet("20:00-07:00");
    let mut notifications = begun(&["slack"]);
    let healthy = with(&night, [well("slack")]);
    assert_eq!(notifications.after(&healthy, &[], &in_minutes(60)), []);
    assert_eq!(notifications.next_check(&healthy, &in_minutes(60)), None);
    assert_eq!(notifications.after(&healthy, &[], &in_minutes(12 * 60)), []);
}

#[test]
fn what_was_told_before_the_quiet_hours_is_not_told_after_them() {
    let night = quiet("20:00-07:00");
    let mut notifications = begun(&["slack", "github"]);
    let before = in_minutes(-1);
    let both = || [lost("slack"), well("github")];
    assert_eq!(
        notifications
            .after(&with(&night, both()), &[], &before)
            .len(),
        1
    );
    let at_night = with(&night, [lost("slack"), lost("github")]);
    assert_eq!(notifications.after(&at_night, &[], &in_minutes(60)), []);
    let shown = notifications.after(&at_night, &[], &in_minutes(11 * 60));
    assert_eq!(titles(&shown), ["github needs you to sign in again"]);
}

#[test]
fn ending_the_quiet_hours_by_hand_tells_at_once() {
    let mut notifications = begun(&["slack"]);
    let at_night = with(&quiet("20:00-07:00"), [lost("slack")]);
    assert_eq!(notifications.after(&at_night, &[], &in_minutes(60)), []);
    let shown = notifications.after(&snapshot([lost("slack")]), &[], &in_minutes(61));
    assert_eq!(shown.len(), 1);
}
