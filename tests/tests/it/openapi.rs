//! schemathesis sends what the committed OpenAPI document allows, and what it does not, to a running
//! agent: no 5xx but 502 and 503, no status or media type that is not in it, nothing accepted that is
//! not in it. `tests/python/schemathesis.toml` says how.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use valetkey_tests::agent::binary;
use valetkey_tests::{Agent, AgentFixture, api, cli, socket_port};

/// What nothing that schemathesis can make up is accepted by, with where it is tested.
const NEVER_ACCEPTED: &[&str] = &[
    // A desktop app shows it: `desktop.rs`.
    "POST /api/v1/window",
    // The person confirms them in the desktop app: `access.rs` of the agent, `client_keys.rs` of the server.
    "POST /api/v1/rules/{id}/confirm",
    "POST /api/v1/clients/{id}/confirm",
    // The address holds a code of the provider: `sign_in.rs`.
    "POST /api/v1/credentials/sessions/{id}/callback",
];

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// An agent with something behind every id of a path, and for each operation what is behind its own.
fn seeded() -> (AgentFixture, Value) {
    let mut fixture = AgentFixture::start();
    fixture.kill();
    let mut command = Agent::command(&fixture.desktop);
    fixture.start_agent_by(command.args(["--policy", "deny"]));
    let sign_in = |name: &str| text(&fixture.sign_in(name)["id"]);
    let connections = ["acme", "other"].map(sign_in).to_vec();
    let changed = vec![sign_in("changed")];
    let spare: Vec<_> = (1..3)
        .map(|number| sign_in(&format!("spare-{number}")))
        .collect();
    let add = |name: &str| {
        let added = fixture.add(name);
        text(&added["authenticator"]["id"])
    };
    let spare_authenticators: Vec<_> = (1..4)
        .map(|number| add(&format!("unused-{number}")))
        .collect();
    let api = fixture.api();
    let begin = |name: &str| {
        add(name);
        api.begin(name)
    };
    let ended = begin("ended");
    api::follow(ended["authorize_url"].as_str().expect("a URL"));
    api.wait(&ended);
    let open = ["open-1", "open-2"].map(|name| begin(name)["session_id"].take());
    let keys = ["spare-1", "spare-2"].map(|name| {
        let created = api.post("clients", &json!({ "name": name }));
        text(&created.json()["client"]["id"])
    });
    // This program asks for all of them, and may have some.
    for id in connections.iter().chain(&spare) {
        assert_eq!(api.token(id).status, 403);
    }
    let list = api.get("approvals").json();
    let questions = list["approvals"].as_array().expect("a list");
    let questions: Vec<_> = questions.iter().map(|it| &it["id"]).collect();
    let [first, second, shown, answered] = questions[..] else {
        panic!("{list}")
    };
    for id in [first, second] {
        let answer = json!({ "verdict": "allow" });
        let answered = api.post(&format!("approvals/{id}/answer"), &answer);
        assert_eq!(answered.status, 200, "{}", answered.text());
    }
    let rules = api.get("rules").json();
    let spare_rule = rules["rules"].as_array().expect("a list").iter();
    let spare_rules = spare_rule.filter(|rule| rule["connection"] == "other");
    let spare_rules: Vec<_> = spare_rules.map(|rule| text(&rule["id"])).collect();
    let connection = "/api/v1/credentials/connections/{id}";
    let session = "/api/v1/credentials/sessions/{id}";
    let authenticator = "/api/v1/oauth/authenticators/{id}";
    let form = add("form");
    let seeds = json!({
        "GET /api/v1/events": { "query": { "connection": connections[0] } },
        "POST /api/v1/credentials/connections": { "body": { "authenticator": "acme" } },
        format!("GET {connection}"): { "ids": connections },
        format!("PATCH {connection}"): { "ids": changed },
        format!("DELETE {connection}"): { "ids": spare },
        format!("POST {connection}/token"): { "ids": connections },
        format!("POST {connection}/refresh"): { "ids": connections },
        format!("POST {connection}/invalidate"): { "ids": connections },
        format!("POST {connection}/test"): { "ids": connections },
        format!("GET {session}"): { "ids": [ended["session_id"]] },
        format!("DELETE {session}"): { "ids": open },
        format!("POST {session}/callback"): { "ids": open },
        "POST /api/v1/oauth/authenticators": { "body": fixture.draft("made-up") },
        "POST /api/v1/oauth/discover": { "body": { "url": fixture.provider.issuer() } },
        format!("GET {authenticator}"): { "ids": [form] },
        format!("PATCH {authenticator}"): { "ids": [form], "body": { "is_active": true } },
        format!("DELETE {authenticator}"): { "ids": spare_authenticators },
        "DELETE /api/v1/clients/{id}": { "ids": keys },
        "POST /api/v1/clients/{id}/confirm": { "ids": keys },
        "DELETE /api/v1/rules/{id}": { "ids": spare_rules },
        "POST /api/v1/approvals/{id}/show": { "ids": [shown] },
        "POST /api/v1/approvals/{id}/answer": { "ids": [answered], "body": { "verdict": "allow" } },
    });
    (fixture, seeds)
}

/// The statuses that each operation answered with.
type Statuses = BTreeMap<String, BTreeSet<u64>>;

/// Exercises the document at this address; fails with what schemathesis found.
fn exercise(
    fixture: &AgentFixture,
    seeds: &Value,
    address: SocketAddr,
    more: impl FnOnce(&mut Command),
) -> Statuses {
    let report = fixture.desktop.folder().join("report.ndjson");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = tests.join("../crates/server/openapi.json");
    let mut command = fixture.desktop.command(binary("VALETKEY_SCHEMATHESIS_BIN"));
    command.env("PYTHONPATH", tests.join("python"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", "openapi_hooks");
    command.env("OPENAPI_SEEDS", seeds.to_string());
    let config = tests.join("python/schemathesis.toml");
    command.arg("--config-file").arg(config);
    command.arg("run").arg(document).arg("--no-color");
    command.arg("--url").arg(format!("http://{address}"));
    command.arg("--report-ndjson-path").arg(&report);
    more(&mut command);
    command.current_dir(fixture.desktop.folder());
    let output = command.output().expect("schemathesis");
    let found = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{found}\n{failed}");
    let report = fs::read_to_string(report).expect("a report");
    let mut statuses = Statuses::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(interactions) = recorder["interactions"].as_object() else {
            continue;
        };
        let answered = interactions.values();
        let answered = answered.filter_map(|it| it["response"]["status_code"].as_u64());
        let operation = statuses.entry(text(&recorder["label"])).or_default();
        operation.extend(answered);
    }
    statuses
}

#[test]
fn the_socket_answers_as_documented() {
    let (mut fixture, seeds) = seeded();
    let address = socket_port::open(fixture.agent().socket_path());
    let statuses = exercise(&fixture, &seeds, address, |_| {});
    let never: Vec<_> = statuses
        .iter()
        .filter(|(_, statuses)| statuses.range(..300).next().is_none())
        .map(|(operation, _)| operation.as_str())
        .collect();
    let never_by_design: BTreeSet<_> = NEVER_ACCEPTED.iter().copied().collect();
    assert_eq!(
        never.into_iter().collect::<BTreeSet<_>>(),
        never_by_design,
        "{statuses:#?}"
    );
}

#[test]
fn the_loopback_listener_answers_as_documented() {
    let (mut fixture, seeds) = seeded();
    let port = fixture.agent().port();
    let made = ["key", "create", "--name", "tester", "--manage", "--json"];
    let key = text(&cli::ok(&fixture.desktop, &made).json()["key"]);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let statuses = exercise(&fixture, &seeds, address, |command| {
        command.args(["--phases", "coverage", "--header"]);
        command.arg(format!("Authorization: Bearer {key}"));
    });
    let token = &statuses["POST /api/v1/credentials/connections/{id}/token"];
    assert!(token.contains(&200), "{statuses:#?}");
    let rules = &statuses["GET /api/v1/rules"];
    assert!(rules.contains(&403), "{statuses:#?}");
}
