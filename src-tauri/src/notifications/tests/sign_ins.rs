//! Sign-ins that have ended.

use super::*;

#[test]
fn sign_ins_are_answered_and_folded() {
    let mut notifications = begun(&["github"]);
    let one = [event("sign_in.completed", "github")];
    let shown = notifications.after(&snapshot([well("github")]), &one, &at(NOW));
    assert_eq!(titles(&shown), ["github is connected"]);
    let two = [
        event("sign_in.completed", "github"),
        event("sign_in.denied", "slack"),
        event("token.served", "github"),
    ];
    let shown = notifications.after(&snapshot([well("github")]), &two, &at(NOW));
    assert_eq!(titles(&shown), ["2 sign-ins have ended"]);
    assert_eq!(
        shown[0].body,
        "github is connected; Signing in to slack was refused"
    );
    let cancelled = [event("sign_in.cancelled", "github")];
    assert_eq!(
        notifications.after(&snapshot([well("github")]), &cancelled, &at(NOW)),
        []
    );
}
