use serde_json::{Value, json};

use super::*;
use crate::render::fixtures::{agent, connection, now, refresh_error};

fn words(connections: Vec<ConnectionView>, agent_changes: Value) -> String {
    let whole = Overview {
        agent: agent(agent_changes),
        list: ConnectionList { connections },
        disabled: Vec::new(),
    };
    overview(&whole, now(), Style::PLAIN)
}

#[test]
fn the_overview_says_for_each_what_happens_next() {
    let no_refresh = json!({"refresh_due_at": null, "refreshable": false});
    let endless = json!({"refresh_due_at": null, "refreshable": false, "expires_at": null});
    let text = words(
        vec![
            connection("active", json!({})),
            connection(
                "active/work",
                json!({"account": {"label": "work", "display_name": "ada@work.example", "subject": null}}),
            ),
            connection(
                "due",
                json!({"refresh_due_at": "2026-11-21T11:59:59Z", "status": "refreshing"}),
            ),
            connection("lazy", json!({"refresh_due_at": null})),
            connection("endless", endless),
            connection("ending", no_refresh),
            connection(
                "expired",
                json!({
                    "status": "expired", "refresh_error": refresh_error("later", "HTTP 503", Some("2026-11-21T12:03:00Z"))
                }),
            ),
            connection(
                "unclear",
                json!({
                    "refresh_error": refresh_error("unclear", "HTTP 400", Some("2026-11-21T12:03:00Z"))
                }),
            ),
            connection(
                "wrong-client",
                json!({"refresh_error": refresh_error("fix_client", "invalid_client", None)}),
            ),
            connection(
                "dead",
                json!({
                    "status": "needs_reconnect", "refresh_error": refresh_error("sign_in_again", "invalid_grant", None)
                }),
            ),
            connection(
                "unsaved",
                json!({"unsaved": true, "account": {"label": null, "display_name": null, "subject": null}}),
            ),
            connection("connecting", json!({"status": "connecting"})),
            connection("removing", json!({"status": "removing"})),
        ],
        json!({}),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn profiles_are_shown_where_there_are_several() {
    let text = words(
        vec![
            connection("github", json!({})),
            connection("github", json!({"profile": "staging"})),
        ],
        json!({}),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn without_connections_it_says_what_comes_next() {
    let words = |changes| none(&agent(changes), Style::PLAIN);
    let nothing = words(json!({"authenticators": 0}));
    let nobody = words(json!({}));
    insta::assert_snapshot!(format!("{nothing}---\n{nobody}"));
}

#[test]
fn what_is_wrong_with_the_agent_is_said_below() {
    let store = |state: &str, reason: Option<&str>| {
        json!({
            "paused": true, "port": null, "port_problem": "port 4315 is taken by another program",
            "secret_store": {"kind": "keychain", "state": state, "reason": reason, "unsaved": 2}
        })
    };
    let locked = words(vec![connection("github", json!({}))], store("locked", None));
    let hung = words(
        Vec::new(),
        store("hung", Some("the keychain does not answer")),
    );
    insta::assert_snapshot!(format!("{locked}---\n{hung}"));
}

#[test]
fn one_connection_is_shown_in_full() {
    let view = connection(
        "github/work",
        json!({
            "asked_scopes": ["repo", "gist"], "missing_scopes": ["gist"],
            "refresh_expires_at": "2027-05-01T00:00:00Z"
        }),
    );
    let dead = connection(
        "google",
        json!({
            "status": "needs_reconnect", "refreshable": false, "used_at": null,
            "expires_at": "2026-11-21T10:00:00Z", "refresh_error": refresh_error("sign_in_again", "invalid_grant", None)
        }),
    );
    let [view, dead] = [view, dead].map(|view| show(&view, false, now(), Style::PLAIN));
    insta::assert_snapshot!(format!("{view}---\n{dead}"));
}

#[test]
fn disconnecting_is_honest_about_the_provider() {
    let gone = |revocation: Value| -> Disconnected {
        let id = "018f0000-0000-7000-8000-000000000001";
        let gone =
            json!({"id": id, "name": "github", "profile": "default", "revocation": revocation});
        serde_json::from_value(gone).unwrap()
    };
    let texts = [
        gone(json!({"outcome": "revoked"})),
        gone(json!({"outcome": "not_possible", "reason": "remove the app at <https://myapps.microsoft.com>"})),
        gone(json!({"outcome": "failed", "reason": "GitHub did not answer within 10 s"})),
    ]
    .map(|gone| disconnected(&gone, Style::PLAIN));
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn a_test_says_who_answered() {
    let reply = |method: &str, refreshed: bool, account: Option<&str>| -> TestResponse {
        let view = connection("github", json!({}));
        let reply = json!({
            "connection": view, "method": method, "refreshed": refreshed, "host": "api.github.com",
            "account": account, "elapsed_ms": 131
        });
        serde_json::from_value(reply).unwrap()
    };
    let texts = [
        reply("userinfo", false, Some("ada")),
        reply("userinfo", false, None),
        reply("userinfo", true, Some("ada")),
        reply("stored", false, None),
    ]
    .map(|reply| tested(&reply, Style::PLAIN));
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn the_refresh_policy_is_said_in_a_sentence() {
    let said = ["always", "when_used", "on_demand"].map(|policy| {
        let view = connection("github", json!({ "keep_warm": policy }));
        kept_warm(&view, Style::PLAIN)
    });
    insta::assert_snapshot!(said.concat(), @r"
    `github` is always refreshed before its token ends
    `github` is refreshed while it is used
    `github` is refreshed when asked for
    ");
}

#[test]
fn a_key_is_called_by_its_name_and_the_better_way_is_named() {
    let key = |oauth: &str| {
        json!({
            "name": "personal access token", "page": "https://github.com/settings/tokens", "oauth": oauth
        })
    };
    let lasting = json!({"refresh_due_at": null, "refreshable": false});
    let with = |name: &str, oauth: &str, more: Value| {
        let mut changes = lasting.clone();
        changes["api_key"] = key(oauth);
        for (name, value) in more.as_object().unwrap() {
            changes[name] = value.clone();
        }
        connection(name, changes)
    };
    let endless = with("endless", "needs_client", json!({"expires_at": null}));
    let ending = with(
        "ending",
        "ready",
        json!({"expires_at": "2026-12-21T12:00:00Z"}),
    );
    let refused = with("refused", "ready", json!({"status": "needs_reconnect"}));
    let texts = [
        words(vec![endless.clone(), ending.clone(), refused], json!({})),
        show(&ending, false, now(), Style::PLAIN),
        show(&endless, false, now(), Style::PLAIN),
    ];
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn a_key_that_lacks_scopes_is_replaced_and_not_signed_in_with() {
    let needed = json!({
        "scopes": ["admin:org"], "host": "api.github.com", "at": "2026-11-21T11:58:00Z", "tries": 0,
        "is_offered": true
    });
    let about = json!({"name": "personal access token", "page": null, "oauth": null});
    let changes = json!({
        "needed_scopes": needed, "api_key": about, "refresh_due_at": null, "refreshable": false
    });
    let view = connection("github", changes);
    let texts = [
        words(vec![view.clone()], json!({})),
        show(&view, false, now(), Style::PLAIN),
    ];
    for text in texts {
        assert!(!text.contains("--scopes"), "{text}");
        assert!(
            text.contains("`valetkey connect github --api-key-stdin`"),
            "{text}"
        );
        assert!(text.contains("admin:org"), "{text}");
    }
}
