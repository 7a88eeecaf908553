use serde_json::json;
use valetkey_api::core::catalogue;

use super::*;
use crate::render::fixtures::{connection, github, microsoft};

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
    let none = AuthenticatorList {
        authenticators: Vec::new(),
    };
    let texts = [two, profiles, none].map(|rows| list(&rows, Style::PLAIN));
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn an_authenticator_is_shown_in_full() {
    let texts = [github(), microsoft()].map(|view| show(&view, Style::PLAIN));
    insta::assert_snapshot!(texts.join("---\n"));
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
    let list = ProviderList {
        providers: catalogue::providers()
            .iter()
            .map(ProviderView::from)
            .collect(),
    };
    insta::assert_snapshot!(providers(&list, Style::PLAIN));
}

#[test]
fn a_provider_says_how_to_register() {
    let view = ProviderView::from(catalogue::provider("microsoft").unwrap());
    insta::assert_snapshot!(provider(&view, Style::PLAIN));
}
