use serde_json::json;

use super::*;
use crate::render::fixtures::now;

#[test]
fn events_are_listed() {
    let connection = "018f0000-0000-7000-8000-000000000001";
    let event = |id: i64,
                 at: &str,
                 kind: &str,
                 about: Option<&str>,
                 actor: Value,
                 detail: Value| {
        json!({
            "id": id, "at": at, "kind": kind, "connection_id": about.map(|_| connection), "connection": about,
            "authenticator_id": null, "authenticator": null, "session_id": null, "actor": actor, "detail": detail
        })
    };
    let events = json!({"last_id": 44, "events": [
        event(41, "2026-11-19T08:00:00Z", "agent.started", None, Value::Null, json!({"version": "0.1.0"})),
        event(42, "2026-11-21T11:30:00Z", "connection.added", Some("github"), json!({"kind": "agent"}), Value::Null),
        event(43, "2026-11-21T11:59:30Z", "token.served", Some("github"), json!({"kind": "process", "pid": 4711, "executable": "/usr/bin/node"}),
            json!({"door": "socket", "scopes": ["repo", "gist"], "reason": null, "empty": ""})),
        event(44, "2026-11-21T12:00:00Z", "connection.postponed", Some("github"), Value::Null, json!({"reason": "HTTP 503", "attempts": 2, "revocation": {"outcome": "revoked"}})),
    ]});
    let events: EventList = serde_json::from_value(events).unwrap();
    insta::assert_snapshot!(list(&events, now(), Style::PLAIN));
}
