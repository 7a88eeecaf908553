//! `kill -9` at every step. The provider rotates refresh tokens and revokes the whole family on
//! reuse, so a grant that is lost or used twice shows.

use std::collections::HashMap;

use serde_json::json;
use valetkey_demo_provider::Settings;
use valetkey_tests::{Agent, AgentFixture, wait};

/// A fixture whose only connection, `acme`, has an expired access token.
fn expired(settings: Settings) -> AgentFixture {
    let fixture = AgentFixture::with(Settings {
        access_token_lifetime_seconds: Some(1.0),
        ..settings
    });
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    fixture
}

fn grants_in_keychain(fixture: &mut AgentFixture) -> usize {
    let items = fixture.desktop.keyring().items();
    let grants = items.iter().filter(|item| {
        let text = String::from_utf8_lossy(&item.secret);
        text.contains("access_token")
    });
    grants.count()
}

#[test]
fn killed_at_any_step_of_a_sign_in_the_next_one_succeeds() {
    for failpoint in [
        "sign_in.exchanged",
        "vault.connecting_row",
        "vault.item_written",
        "vault.item_read_back",
        "vault.row_saved",
    ] {
        let mut fixture = AgentFixture::start();
        fixture.add("acme");
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.sign_in("acme")));
        fixture.start_agent();

        // Whether the grant was stored or not, list and keychain agree, and what is there works.
        let connections = fixture.api().connections();
        assert_eq!(
            grants_in_keychain(&mut fixture),
            connections.len(),
            "{failpoint}"
        );
        for name in connections {
            fixture.api().access_token(&name);
        }
        fixture.api().sign_in("acme");
        fixture.api().access_token("acme");
        assert_eq!(fixture.api().connections(), ["acme"], "{failpoint}");
        assert_eq!(grants_in_keychain(&mut fixture), 1, "{failpoint}");
    }
}

#[test]
fn killed_at_any_step_of_a_refresh_outside_the_one_write_window_the_login_works() {
    for failpoint in ["refresh.marked", "vault.item_written", "vault.row_saved"] {
        let mut fixture = expired(Settings::auto_consent("ada"));
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.token("acme")));
        fixture.start_agent();
        let reply = fixture.api().token("acme");
        assert_eq!(reply.status, 200, "{failpoint}: {}", reply.text());
        assert!(!fixture.provider.family_revoked("ada"), "{failpoint}");
    }
}

#[test]
fn killed_in_the_one_write_window_the_login_asks_for_a_new_sign_in() {
    for failpoint in ["refresh.answered", "vault.before_item"] {
        let mut fixture = expired(Settings::auto_consent("ada"));
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.token("acme")));
        fixture.start_agent();
        let reply = fixture.api().token("acme");
        assert_eq!(reply.status, 409, "{failpoint}: {}", reply.text());
        assert_eq!(reply.json()["detail"]["code"], "auth_required");
        fixture.api().sign_in("acme");
        fixture.api().access_token("acme");
    }
}

#[test]
fn killed_in_the_one_write_window_a_provider_with_a_grace_period_accepts_the_old_token() {
    for failpoint in ["refresh.answered", "vault.before_item"] {
        let mut fixture = expired(Settings {
            grace_seconds: 60.0,
            ..Settings::auto_consent("ada")
        });
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.token("acme")));
        fixture.start_agent();
        let reply = fixture.api().token("acme");
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
        let mut fixture = AgentFixture::start();
        fixture.sign_in("acme");
        let foreign = HashMap::from([("service".to_owned(), "somebody else".to_owned())]);
        fixture
            .desktop
            .keyring()
            .add_item(&foreign, "Foreign", b"not ours");
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.disconnect("acme")));
        fixture.start_agent();

        assert_ne!(
            fixture.api().token("acme").status,
            200,
            "{failpoint}: a token"
        );
        wait::until(&format!("the end of the removal after {failpoint}"), || {
            fixture.api().connections().is_empty().then_some(())
        });
        assert!(
            fixture.provider.family_revoked("ada"),
            "{failpoint}: not revoked"
        );
        let left: Vec<_> = fixture.desktop.keyring().secrets();
        let labels: Vec<_> = left.iter().map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["Foreign"], "{failpoint}");
        fixture.api().sign_in("acme");
        fixture.api().access_token("acme");
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
        let mut fixture = AgentFixture::start();
        fixture.restart_to_abort_at(failpoint);
        let mut draft = fixture.draft("acme");
        draft["client_secret"] = json!("a secret of no use");
        let again = draft.clone();
        fixture.abort_during(move |api| {
            api.add(&draft);
            api.remove("acme");
        });
        fixture.start_agent();
        if fixture.api().authenticators().is_empty() {
            fixture.api().add(&again);
        }
        assert_eq!(fixture.api().authenticators(), ["acme"], "{failpoint}");
        assert_eq!(fixture.api().remove("acme").status, 200, "{failpoint}");
        assert_eq!(fixture.desktop.keyring().secrets(), [], "{failpoint}");
    }
}

#[test]
fn the_agent_of_another_home_keeps_its_items() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let token = fixture.api().access_token("acme");

    let other_home = fixture.desktop.folder().join("other");
    let mut command = Agent::command(&fixture.desktop);
    let other = Agent::launch(command.env("VALETKEY_HOME", &other_home));
    assert_eq!(other.api().connections(), Vec::<String>::new());
    other.api().add(&fixture.draft("acme"));
    other.api().sign_in("acme");
    assert_eq!(other.api().disconnect("acme").status, 200);
    other.kill();

    fixture.restart_after_kill();
    assert_eq!(fixture.api().access_token("acme"), token);
}

#[test]
fn a_lost_database_is_rebuilt_from_the_keychain() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let token = fixture.api().access_token("acme");
    fixture.kill();
    for file in std::fs::read_dir(fixture.desktop.valetkey_home()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("valetkey.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    fixture.start_agent();
    let api = fixture.api();
    assert_eq!(api.connections(), ["acme"]);
    // What was allowed is lost, and so is whether the app ever ran here.
    assert_eq!(api.token("acme").status, 403);
    let asked = &api.get("approvals").json()["approvals"][0]["id"];
    let answered = api.post(
        &format!("approvals/{asked}/answer"),
        &json!({ "verdict": "allow" }),
    );
    assert!((200..300).contains(&answered.status), "{}", answered.text());
    assert_eq!(api.access_token("acme"), token);
    api.change("acme", &json!({ "keep_warm": "always" }));
}
