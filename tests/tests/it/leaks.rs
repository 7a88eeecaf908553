//! No secret leaks: runs every flow with everything logged, then searches for every secret that the
//! provider issued or the test planted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use valetkey_demo_provider::{Client, Endpoint, Fault, FaultKind, Settings};
use valetkey_tests::{AgentFixture, Api, api, cli, leak_search};

const CLIENT_SECRET: &str = "planted-client-secret-9f2c";

const API_KEY: &str = "planted-api-key-3d5e";

/// Prefix of all codes and tokens of the provider, which is searched for.
const PREFIX: &str = "planted-token-7b1e-";

#[test]
#[expect(clippy::too_many_lines, reason = "one life, in its order")]
fn no_secret_reaches_an_output_a_log_the_database_a_file_or_a_command_line() {
    let mut fixture = AgentFixture::with(Settings {
        token_prefix: PREFIX.to_owned(),
        access_token_lifetime_seconds: Some(1.0),
        clients: vec![Client::confidential("demo", CLIENT_SECRET)],
        ..Settings::auto_consent("ada")
    });
    let watch = CommandLines::watch(&[PREFIX, CLIENT_SECRET, API_KEY]);
    let mut outputs = Vec::new();

    // One secret comes from environment and config file, and is replaced over stdin.
    let mut draft = fixture.draft("acme");
    draft["client_secret"] = json!("${ACME_SECRET}");
    let config = fixture.desktop.folder().join("acme.json");
    std::fs::write(&config, draft.to_string()).unwrap();
    fixture.desktop.set("ACME_SECRET", CLIENT_SECRET);
    let config = config.to_str().unwrap();
    outputs.push(cli::ok(&fixture.desktop, &["add", "--config", config]));
    let update = ["update", "acme", "--client-secret-stdin"];
    outputs.push(cli::run_with_input(
        &fixture.desktop,
        &update,
        CLIENT_SECRET,
    ));

    fixture.api().sign_in("acme");
    fixture
        .api()
        .change("acme", &json!({ "keep_warm": "on_demand" }));
    outputs.push(cli::ok(&fixture.desktop, &["status"]));
    outputs.push(cli::ok(&fixture.desktop, &["status", "acme", "--json"]));
    outputs.push(cli::ok(&fixture.desktop, &["show", "acme", "--json"]));
    outputs.push(cli::ok(&fixture.desktop, &["test", "acme"]));

    // Refreshes that succeed, fail, and get invalid responses.
    fixture.wait_for_expiry("acme");
    cli::ok(&fixture.desktop, &["token", "acme"]);
    for fault in [
        FaultKind::status(500),
        FaultKind::Html { status: 200 },
        FaultKind::Truncated,
        FaultKind::oauth_error("temporarily_unavailable"),
    ] {
        fixture.provider.fault(Fault::refresh(fault));
        fixture.api().post_to("acme", "refresh", &json!({}));
    }
    let run = [
        "run",
        "--env",
        "TOKEN=acme",
        "--",
        "sh",
        "-c",
        "test -n \"$TOKEN\"",
    ];
    fixture.provider.clear_faults();
    cli::ok(&fixture.desktop, &run);

    let state = failing_sign_in(&fixture);

    fixture.restart();
    fixture.provider.revoke_account("ada");
    fixture.api().post_to("acme", "refresh", &json!({}));
    outputs.push(cli::run(&fixture.desktop, &["token", "acme"]));
    outputs.push(cli::ok(&fixture.desktop, &["events", "--json"]));
    outputs.push(cli::ok(&fixture.desktop, &["doctor"]));
    fixture.api().sign_in("acme");
    outputs.push(cli::ok(
        &fixture.desktop,
        &["disconnect", "acme", "--force"],
    ));

    // A client key is shown once, to the person who made it.
    let create = ["key", "create", "--name", "tool", "--json"];
    let made = cli::ok(&fixture.desktop, &create).json();
    let key = made["key"].as_str().unwrap();
    Api::with_key(fixture.agent().loopback(), key).get("status");
    outputs.push(cli::ok(&fixture.desktop, &["key", "list", "--json"]));

    // A key of the person's own, refused by the provider and then one that cannot be tried.
    let mut draft = fixture.draft("keyed");
    for field in [
        "client_id",
        "authorize_url",
        "token_url",
        "revocation_url",
        "scopes",
    ] {
        draft[field] = json!(null);
    }
    draft["api_keys_only"] = json!(true);
    fixture.api().add(&draft);
    let give = ["connect", "keyed", "--api-key-stdin"];
    outputs.push(cli::run_with_input(&fixture.desktop, &give, API_KEY));
    let fault = FaultKind::status(503);
    fixture.provider.fault(Fault::at(Endpoint::Userinfo, fault));
    outputs.push(cli::run_with_input(&fixture.desktop, &give, API_KEY));
    let served = cli::ok(&fixture.desktop, &["token", "keyed"]);
    assert_eq!(served.stdout.trim(), API_KEY, "nothing was planted");
    for arguments in [
        ["status", "keyed", "--json"],
        ["show", "keyed", "--json"],
        ["disconnect", "keyed", "--force"],
    ] {
        outputs.push(cli::ok(&fixture.desktop, &arguments));
    }

    let secrets = [PREFIX, CLIENT_SECRET, API_KEY, state.as_str(), key];
    let log = fixture.desktop.valetkey_home().join("oauth.log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(" DEBUG "), "little was logged: {log}");
    assert!(
        !fixture.provider.issued_secrets().is_empty(),
        "nothing was planted"
    );
    for output in outputs {
        assert_eq!(
            leak_search::text_with(&output.stdout, &secrets),
            None,
            "{output:?}"
        );
        assert_eq!(
            leak_search::text_with(&output.stderr, &secrets),
            None,
            "{output:?}"
        );
    }
    let own_output = fixture.agent().process().output();
    assert_eq!(leak_search::text_with(&own_output, &secrets), None);
    let files = leak_search::files_with(fixture.desktop.folder(), &secrets);
    assert_eq!(files, Vec::<std::path::PathBuf>::new());
    assert_eq!(watch.end(), Vec::<String>::new());
}

/// A sign-in whose code exchange fails; returns its `state`.
fn failing_sign_in(fixture: &AgentFixture) -> String {
    fixture
        .provider
        .fault(Fault::exchange(FaultKind::oauth_error("invalid_client")));
    let started = fixture.api().begin("acme");
    let url = started["authorize_url"].as_str().expect("a URL");
    let parsed = url::Url::parse(url).expect("a URL");
    let mut parameters = parsed.query_pairs();
    let state = parameters.find(|(name, _)| name == "state");
    let (_, state) = state.expect("a state");
    api::follow(url);
    fixture.api().wait(&started);
    state.into_owned()
}

/// Polls every command line on the machine while a test runs.
struct CommandLines {
    stop: Arc<AtomicBool>,
    watcher: thread::JoinHandle<Vec<String>>,
}

impl CommandLines {
    fn watch(secrets: &[&'static str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let secrets = secrets.to_vec();
        let until = Arc::clone(&stop);
        let watcher = thread::spawn(move || {
            let mut found = Vec::new();
            while !until.load(Ordering::Relaxed) {
                found.extend(leak_search::command_lines_with(&secrets));
                thread::yield_now();
            }
            found
        });
        Self { stop, watcher }
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.watcher.join().expect("it only reads")
    }
}
