//! `kill -9` between an answer and its place in the keychain, where no person signs in, where a token is
//! exchanged, where it is bound to a key, and where a refresh token is imported.

use serde_json::{Value, json};
use valetkey_demo_provider::{Dpop, Settings};
use valetkey_tests::{AgentFixture, Api, wait};

const FIRST_GRANT: &[&str] = &[
    "sign_in.exchanged",
    "vault.connecting_row",
    "vault.item_written",
    "vault.item_read_back",
    "vault.row_saved",
];

/// The draft of `name`, with these fields.
fn draft(fixture: &AgentFixture, name: &str, more: &Value) -> Value {
    let mut draft = fixture.draft(name);
    let fields = draft.as_object_mut().expect("an object");
    for (field, value) in more.as_object().expect("an object") {
        if value.is_null() {
            fields.remove(field);
        } else {
            fields.insert(field.clone(), value.clone());
        }
    }
    draft
}

fn robot(fixture: &AgentFixture) -> Value {
    let fields = json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "client_credentials", "scopes": ["files.read"], "authorize_url": null,
        "device_authorization_url": null,
    });
    draft(fixture, "acme", &fields)
}

fn exchange(fixture: &AgentFixture) -> Value {
    let fields = json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "token_exchange", "subject": "person", "audience": "files",
        "scopes": ["files.read"], "authorize_url": null, "device_authorization_url": null,
    });
    draft(fixture, "acme", &fields)
}

/// Connects `acme`, for which nobody must agree.
fn connect(api: &Api) {
    let started = api.begin("acme");
    let ended = api.wait(&started);
    assert_eq!(ended["state"], "completed", "{ended}");
}

/// Grants of `acme` in the keychain, and connections.
fn kept(fixture: &mut AgentFixture) -> (usize, usize) {
    let items = fixture.desktop.keyring().items();
    let of_acme = |text: &str| text.contains("access_token") && text.contains("\"name\":\"acme\"");
    let grants = items
        .iter()
        .filter(|item| of_acme(&String::from_utf8_lossy(&item.secret)))
        .count();
    let names = fixture.api().connections();
    (grants, names.iter().filter(|name| *name == "acme").count())
}

fn killed_while_connecting(make: fn(&AgentFixture) -> Value) {
    for failpoint in FIRST_GRANT {
        let mut fixture = AgentFixture::start();
        fixture.sign_in("person");
        fixture.api().add(&make(&fixture));
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| connect(&api));
        fixture.start_agent();
        let (grants, connections) = kept(&mut fixture);
        assert_eq!(grants, connections, "{failpoint}");
        if connections == 1 {
            fixture.api().access_token("acme");
        }
        connect(&fixture.api());
        fixture.api().access_token("acme");
        assert_eq!(kept(&mut fixture), (1, 1), "{failpoint}");
    }
}

fn killed_while_renewing(make: fn(&AgentFixture) -> Value) {
    for failpoint in [
        "refresh.marked",
        "refresh.answered",
        "vault.before_item",
        "vault.item_written",
        "vault.row_saved",
    ] {
        let mut fixture = AgentFixture::with(Settings {
            access_token_lifetime_seconds: Some(1.0),
            grace_seconds: 60.0,
            ..Settings::auto_consent("ada")
        });
        fixture.sign_in("person");
        fixture.api().add(&make(&fixture));
        connect(&fixture.api());
        let on_demand = json!({ "keep_warm": "on_demand" });
        fixture.api().change("acme", &on_demand);
        fixture.wait_for_expiry("acme");
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.token("acme")));
        fixture.start_agent();
        // What is asked for by itself can be asked for again.
        let reply = fixture.api().token("acme");
        assert_eq!(reply.status, 200, "{failpoint}: {}", reply.text());
        assert_eq!(kept(&mut fixture), (1, 1), "{failpoint}");
    }
}

#[test]
fn killed_at_any_step_of_connecting_a_client_that_asks_for_itself() {
    killed_while_connecting(robot);
}

#[test]
fn killed_at_any_step_of_connecting_by_token_exchange() {
    killed_while_connecting(exchange);
}

#[test]
fn killed_at_any_step_of_renewing_the_token_of_a_client() {
    killed_while_renewing(robot);
}

#[test]
fn killed_at_any_step_of_renewing_an_exchanged_token() {
    killed_while_renewing(exchange);
}

/// With `acme` at a provider that binds every token.
fn binding(access_token_lifetime_seconds: f64) -> AgentFixture {
    let fixture = AgentFixture::with(Settings {
        dpop: Dpop::Required,
        access_token_lifetime_seconds: Some(access_token_lifetime_seconds),
        grace_seconds: 60.0,
        ..Settings::auto_consent("ada")
    });
    let bound = draft(&fixture, "acme", &json!({ "dpop": "required" }));
    fixture.api().add(&bound);
    fixture
}

/// The token and its key fit: the provider takes a proof.
fn works(fixture: &AgentFixture, failpoint: &str) {
    let tested = fixture.api().post_to("acme", "test", &json!({}));
    assert_eq!(tested.status, 200, "{failpoint}: {}", tested.text());
}

#[test]
fn killed_at_any_step_of_a_sign_in_that_binds_its_token() {
    for failpoint in FIRST_GRANT {
        let mut fixture = binding(3600.0);
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.sign_in("acme")));
        fixture.start_agent();
        let (grants, connections) = kept(&mut fixture);
        assert_eq!(grants, connections, "{failpoint}");
        if connections == 1 {
            works(&fixture, failpoint);
        }
        fixture.api().sign_in("acme");
        works(&fixture, failpoint);
        assert_eq!(kept(&mut fixture), (1, 1), "{failpoint}");
    }
}

#[test]
fn killed_at_any_step_of_a_refresh_a_bound_token_keeps_its_key() {
    for failpoint in [
        "refresh.marked",
        "refresh.answered",
        "vault.before_item",
        "vault.item_written",
        "vault.row_saved",
    ] {
        let mut fixture = binding(1.0);
        fixture.api().sign_in("acme");
        fixture
            .api()
            .change("acme", &json!({ "keep_warm": "on_demand" }));
        fixture.wait_for_expiry("acme");
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.post_to("acme", "test", &json!({}))));
        fixture.start_agent();
        works(&fixture, failpoint);
        assert_eq!(kept(&mut fixture), (1, 1), "{failpoint}");
    }
}

#[test]
fn killed_at_any_step_of_an_import_the_next_start_finishes_it() {
    for failpoint in [
        "vault.token_import_row",
        "vault.token_import_written",
        "token_import.answered",
        "token_import.staged",
        "vault.connecting_row",
        "vault.item_written",
        "vault.row_saved",
        "vault.token_import_deleted",
    ] {
        // Without a grace period, sending a token twice ends the login.
        let grace_seconds = if failpoint == "token_import.answered" {
            60.0
        } else {
            0.0
        };
        let mut fixture = AgentFixture::with(Settings {
            grace_seconds,
            ..Settings::auto_consent("ada")
        });
        // A refresh token that nobody holds: its connection is lost with its home.
        fixture.sign_in("acme");
        let token = fixture.provider.live_refresh_token("ada").expect("a login");
        fixture.kill();
        let home = fixture.desktop.valetkey_home();
        std::fs::rename(&home, home.with_extension("lost")).expect("a home");
        fixture.start_agent();
        fixture.add("acme");
        fixture.restart_to_abort_at(failpoint);
        let body = json!({ "authenticator": "acme", "method": "refresh_token", "secret": token });
        fixture.abort_during(move |api| {
            let started = api.post("credentials/connections", &body).json();
            api.wait(&started);
        });
        fixture.start_agent();
        if failpoint == "vault.token_import_row" {
            // Not kept yet, and not sent: the person has it.
            wait::until("the end of the import", || {
                let body =
                    json!({ "authenticator": "acme", "method": "refresh_token", "secret": token });
                let again = fixture.api().post("credentials/connections", &body);
                (again.status == 202).then_some(())
            });
        }
        wait::until(&format!("the connection after {failpoint}"), || {
            (fixture.api().connections() == ["acme"]).then_some(())
        });
        fixture.api().access_token("acme");
        let refreshed = fixture.api().post_to("acme", "refresh", &json!({}));
        assert_eq!(refreshed.status, 200, "{failpoint}: {}", refreshed.text());
        assert!(!fixture.provider.family_revoked("ada"), "{failpoint}");
        wait::until(&format!("the item to go after {failpoint}"), || {
            let items = fixture.desktop.keyring().items();
            let is_import = |it: &[u8]| String::from_utf8_lossy(it).contains("is_rotated");
            (!items.iter().any(|item| is_import(&item.secret))).then_some(())
        });
    }
}
