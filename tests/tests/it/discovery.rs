//! `valetkey add URL` from end to end, at a certified provider that registers clients.

use serde_json::Value;
use valetkey_tests::{Agent, Browser, Desktop, HttpClient, OidcProvider, Person, cli, wait};

/// Any port: other tests may sign in at the same time.
const ANY_PORT: &str = "http://127.0.0.1/callback";

fn add_arguments(issuer: &str) -> [&str; 7] {
    [
        "add",
        issuer,
        "--name",
        "acme",
        "--redirect-uri",
        ANY_PORT,
        "--yes",
    ]
}

fn token(desktop: &Desktop) -> String {
    let said = cli::ok(desktop, &["token", "acme"]);
    said.stdout.trim_end().to_owned()
}

fn is_valid(provider: &OidcProvider, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    let http = HttpClient::of(provider.issuer());
    http.request("GET", "/me", &[("Authorization", &bearer)], "")
        .status
        == 200
}

fn names(desktop: &Desktop) -> Vec<Value> {
    let list = cli::ok(desktop, &["list", "--json"]).json();
    let authenticators = list["authenticators"].as_array().expect("a list").clone();
    authenticators
        .into_iter()
        .map(|mut one| one["name"].take())
        .collect()
}

#[test]
fn an_issuer_is_added_by_its_url_and_gives_fresh_tokens_through_expiry() {
    let mut desktop = Desktop::start();
    let _browser = Browser::install(&mut desktop, &Person::named("ada"));
    let provider = OidcProvider::with_short_tokens(&desktop, 6);

    let unasked = cli::run(&desktop, &add_arguments(provider.issuer())[..6]);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert!(
        provider.requests("/reg").is_empty(),
        "nothing before the yes"
    );
    assert_eq!(names(&desktop), Vec::<Value>::new());

    let said = cli::ok(&desktop, &add_arguments(provider.issuer()));
    assert!(said.stderr.contains(provider.issuer()), "{}", said.stderr);
    assert!(
        !said.stderr.contains("register the redirect URI"),
        "{}",
        said.stderr
    );
    assert_eq!(provider.requests("/reg"), [201]);

    let said = cli::ok(&desktop, &["connect", "acme"]);
    assert!(said.stderr.contains("ada@example.test"), "{}", said.stderr);
    let first = token(&desktop);
    assert!(is_valid(&provider, &first));
    wait::until("the end of the first token", || {
        (!is_valid(&provider, &first)).then_some(())
    });
    let second = token(&desktop);
    assert!(first != second && is_valid(&provider, &second));
    assert_eq!(provider.requests("/reg"), [201], "registered once");

    cli::ok(&desktop, &["remove", "acme", "--force"]);
    wait::until("the deletion of the registration", || {
        let deleted = provider.events("request");
        deleted
            .iter()
            .any(|it| it["method"] == "DELETE" && it["status"] == 204)
            .then_some(())
    });
}

#[test]
fn a_kill_between_registration_and_storage_leaves_nothing_half_added() {
    let desktop = Desktop::start();
    let provider = OidcProvider::start(&desktop);
    let mut agent = Agent::launch(&mut Agent::command_that_aborts_at(
        &desktop,
        "discovery.registered",
    ));
    let killed = cli::run(&desktop, &add_arguments(provider.issuer()));
    assert_ne!(killed.code, Some(0), "{}", killed.stderr);
    agent.process().wait();
    assert_eq!(provider.requests("/reg"), [201]);

    assert_eq!(names(&desktop), Vec::<Value>::new());
    cli::ok(&desktop, &add_arguments(provider.issuer()));
    assert_eq!(names(&desktop), ["acme"]);
}
