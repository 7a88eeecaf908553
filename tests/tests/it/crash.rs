//! `kill -9` at every step. The provider rotates refresh tokens and revokes the whole family on
//! reuse, so a grant that is lost or used twice shows.

use std::collections::HashMap;
use std::thread;

use serde_json::json;
use valetkey_demo_provider::Settings;
use valetkey_tests::{Agent, House, api, wait};

/// A house whose only connection, `acme`, has a token that is over.
fn expired(settings: Settings) -> House {
    let house = House::with(Settings {
        access_token_lifetime_seconds: Some(1.0),
        ..settings
    });
    house.sign_in("acme");
    house.wait_for_expiry("acme");
    house
}

/// Replaces the agent by one that dies at `failpoint`.
fn restart_to_die_at(house: &mut House, failpoint: &str) {
    house.kill();
    let mut command = Agent::command_that_aborts_at(&house.desktop, failpoint);
    house.start_agent_by(&mut command);
}

/// Does something that nobody answers, because the agent dies of it.
fn die_of(house: &mut House, deed: impl FnOnce(api::Api) + Send + 'static) {
    let api = house.api();
    let deed = thread::spawn(move || deed(api));
    house.wait_for_abort();
    // It panicked, for want of an answer; or it had one, when the agent died just after.
    let _ = deed.join();
}

fn grants_in_keychain(house: &mut House) -> usize {
    let items = house.desktop.keyring().items();
    let grants = items.iter().filter(|item| {
        let text = String::from_utf8_lossy(&item.secret);
        text.contains("access_token")
    });
    grants.count()
}

#[test]
fn killed_at_any_step_of_a_sign_in_nothing_is_in_the_way_of_the_next() {
    for failpoint in [
        "sign_in.exchanged",
        "vault.connecting_row",
        "vault.item_written",
        "vault.item_read_back",
        "vault.row_saved",
    ] {
        let mut house = House::start();
        house.add("acme");
        restart_to_die_at(&mut house, failpoint);
        die_of(&mut house, |api| drop(api.sign_in("acme")));
        house.start_agent();

        // Whether the grant was stored or not, list and keychain agree, and what is there works.
        let connections = house.api().connections();
        assert_eq!(
            grants_in_keychain(&mut house),
            connections.len(),
            "{failpoint}"
        );
        for name in connections {
            house.api().access_token(&name);
        }
        house.api().sign_in("acme");
        house.api().access_token("acme");
        assert_eq!(house.api().connections(), ["acme"], "{failpoint}");
        assert_eq!(grants_in_keychain(&mut house), 1, "{failpoint}");
    }
}

#[test]
fn killed_at_any_step_of_a_refresh_outside_the_one_write_window_the_login_works() {
    for failpoint in ["refresh.marked", "vault.item_written", "vault.row_saved"] {
        let mut house = expired(Settings::auto_consent("ada"));
        restart_to_die_at(&mut house, failpoint);
        die_of(&mut house, |api| drop(api.token("acme")));
        house.start_agent();
        let reply = house.api().token("acme");
        assert_eq!(reply.status, 200, "{failpoint}: {}", reply.text());
        assert!(!house.provider.family_revoked("ada"), "{failpoint}");
    }
}

#[test]
fn killed_in_the_one_write_window_the_login_asks_for_a_new_sign_in() {
    for failpoint in ["refresh.answered", "vault.before_item"] {
        let mut house = expired(Settings::auto_consent("ada"));
        restart_to_die_at(&mut house, failpoint);
        die_of(&mut house, |api| drop(api.token("acme")));
        house.start_agent();
        let reply = house.api().token("acme");
        assert_eq!(reply.status, 409, "{failpoint}: {}", reply.text());
        assert_eq!(reply.json()["detail"]["code"], "auth_required");
        house.api().sign_in("acme");
        house.api().access_token("acme");
    }
}

#[test]
fn killed_in_the_one_write_window_a_provider_with_a_grace_window_forgives() {
    for failpoint in ["refresh.answered", "vault.before_item"] {
        let mut house = expired(Settings {
            grace_seconds: 60.0,
            ..Settings::auto_consent("ada")
        });
        restart_to_die_at(&mut house, failpoint);
        die_of(&mut house, |api| drop(api.token("acme")));
        house.start_agent();
        let reply = house.api().token("acme");
        assert_eq!(reply.status, 200, "{failpoint}: {}", reply.text());
    }
}

#[test]
fn killed_at_any_step_of_a_disconnect_it_is_finished_at_the_next_start() {
    for failpoint in [
        "disconnect.marked",
        "disconnect.revoked",
        "vault.removing_row",
        "vault.before_item_deleted",
        "vault.item_deleted",
        "vault.row_deleted",
    ] {
        let mut house = House::start();
        house.sign_in("acme");
        let foreign = HashMap::from([("service".to_owned(), "somebody else".to_owned())]);
        house
            .desktop
            .keyring()
            .plant(&foreign, "Foreign", b"not ours");
        restart_to_die_at(&mut house, failpoint);
        die_of(&mut house, |api| drop(api.disconnect("acme")));
        house.start_agent();

        assert_ne!(
            house.api().token("acme").status,
            200,
            "{failpoint}: a token"
        );
        wait::until(&format!("the end of the removal after {failpoint}"), || {
            house.api().connections().is_empty().then_some(())
        });
        assert!(
            house.provider.family_revoked("ada"),
            "{failpoint}: it lives on"
        );
        let left: Vec<_> = house.desktop.keyring().items();
        let labels: Vec<_> = left.iter().map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["Foreign"], "{failpoint}");
        house.api().sign_in("acme");
        house.api().access_token("acme");
    }
}

#[test]
fn killed_at_any_step_of_a_change_of_an_authenticator_the_change_can_be_made_again() {
    for failpoint in [
        "vault.authenticator_row",
        "vault.client_secret_written",
        "vault.authenticator_removing",
        "vault.client_secret_deleted",
    ] {
        let mut house = House::start();
        restart_to_die_at(&mut house, failpoint);
        let mut draft = house.draft("acme");
        draft["client_secret"] = json!("a secret of no use");
        let again = draft.clone();
        die_of(&mut house, move |api| {
            api.add(&draft);
            api.remove("acme");
        });
        house.start_agent();
        if house.api().authenticators().is_empty() {
            house.api().add(&again);
        }
        assert_eq!(house.api().authenticators(), ["acme"], "{failpoint}");
        assert_eq!(house.api().remove("acme").status, 200, "{failpoint}");
        assert_eq!(house.desktop.keyring().items(), [], "{failpoint}");
    }
}

#[test]
fn the_agent_of_another_home_keeps_its_items() {
    let mut house = House::start();
    house.sign_in("acme");
    let token = house.api().access_token("acme");

    let other_home = house.desktop.folder().join("other");
    let mut command = Agent::command(&house.desktop);
    let other = Agent::launch(command.env("VALETKEY_HOME", &other_home));
    assert_eq!(other.api().connections(), Vec::<String>::new());
    other.api().add(&house.draft("acme"));
    other.api().sign_in("acme");
    assert_eq!(other.api().disconnect("acme").status, 200);
    other.kill();

    house.restart_after_kill();
    assert_eq!(house.api().access_token("acme"), token);
}

#[test]
fn a_lost_database_is_rebuilt_from_the_keychain() {
    let mut house = House::start();
    house.sign_in("acme");
    let token = house.api().access_token("acme");
    house.kill();
    for file in std::fs::read_dir(house.desktop.valetkey_home()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("valetkey.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    house.start_agent();
    assert_eq!(house.api().connections(), ["acme"]);
    assert_eq!(house.api().access_token("acme"), token);
    house
        .api()
        .change("acme", &json!({ "keep_warm": "always" }));
}
