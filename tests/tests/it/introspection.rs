//! The tokens that are served, as the introspection endpoint of a certified provider sees them (RFC 7662).

use std::fs;

use serde_json::{Value, json};
use valetkey_tests::{Browser, Desktop, OidcProvider, Person, cli, oidc, wait};

fn token(desktop: &Desktop) -> String {
    let said = cli::ok(desktop, &["token", "acme"]);
    said.stdout.trim_end().to_owned()
}

/// Waits until another token than this is served.
fn next_token(desktop: &Desktop, before: &str) -> String {
    wait::until("another token", || {
        Some(token(desktop)).filter(|now| now != before)
    })
}

#[test]
fn a_served_token_is_active_with_the_scopes_that_were_granted_until_its_grant_is_revoked() {
    let mut desktop = Desktop::start();
    let _browser = Browser::install(&mut desktop, &Person::named("ada"));
    let mut provider = OidcProvider::start(&desktop);
    provider.add_to(&desktop, &json!({ "client_id": oidc::PUBLIC_CLIENT }));
    cli::ok(&desktop, &["connect", "acme"]);
    let served = token(&desktop);
    let seen = provider.introspect(&served);
    assert_eq!(seen["active"], true, "{seen}");
    assert_eq!(seen["client_id"], oidc::PUBLIC_CLIENT);
    assert_eq!(seen["sub"], "ada");
    assert_eq!(seen["scope"], "openid email profile offline_access");
    provider.revoke_grants();
    assert_eq!(provider.introspect(&served)["active"], false);
    let refused = cli::run(&desktop, &["token", "acme", "--refresh"]);
    assert_eq!(refused.code, Some(77), "{}", refused.stderr);
}

#[test]
fn a_client_asks_for_itself_without_a_browser_and_its_tokens_end_with_the_connection() {
    let mut desktop = Desktop::start();
    Browser::remove(&mut desktop);
    let mut provider = OidcProvider::with_short_tokens(&desktop, 6);
    let robot = json!({
        "client_id": oidc::ROBOT_CLIENT, "client_secret": oidc::CLIENT_SECRET,
        "client_auth": "client_secret_basic", "grant_type": "client_credentials",
        "scopes": ["api:read"], "authorize_url": null, "redirect_uri": null,
        "authorize_params": null, "userinfo_url": null,
    });
    provider.add_to(&desktop, &robot);
    cli::ok(&desktop, &["connect", "acme"]);
    let first = token(&desktop);
    let seen = provider.introspect(&first);
    assert_eq!(seen["active"], true, "{seen}");
    assert_eq!(seen["client_id"], oidc::ROBOT_CLIENT);
    assert_eq!(seen["scope"], "api:read");

    let second = next_token(&desktop, &first);
    assert_eq!(provider.introspect(&second)["active"], true);
    cli::ok(&desktop, &["disconnect", "acme", "--force"]);
    assert_eq!(provider.introspect(&second)["active"], false);
    assert_eq!(provider.requests("/auth"), [0_u64; 0], "nobody signed in");
}

#[test]
fn a_key_proves_the_client_with_the_code_at_each_refresh_and_at_the_revocation() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("ada"));
    let key = desktop.folder().join("client-key.pem");
    let options = json!({ "accessTokenSeconds": 6, "privateKeyFile": key });
    let mut provider = OidcProvider::with(&desktop, &options);
    let key = fs::read_to_string(key).expect("the provider wrote it");
    let client = json!({
        "client_id": oidc::KEY_CLIENT, "private_key": key, "client_auth": "private_key_jwt",
    });
    provider.add_to(&desktop, &client);
    cli::ok(&desktop, &["connect", "acme"]);
    let first = token(&desktop);
    assert_eq!(provider.introspect(&first)["client_id"], oidc::KEY_CLIENT);

    // Each refresh spends its refresh token: a second one shows that the new one was stored.
    let second = next_token(&desktop, &first);
    let third = next_token(&desktop, &second);
    let seen = provider.introspect(&third);
    assert_eq!(seen["active"], true, "{seen}");
    assert_eq!(seen["scope"], "openid email profile offline_access");
    assert_eq!(provider.events("token_refused"), Vec::<Value>::new());
    assert_eq!(browser.visits().len(), 1, "nobody signed in again");

    cli::ok(&desktop, &["disconnect", "acme", "--force"]);
    assert_eq!(provider.introspect(&third)["active"], false);
}
