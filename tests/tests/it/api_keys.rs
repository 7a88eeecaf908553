//! Connections from a key, with the real keychain and the real commands.

use serde_json::json;
use valetkey_tests::{AgentFixture, cli};

/// A key of ada's, which the provider takes, and an authenticator `acme` without a client.
fn acme(fixture: &AgentFixture) -> String {
    fixture.sign_in("other");
    let token = cli::ok(&fixture.desktop, &["token", "other"]);
    let userinfo = fixture.provider.url("/userinfo");
    let add = [
        "add",
        "custom",
        "--name",
        "acme",
        "--api-keys-only",
        "--userinfo-url",
        &userinfo,
    ];
    cli::ok(&fixture.desktop, &add);
    token.stdout.trim().to_owned()
}

#[test]
fn a_key_over_stdin_is_kept_in_the_keychain_and_served() {
    let mut fixture = AgentFixture::start();
    let key = acme(&fixture);
    let connect = ["connect", "acme", "--api-key-stdin", "--expires", "90d"];
    let refused = cli::run_with_input(&fixture.desktop, &connect, "not-a-key-of-theirs");
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("acme refused this API key; nothing was stored"),
        "{refused:?}"
    );
    let hint = cli::run_with_input(
        &fixture.desktop,
        &connect,
        "Authorization: Bearer 0123456789",
    );
    assert_eq!(hint.code, Some(2), "{hint:?}");
    assert!(hint.stderr.contains("a whole header line"), "{hint:?}");

    let done = cli::run_with_input(&fixture.desktop, &connect, &format!(" {key} \n"));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stderr
            .contains("connected: `acme` as ada@example.com by API key"),
        "{done:?}"
    );
    fixture.restart_after_kill();
    let header = cli::ok(&fixture.desktop, &["token", "acme", "--header"]);
    assert_eq!(header.stdout, format!("Authorization: Bearer {key}\n"));
    let status = cli::ok(&fixture.desktop, &["status", "acme"]).stdout;
    assert!(status.contains("API key, ends in"), "{status}");
    let tested = cli::ok(&fixture.desktop, &["test", "acme"]);
    assert!(
        format!("{tested:?}").contains("ada@example.com"),
        "{tested:?}"
    );
    assert_eq!(
        fixture.api().connection("acme")["api_key"]["oauth"],
        json!(null)
    );
    let gone = cli::ok(&fixture.desktop, &["disconnect", "acme", "--force"]);
    assert!(
        gone.stderr.contains("The API key is still valid"),
        "{gone:?}"
    );
}

#[test]
fn killed_between_check_and_store_it_leaves_nothing() {
    let mut fixture = AgentFixture::start();
    let key = acme(&fixture);
    fixture.restart_to_abort_at("api_key.checked");
    let body = json!({ "authenticator": "acme", "method": "api_key", "secret": key });
    fixture.abort_during(move |api| {
        let started = api.post("credentials/connections", &body).json();
        api.wait(&started);
    });
    fixture.start_agent();
    let status = cli::ok(&fixture.desktop, &["status", "--json"]).json();
    let names = status["connections"].as_array().expect("a list");
    let names: Vec<_> = names.iter().map(|it| it["name"].as_str()).collect();
    assert_eq!(names, [Some("other")]);
    fixture.restart();
    let done = cli::run_with_input(
        &fixture.desktop,
        &["connect", "acme", "--api-key-stdin"],
        &key,
    );
    assert_eq!(done.code, Some(0), "{done:?}");
}
