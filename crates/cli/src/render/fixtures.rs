//! Replies of an agent, for the snapshots.

use jiff::Timestamp;
use serde_json::{Value, json};
use valetkey_api::agent::AgentStatus;
use valetkey_api::authenticators::AuthenticatorView;
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::draft::DraftInput;

pub(super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn uuid(last: u8) -> String {
    format!("018f0000-0000-7000-8000-0000000000{last:02x}")
}

/// A connection in good health; `changes` are merged into it.
pub(super) fn connection(name: &str, changes: Value) -> ConnectionView {
    let (authenticator, label) = match name.split_once('/') {
        Some((authenticator, label)) => (authenticator, Some(label)),
        None => (name, None),
    };
    let mut view = json!({
        "id": uuid(1), "name": name, "profile": "default", "authenticator": authenticator,
        "authenticator_id": uuid(2), "provider": "github", "provider_name": "GitHub (OAuth App)",
        "account": {"label": label, "display_name": "ada", "subject": null},
        "status": "active", "asked_scopes": ["repo"], "scopes": ["repo"], "missing_scopes": [],
        "issued_at": "2026-11-21T11:46:00Z", "expires_at": "2026-11-21T12:46:00Z",
        "refresh_due_at": "2026-11-21T12:41:00Z", "refresh_expires_at": null, "refreshable": true,
        "unsaved": false, "keep_warm": "when_used", "refresh_error": null, "generation": 3,
        "created_at": "2026-11-01T12:00:00Z", "used_at": "2026-11-21T11:59:20Z"
    });
    merge(&mut view, changes);
    serde_json::from_value(view).unwrap()
}

fn merge(into: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        return;
    };
    for (name, value) in changes {
        into[name] = value;
    }
}

/// The last refresh error of a connection.
pub(super) fn refresh_error(kind: &str, reason: &str, retry_at: Option<&str>) -> Value {
    json!({"kind": kind, "reason": reason, "at": "2026-11-21T11:58:00Z", "since": "2026-11-21T11:58:00Z", "attempts": 2, "retry_at": retry_at})
}

/// A running agent; `changes` are merged into it.
pub(super) fn agent(changes: Value) -> AgentStatus {
    let mut status = json!({
        "version": "0.1.0", "pid": 4711, "started_at": "2026-11-21T08:00:00Z", "paused": false,
        "socket": "/run/user/1000/valetkey/agent.sock", "port": 4315, "port_problem": null,
        "data": "/home/ada/.local/share/valetkey", "log": "/home/ada/.local/state/valetkey/oauth.log",
        "secret_store": {"kind": "keychain", "state": "ready", "reason": null, "unsaved": 0},
        "authenticators": 2, "connections": {"total": 2, "active": 2, "expired": 0, "needs_reconnect": 0}
    });
    merge(&mut status, changes);
    serde_json::from_value(status).unwrap()
}

/// An authenticator made from these fields.
pub(super) fn authenticator(fields: &Value, connections: &[&str]) -> AuthenticatorView {
    let input = DraftInput::from_json(&fields.to_string()).unwrap();
    let (draft, _) = input.check().unwrap();
    let (authenticator, _) =
        draft.into_authenticator(uuid(2).parse().unwrap(), "default".parse().unwrap(), now());
    let names = connections
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    AuthenticatorView::new(&authenticator, names)
}

pub(super) fn github() -> AuthenticatorView {
    let fields = json!({
        "authenticator_type": "github", "client_id": "Iv1.0123456789abcdef",
        "client_secret": "s3cret", "scopes": ["repo", "read:org"]
    });
    authenticator(&fields, &["github", "github/work"])
}

pub(super) fn microsoft() -> AuthenticatorView {
    let fields = json!({
        "name": "Contoso", "authenticator_type": "microsoft",
        "client_id": "11111111-2222-3333-4444-555555555555", "tenant": "contoso.com"
    });
    authenticator(&fields, &[])
}
