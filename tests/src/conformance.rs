//! The MCP conformance suite (npm `@modelcontextprotocol/conformance`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::browser::node_script;
use crate::desktop::Desktop;

/// A run of the suite; `preloaded` is a script of ours that is loaded before it.
pub fn command(desktop: &Desktop, preloaded: Option<&str>) -> Command {
    let mut node = desktop.command("node");
    if let Some(script) = preloaded {
        node.arg("--import").arg(node_script(script));
    }
    node.arg(node_script("node_modules/.bin/conformance"));
    node
}

/// Runs a scenario: the outcome of each check by its id, the worst where one was made several times.
pub fn outcomes(desktop: &Desktop, command: &mut Command) -> BTreeMap<String, String> {
    let results = desktop.folder().join("conformance");
    let output = command.arg("--output-dir").arg(&results).output();
    let output = output.expect("Node.js");
    let mut outcomes = BTreeMap::new();
    for checks in written_checks(&results) {
        for check in checks.as_array().expect("a list") {
            let text = |field: &str| check[field].as_str().expect("a text").to_owned();
            let (id, status) = (text("id"), text("status"));
            let known: &mut String = outcomes.entry(id).or_default();
            if severity(&status) >= severity(known) {
                *known = status;
            }
        }
    }
    assert!(!outcomes.is_empty(), "no results: {output:?}");
    // The suite also fails where its client has failed or hung.
    let all_passed = outcomes.values().all(|status| severity(status) < 2);
    assert_eq!(output.status.success(), all_passed, "{output:?}");
    fs::remove_dir_all(&results).expect("our own folder");
    outcomes
}

/// Where a scenario has a slash in its name, its results have a folder more.
fn written_checks(folder: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for entry in entries {
        let path = entry.expect("our own folder").path();
        if path.is_dir() {
            found.extend(written_checks(&path));
        } else if path.ends_with("checks.json") {
            let text = fs::read(&path).expect("what was checked");
            found.push(serde_json::from_slice(&text).expect("JSON"));
        }
    }
    found
}

fn severity(status: &str) -> u8 {
    match status {
        "FAILURE" => 3,
        "WARNING" => 2,
        "SUCCESS" => 1,
        _ => 0,
    }
}
