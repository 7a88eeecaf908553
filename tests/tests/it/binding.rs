//! Tokens that are bound to a key or to a resource, at a certified provider.

use std::process::Command;

use serde_json::{Value, json};
use valetkey_tests::{Browser, Desktop, OidcProvider, Person, cli, oidc, wait};

fn add(desktop: &Desktop, provider: &OidcProvider, more: &Value) {
    let mut fields = json!({
        "client_id": oidc::PUBLIC_CLIENT, "scopes": ["openid", "email", "offline_access"],
    });
    let more = more.as_object().expect("an object").clone();
    fields.as_object_mut().expect("an object").extend(more);
    provider.add_to(desktop, &fields);
}

/// What userinfo says through the proxy, with the status on the last line.
fn userinfo(desktop: &Desktop) -> String {
    let urls = cli::ok(desktop, &["proxy-url", "acme"]).stdout;
    let socket = urls
        .lines()
        .find_map(|url| url.strip_prefix("unix://")?.split_once('#'))
        .expect("the URL of the socket")
        .0
        .to_owned();
    let mut curl: Command = desktop.command("curl");
    curl.args([
        "--silent",
        "--max-time",
        "30",
        "--write-out",
        "\n%{http_code}",
    ]);
    curl.args(["--unix-socket", &socket, "http://localhost/proxy/acme/me"]);
    let output = curl.output().expect("curl runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_pushed_sign_in_with_a_bound_token_lives_through_rotation_and_restart() {
    let mut desktop = Desktop::start();
    let browser = Browser::install(&mut desktop, &Person::named("ada"));
    let options = json!({
        "accessTokenSeconds": 6, "pushedRequests": true, "dpop": true, "introspects": true,
    });
    let provider = OidcProvider::with(&desktop, &options);
    let host = provider.issuer().replace("http://", "");
    add(
        &desktop,
        &provider,
        &json!({ "dpop": "required", "api_hosts": [host] }),
    );
    let said = cli::ok(&desktop, &["connect", "acme"]);
    assert!(said.stderr.contains("ada@example.test"), "{}", said.stderr);
    // The server's nonce is not known before it has refused a proof without one.
    assert_eq!(provider.requests("/request"), [400, 201], "it was pushed");
    let issued = provider.wait_for_event("introspected", 1);
    assert_eq!(issued["token_type"], "DPoP");
    let key = issued["cnf"]["jkt"].as_str().expect("a key").to_owned();

    let refused = cli::run(&desktop, &["token", "acme"]);
    assert_eq!(refused.code, Some(77), "{}", refused.stderr);
    assert!(refused.stderr.contains("DPoP"), "{}", refused.stderr);
    let told = userinfo(&desktop);
    assert!(told.ends_with("200") && told.contains("ada"), "{told}");

    // Rotation: each refresh spends its refresh token, and keeps the key.
    provider.wait_for_event("introspected", 2);
    cli::ok(&desktop, &["stop"]);
    wait::until("another token after the restart", || {
        let told = userinfo(&desktop);
        assert!(told.ends_with("200"), "{told}");
        (provider.events("introspected").len() >= 4).then_some(())
    });
    for issued in provider.events("introspected") {
        assert_eq!(issued["cnf"]["jkt"], *key, "{issued}");
    }
    let refusals = provider.events("token_refused");
    assert!(
        refusals.iter().all(|it| it["error"] == "use_dpop_nonce"),
        "{refusals:?}"
    );
    assert_eq!(browser.visits().len(), 1, "nobody signed in again");
    cli::ok(&desktop, &["disconnect", "acme", "--force"]);
    provider.wait_for_event("token_revoked", 1);
}

#[test]
fn a_token_is_issued_for_the_resource_as_it_is_written() {
    let mut desktop = Desktop::start();
    let _browser = Browser::install(&mut desktop, &Person::named("ada"));
    let resource = "https://MCP.example.test:443/tools";
    let options = json!({
        "resource": resource, "introspects": true, "claimsInIdToken": true, "accessTokenSeconds": 6,
    });
    let provider = OidcProvider::with(&desktop, &options);
    add(&desktop, &provider, &json!({}));
    cli::ok(&desktop, &["update", "acme", "--resource", resource]);
    cli::ok(&desktop, &["connect", "acme"]);
    let first = provider.wait_for_event("introspected", 1);
    assert_eq!(first["aud"], resource);
    let token = cli::ok(&desktop, &["token", "acme"]).stdout;
    wait::until("the refreshed token", || {
        let now = cli::ok(&desktop, &["token", "acme"]).stdout;
        (now != token).then_some(())
    });
    let second = provider.wait_for_event("introspected", 2);
    assert_eq!(second["aud"], resource);

    cli::ok(
        &desktop,
        &[
            "update",
            "acme",
            "--resource",
            "https://mcp.example.test/tools",
        ],
    );
    let refused = cli::run(&desktop, &["connect", "acme"]);
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("invalid_target"),
        "{}",
        refused.stderr
    );
}
