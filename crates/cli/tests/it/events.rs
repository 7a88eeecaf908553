//! `valetkey events verify` and `export`.

use serde_json::{Value, json};

use crate::stub::{Request, Stub};

fn event(id: i64, detail: &Value) -> Value {
    json!({
        "id": id, "at": "2026-11-21T08:00:00.5Z", "kind": "token.served", "connection_id": null,
        "connection": "github/work", "authenticator_id": null, "authenticator": null, "session_id": null,
        "actor": {"kind": "process", "pid": 7, "executable": "/opt/a, \"b\""}, "detail": detail
    })
}

/// An agent with the events 1 to 3, two a page.
fn log() -> Stub {
    Stub::new(|Request { line, .. }| {
        let page = match line {
            line if line.contains("after=0&") => {
                vec![event(1, &json!({})), event(2, &json!({"why": "a\nb"}))]
            }
            line if line.contains("after=2&") => vec![event(3, &Value::Null)],
            _ => Vec::new(),
        };
        Some((200, json!({"events": page, "last_id": 3})))
    })
}

#[test]
fn the_whole_log_is_exported_as_json_page_by_page() {
    let agent = log();
    let ended =
        agent.run("events export --connection github/work --by node --since 2026-11-01T00:00:00Z");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let events: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    let ids: Vec<_> = events.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!(2), json!(3)]);
    assert_eq!(ended.out.lines().count(), 5, "{}", ended.out);
    let asked = "GET /events?after=0&limit=1000&connection=github%2Fwork&since=2026-11-01T00%3A00%3A00Z&actor=node";
    assert_eq!(agent.lines()[0], asked);
}

#[test]
fn an_empty_log_is_an_empty_array() {
    let agent = Stub::new(|_| Some((200, json!({"events": [], "last_id": 0}))));
    assert_eq!(agent.run("events export").out, "[\n]\n");
}

#[test]
fn csv_quotes_what_must_be_quoted() {
    let ended = log().run("events export --format csv --kind token.served");
    let rows: Vec<_> = ended.out.split("\r\n").collect();
    let start =
        "2026-11-21T08:00:00.5Z,token.served,github/work,,,,,\"process 7 /opt/a, \"\"b\"\"\"";
    assert_eq!(
        rows,
        [
            "id,at,kind,connection,connection_id,authenticator,authenticator_id,session_id,actor,detail",
            &format!("1,{start},"),
            &format!("2,{start},\"{{\"\"why\"\":\"\"a\\nb\"\"}}\""),
            &format!("3,{start},"),
            "",
        ]
    );
}

#[test]
fn a_log_that_was_changed_is_exit_code_1() {
    let verified = |intact: bool, problems: Value| {
        json!({
            "intact": intact, "lines": 3, "first": 1, "last": 3, "uncovered": 0, "pruned_until": null,
            "problems": problems, "further_problems": 0, "unclean_ends": 0, "last_unclean_end": null,
            "chained_late": 0
        })
    };
    let sound = verified(true, json!([]));
    let agent = Stub::new(move |_| Some((200, sound.clone())));
    let ended = agent.run("events verify");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("no line was changed"), "{}", ended.out);
    assert_eq!(agent.lines(), ["POST /events/verify"]);

    let changed = json!([{"kind": "changed", "first": 2, "last": 2, "why": null}]);
    let damaged = verified(false, changed);
    let agent = Stub::new(move |_| Some((200, damaged.clone())));
    let ended = agent.run("events verify");
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("line 2 was changed"), "{}", ended.out);
    let ended = agent.run("events verify --json");
    assert_eq!(ended.code, Some(1));
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(found["problems"][0]["kind"], "changed");
}

#[test]
fn a_locked_keychain_is_69() {
    let ended = Stub::refusing(503, "keychain_locked").run("events verify");
    assert_eq!(ended.code, Some(69));
}
