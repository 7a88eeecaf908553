//! Client keys at the loopback port that open nothing.

use std::fs;

use serde_json::Value;
use valetkey_tests::{AgentFixture, Api, cli, wait};

fn key(fixture: &AgentFixture, name: &str, more: &[&str]) -> String {
    let arguments = [&["key", "create", "--json", "--name", name][..], more].concat();
    let created: Value = cli::ok(&fixture.desktop, &arguments).json();
    created["key"].as_str().expect("the key").to_owned()
}

#[test]
fn wrong_ended_and_foreign_keys_are_refused_and_logged() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    fixture.sign_in("other");
    let loopback = fixture.agent().loopback();
    let status = |key: &str| Api::with_key(loopback.clone(), key).token("acme").status;

    let own = key(&fixture, "own", &["--connections", "acme"]);
    let foreign = key(&fixture, "foreign", &["--connections", "other"]);
    let short = key(&fixture, "short", &["--expires", "2s"]);
    assert_eq!(status(&own), 200);
    assert_eq!(status(&foreign), 403);
    wait::until("the end of the key", || {
        (status(&short) == 401).then_some(())
    });
    assert_eq!(status(&own.replace("vk_", "vk_0")), 401);
    cli::ok(&fixture.desktop, &["key", "revoke", "own"]);
    assert_eq!(status(&own), 401);

    let log = fixture.desktop.valetkey_home().join("oauth.log");
    let log = fs::read_to_string(log).expect("the log");
    for line in [
        "wrong client key at the loopback listener",
        "caller=key foreign",
    ] {
        assert!(log.contains(line), "no `{line}`: {log}");
    }
    assert!(!log.contains(&own), "a key in the log");
}
