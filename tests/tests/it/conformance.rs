//! What the MCP conformance suite requires of a client's authorization: each scenario, one after the
//! other, through `node/conformance-client.mjs`, which gets its tokens from `valetkey`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use valetkey_tests::agent::binary;
use valetkey_tests::browser::node_script;
use valetkey_tests::{Agent, Browser, Desktop, cli, conformance};

/// Milliseconds for a client; one needs 2 s where nothing else runs.
const TIMEOUT: &str = "60000";

/// The authorization scenarios that a revision requires.
fn required(desktop: &Desktop, revision: &str) -> Vec<String> {
    let mut list = conformance::command(desktop, None);
    list.args(["list", "--client", "--requirements", revision]);
    let output = list.output().expect("Node.js");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // What follows is run by the suite, too, but not required.
    let required = text.split("Run and reported").next().unwrap_or_default();
    let lines = required.lines().map(str::trim);
    let names = lines.filter_map(|line| line.strip_prefix("- "));
    let names = names.filter(|name| name.starts_with("auth/"));
    names.map(str::to_owned).collect()
}

/// The checks of a scenario that were not passed. Extensions have no revision.
fn not_passed(
    desktop: &Desktop,
    revision: Option<&str>,
    scenario: &str,
) -> BTreeMap<String, String> {
    let mut suite = conformance::command(desktop, None);
    let client = format!("node {}", node_script("conformance-client.mjs").display());
    suite.env("VALETKEY_BIN", binary("VALETKEY_BIN"));
    suite.args(["client", "--command", &client, "--scenario", scenario]);
    suite.args(["--timeout", TIMEOUT]);
    if let Some(revision) = revision {
        suite.args(["--spec-version", revision]);
    }
    let mut outcomes = conformance::outcomes(desktop, &mut suite);
    outcomes.retain(|_, status| status == "FAILURE" || status == "WARNING");
    outcomes
}

fn desktop() -> (Desktop, Agent) {
    let mut desktop = Desktop::start();
    Browser::install_follower(&mut desktop);
    let agent = Agent::start(&desktop);
    (desktop, agent)
}

/// What was not passed of each scenario.
fn failures(desktop: &Desktop, revision: Option<&str>, scenarios: &[String]) -> Value {
    let mut failed = json!({});
    for scenario in scenarios {
        let outcomes = not_passed(desktop, revision, scenario);
        if !outcomes.is_empty() {
            failed[scenario] = json!(outcomes);
        }
        let left = cli::ok(desktop, &["list", "--json"]).json();
        assert_eq!(left["authenticators"], json!([]), "after {scenario}");
    }
    failed
}

/// How many scenarios a revision requires, and what was not passed of each.
fn run(revision: &str) -> (usize, Value) {
    let (desktop, _agent) = desktop();
    let scenarios = required(&desktop, revision);
    let failed = failures(&desktop, Some(revision), &scenarios);
    (scenarios.len(), failed)
}

/// The suite's client metadata document is at a name that does not exist
/// (`https://conformance-test.local`), and Valet Key reads such a document before it uses its URL. That it
/// uses one is tested in `client_metadata_is_used_where_the_server_takes_it_and_is_portable`.
fn expected_failures() -> Value {
    json!({ "auth/basic-cimd": { "cimd-client-id-used": "FAILURE" } })
}

#[test]
fn the_authorization_scenarios_of_2025_11_25_pass() {
    assert_eq!(run("2025-11-25"), (14, expected_failures()));
}

#[test]
fn the_authorization_scenarios_of_2026_07_28_pass() {
    assert_eq!(run("2026-07-28"), (25, expected_failures()));
}

/// Without the two that are about grants which Valet Key does not have: `jwt-bearer` of RFC 7523
/// (`auth/wif-jwt-bearer`), also with an ID-JAG (`auth/enterprise-managed-authorization`).
#[test]
fn the_scenarios_of_client_credentials_and_of_bound_tokens_pass() {
    let (desktop, _agent) = desktop();
    let scenarios = [
        "auth/client-credentials-basic",
        "auth/client-credentials-jwt",
        "auth/dpop",
        "auth/dpop-nonce",
    ];
    let scenarios = scenarios.map(str::to_owned);
    assert_eq!(failures(&desktop, None, &scenarios), json!({}));
}
