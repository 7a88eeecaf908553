use serde_json::json;
use valetkey_api::core::catalogue;

use super::*;
use crate::render::fixtures::{connection, github, microsoft, now};

fn saved(authenticator: AuthenticatorView) -> AuthenticatorSaved {
    AuthenticatorSaved {
        authenticator,
        warnings: Vec::new(),
    }
}

#[test]
fn authenticators_are_listed() {
    let disabled = AuthenticatorView {
        is_active: false,
        profile: "staging".parse().unwrap(),
        ..github()
    };
    let two = AuthenticatorList {
        authenticators: vec![github(), microsoft()],
    };
    let profiles = AuthenticatorList {
        authenticators: vec![github(), disabled],
    };
    let [two, profiles] = [two, profiles].map(|rows| list(&rows, Style::PLAIN));
    insta::assert_snapshot!([two, profiles, none(Style::PLAIN)].join("---\n"));
}

#[test]
fn an_authenticator_is_shown_in_full() {
    let texts = [github(), microsoft()].map(|view| show(&view, now(), Style::PLAIN));
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn the_last_sign_in_is_shown_where_it_failed() {
    let failed = json!({
        "session_id": "018f0000-0000-7000-8000-000000000001", "ended_at": "2026-11-20T12:00:00Z",
        "error": {
            "code": "access_denied", "message": "you said no to `github` at GitHub",
            "hint": "run `valetkey connect github` to be asked again"
        }
    });
    let view = AuthenticatorView {
        failed_sign_in: Some(serde_json::from_value(failed).unwrap()),
        ..github()
    };
    let shown = show(&view, now(), Style::PLAIN);
    let line = shown.lines().find(|line| line.starts_with("last sign-in"));
    insta::assert_snapshot!(line.unwrap(), @"last sign-in    failed 24 h ago: you said no to `github` at GitHub; run `valetkey connect github` to be asked again");
}

#[test]
fn adding_says_what_comes_next() {
    let disabled = AuthenticatorView {
        is_active: false,
        ..github()
    };
    let text = [
        added(&saved(github()), Style::PLAIN),
        updated(&github()),
        updated(&disabled),
    ];
    insta::assert_snapshot!(text.join("---\n"));
}

#[test]
fn removing_names_the_connections_that_went() {
    let view = connection("github/work", json!({}));
    let gone = json!({
        "authenticator": github(),
        "disconnected": [{"id": view.id, "name": view.name, "profile": "default", "revocation": {"outcome": "revoked"}}]
    });
    let gone: AuthenticatorRemoved = serde_json::from_value(gone).unwrap();
    insta::assert_snapshot!(removed(&gone, Style::PLAIN), @r"
    disconnected `github/work`; the provider revoked its tokens
    removed `github`
    ");
}

#[test]
fn the_catalogue_is_listed() {
    let list = ProviderList::of_catalogue("");
    insta::assert_snapshot!(providers(&list, Style::PLAIN));
}

#[test]
fn a_provider_says_how_to_register() {
    let view = ProviderView::from(catalogue::provider("microsoft").unwrap());
    insta::assert_snapshot!(provider(&view, Style::PLAIN));
}
