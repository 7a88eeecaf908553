//! A keychain that is locked, gone, restarted or hanging loses no login, and no refresh is sent
//! while its result could not be stored.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use valetkey_demo_provider::{Fault, Filter};
use valetkey_tests::{AgentFixture, Api, Reply, wait};

/// Long enough to act before the token expires, short enough to wait for that.
const LIFETIME: f64 = 2.0;

fn code(reply: &Reply) -> String {
    let body = reply.json();
    body["detail"]["code"].as_str().expect("a code").to_owned()
}

fn refreshes(fixture: &AgentFixture) -> usize {
    fixture.provider.count(Filter::refreshes())
}

fn secret_store(api: &Api) -> Value {
    api.get("status").json()["secret_store"].take()
}

/// The stored grant works: a restarted agent uses it.
fn assert_stored(fixture: &mut AgentFixture) {
    wait::until("the grant in the keychain", || {
        (fixture.api().connection("acme")["unsaved"] == false).then_some(())
    });
    fixture.restart_after_kill();
    fixture.wait_for_expiry("acme");
    fixture.api().access_token("acme");
    assert!(!fixture.provider.family_revoked("ada"));
}

#[test]
fn a_live_token_is_served_while_the_keychain_is_locked() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let token = fixture.api().access_token("acme");
    fixture.desktop.keyring().lock();
    assert_eq!(fixture.api().access_token("acme"), token);
}

#[test]
fn no_refresh_is_sent_while_the_keychain_is_locked_and_unlocking_allows_it() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    fixture.desktop.keyring().lock();

    let refused = fixture.api().token("acme");
    assert_eq!(
        (refused.status, code(&refused)),
        (503, "keychain_locked".into())
    );
    assert_eq!(secret_store(&fixture.api())["state"], "locked");
    assert_eq!(refreshes(&fixture), 0);

    fixture.desktop.keyring().unlock();
    fixture.api().access_token("acme");
    assert_eq!(refreshes(&fixture), 1);
    assert_stored(&mut fixture);
}

#[test]
fn a_keychain_locked_during_a_refresh_loses_nothing() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    let latch = fixture.provider.latch(Fault::refresh);
    let api = fixture.api();
    let waiting = thread::spawn(move || api.token("acme"));
    fixture.provider.wait_arrived(Filter::refreshes(), 1);
    fixture.desktop.keyring().lock();
    latch.release();

    let reply = waiting.join().unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(fixture.api().connection("acme")["unsaved"], true);
    assert_eq!(secret_store(&fixture.api())["unsaved"], 1);

    fixture.desktop.keyring().unlock();
    assert_stored(&mut fixture);
}

#[test]
fn a_keychain_killed_during_a_refresh_loses_nothing_once_it_runs_again() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    let latch = fixture.provider.latch(Fault::refresh);
    let api = fixture.api();
    let waiting = thread::spawn(move || api.token("acme"));
    fixture.provider.wait_arrived(Filter::refreshes(), 1);
    fixture.desktop.keyring().kill();
    latch.release();

    let reply = waiting.join().unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(fixture.api().connection("acme")["unsaved"], true);

    fixture.desktop.keyring().start();
    assert_stored(&mut fixture);
}

#[test]
fn an_unsaved_grant_is_stored_before_the_agent_stops() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    let latch = fixture.provider.latch(Fault::refresh);
    let api = fixture.api();
    let waiting = thread::spawn(move || api.token("acme"));
    fixture.provider.wait_arrived(Filter::refreshes(), 1);
    fixture.desktop.keyring().lock();
    latch.release();
    waiting.join().unwrap();
    fixture.desktop.keyring().unlock();

    fixture.restart();
    fixture.wait_for_expiry("acme");
    fixture.api().access_token("acme");
    assert!(!fixture.provider.family_revoked("ada"));
}

#[test]
fn a_keychain_that_is_gone_has_its_own_error_and_its_return_ends_it() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    fixture.desktop.keyring().kill();

    let refused = fixture.api().token("acme");
    assert_eq!(
        (refused.status, code(&refused)),
        (503, "keychain_unavailable".into())
    );
    assert_eq!(refreshes(&fixture), 0);

    fixture.desktop.keyring().start();
    fixture.api().access_token("acme");
    assert_stored(&mut fixture);
}

#[test]
fn a_keychain_that_hangs_for_a_minute_holds_up_nobody_else() {
    let mut fixture = AgentFixture::with_short_tokens(LIFETIME);
    fixture.sign_in("acme");
    fixture
        .provider
        .update(|settings| settings.access_token_lifetime_seconds = Some(3600.0));
    fixture.sign_in("other");
    fixture
        .provider
        .update(|settings| settings.access_token_lifetime_seconds = Some(LIFETIME));
    fixture.wait_for_expiry("acme");
    fixture.desktop.keyring().suspend();

    let api = fixture.api();
    let stuck = thread::spawn(move || api.token("acme"));
    let end = Instant::now() + Duration::from_mins(1);
    let mut slowest = Duration::ZERO;
    while Instant::now() < end {
        let asked = Instant::now();
        fixture.api().access_token("other");
        slowest = slowest.max(asked.elapsed());
        // Paces the asking; nothing is waited for.
        thread::sleep(Duration::from_millis(50));
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let refused = stuck.join().unwrap();
    assert_eq!(
        (refused.status, code(&refused)),
        (503, "keychain_locked".into())
    );
    assert_eq!(refreshes(&fixture), 0);

    fixture.desktop.keyring().resume();
    wait::until("a token after the keychain came back", || {
        (fixture.api().token("acme").status == 200).then_some(())
    });
    assert_stored(&mut fixture);
}

#[test]
fn without_a_keychain_nothing_is_stored_elsewhere_unless_asked_for() {
    let desktop = valetkey_tests::Desktop::without_bus();
    let refused = valetkey_tests::Agent::try_launch(&mut valetkey_tests::Agent::command(&desktop));
    let Err(refusal) = refused else {
        panic!("it started without a keychain");
    };
    assert_eq!(refusal["code"], "keychain_unavailable");
    let hint = refusal["hint"].as_str().unwrap();
    assert!(hint.contains("--secret-store file"), "{hint}");

    let mut chosen = valetkey_tests::Agent::command(&desktop);
    let agent = valetkey_tests::Agent::launch(chosen.args(["--secret-store", "memory"]));
    assert_eq!(secret_store(&agent.api())["kind"], "memory");
}

#[test]
fn the_encrypted_file_keeps_a_login_where_there_is_no_keychain() {
    let desktop = valetkey_tests::Desktop::without_bus();
    let passphrase = desktop.folder().join("passphrase");
    std::fs::write(&passphrase, "a long and secret passphrase").unwrap();
    let start = || {
        let mut command = valetkey_tests::Agent::command(&desktop);
        command.args(["--secret-store", "file"]);
        command.env("VALETKEY_PASSPHRASE_FILE", &passphrase);
        valetkey_tests::Agent::launch(&mut command)
    };
    let provider = valetkey_demo_provider::DemoProvider::start(
        valetkey_demo_provider::Settings::auto_consent("ada"),
    )
    .unwrap();
    let agent = start();
    agent.api().add(&json!({
        "name": "acme", "authenticator_type": "custom", "client_id": "demo",
        "scopes": ["openid"], "issuer": provider.issuer(),
        "authorize_url": provider.url("/authorize"), "token_url": provider.url("/token"),
        "userinfo_url": provider.url("/userinfo"),
    }));
    agent.api().sign_in("acme");
    let token = agent.api().access_token("acme");
    agent.kill();
    let agent = start();
    assert_eq!(agent.api().access_token("acme"), token);
    let secrets = [token.as_str(), "a long and secret passphrase"];
    let found = valetkey_tests::leak_search::files_with(&desktop.valetkey_home(), &secrets);
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}
