//! `valetkey add URL`: shown, asked, added.

use serde_json::{Value, json};

use crate::add::saved;
use crate::stub::Stub;

fn found() -> Value {
    json!({
        "url": "https://mcp.example.com/mcp", "kind": "mcp_server", "name": "example", "resource_name": null,
        "resource": "https://mcp.example.com/mcp", "issuer": "https://auth.example.org",
        "issuers": ["https://auth.example.org"], "scopes": ["read"], "registration": "dynamic",
        "draft": {
            "name": "example", "authenticator_type": "custom", "issuer": "https://auth.example.org",
            "discovered_from": "https://mcp.example.com/mcp", "scopes": ["read"],
        },
        "warnings": [], "needs": [],
    })
}

fn agent(discovered: Value) -> Stub {
    Stub::new(move |request| {
        if request.line.starts_with("POST /oauth/discover") {
            Some((200, discovered.clone()))
        } else {
            Some((201, saved()))
        }
    })
}

#[test]
fn what_was_found_is_added_with_what_the_person_said_beside_it() {
    let agent = agent(found());
    let ended =
        agent.run("add https://mcp.example.com/mcp --yes --name mine --profile work --assume-pkce");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("tokens from"), "{}", ended.err);
    let [looked, added] = &agent.requests()[..] else {
        panic!("two requests: {:?}", agent.lines());
    };
    assert_eq!(looked.line, "POST /oauth/discover?profile=work");
    assert_eq!(looked.body["assume_pkce"], true);
    assert_eq!(added.line, "POST /oauth/authenticators?profile=work");
    assert_eq!(added.body["name"], "mine");
    assert_eq!(added.body["discovered_from"], "https://mcp.example.com/mcp");
}

#[test]
fn nothing_is_added_without_a_yes() {
    let agent = agent(found());
    for arguments in [
        "add https://mcp.example.com/mcp",
        "add https://mcp.example.com/mcp --json",
    ] {
        let ended = agent.run(arguments);
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains("--yes"), "{}", ended.err);
    }
    assert!(
        agent
            .requests()
            .iter()
            .all(|it| it.line.starts_with("POST /oauth/discover"))
    );
}

#[test]
fn several_authorization_servers_are_named_and_one_is_chosen_by_option() {
    let mut several = found();
    several["issuers"] = json!(["https://a.example.org", "https://b.example.org"]);
    several["draft"] = Value::Null;
    several["issuer"] = Value::Null;
    let agent = agent(several);
    let ended = agent.run("add https://mcp.example.com/mcp --yes");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("https://b.example.org") && ended.err.contains("--issuer"),
        "{}",
        ended.err
    );
}

#[test]
fn what_the_person_must_give_is_said_and_nothing_is_added() {
    let mut by_hand = found();
    by_hand["needs"] = json!([{"field": "client_id", "message": "it registers no clients", "hint": "give `--client-id`"}]);
    let agent = agent(by_hand);
    let ended = agent.run("add https://mcp.example.com/mcp --yes");
    assert!(
        ended.err.contains("it registers no clients") && ended.err.contains("--client-id"),
        "{}",
        ended.err
    );
    assert_eq!(agent.requests().len(), 1);
}

#[test]
fn the_options_of_servers_need_a_url() {
    let agent = agent(found());
    let ended = agent.run("add google --client-id x --yes");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("valetkey add URL"), "{}", ended.err);
}
