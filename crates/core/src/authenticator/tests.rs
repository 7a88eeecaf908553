use super::*;
use crate::catalogue;
use crate::draft::DraftInput;
use crate::proxy_path::ProxyPath;

fn authenticator(fields: Value) -> Authenticator {
    let Value::Object(members) = fields else {
        panic!("no object")
    };
    let (draft, _) = DraftInput::from_members(members).check().unwrap();
    let id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    draft
        .into_authenticator(id, ProfileName::default(), Timestamp::UNIX_EPOCH)
        .0
}

#[test]
fn servers_are_all_origins_that_it_talks_to() {
    let custom = authenticator(serde_json::json!({
        "name": "acme", "authenticator_type": "custom", "client_id": "x",
        "authorize_url": "https://acme.example/a", "token_url": "https://ACME.example:443/t",
        "revocation_url": "https://acme.example:8443/r", "userinfo_url": "http://127.0.0.1:9/u",
        "issuer": "https://id.example/t1",
    }));
    let provider = catalogue::provider("custom").unwrap();
    assert_eq!(
        Vec::from_iter(custom.servers(provider)),
        [
            "http://127.0.0.1:9",
            "https://acme.example",
            "https://acme.example:8443",
            "https://id.example"
        ]
    );
}

#[test]
fn a_tenant_is_another_way_at_the_same_servers() {
    let of = |tenant| {
        authenticator(serde_json::json!({
            "authenticator_type": "microsoft", "client_id": "x", "tenant": tenant,
        }))
    };
    let (one, other) = (of("contoso.com"), of("evil.example"));
    let provider = catalogue::provider("microsoft").unwrap();
    assert!(!one.servers(provider).is_empty());
    assert_eq!(one.servers(provider), other.servers(provider));
    assert_eq!(other.rerouted(&one), ["placeholders.tenant: evil.example"]);
    assert!(one.rerouted(&one.clone()).is_empty());
}

#[test]
fn an_api_host_is_no_place_for_other_secrets() {
    let of = |hosts: &[&str]| {
        authenticator(serde_json::json!({
            "authenticator_type": "github", "client_id": "x", "client_secret": "s",
            "api_hosts": hosts,
        }))
    };
    let provider = catalogue::provider("github").unwrap();
    let own = of(&["api.github.com", "uploads.github.com"]);
    assert!(own.rerouted(&of(&["api.github.com"])).is_empty());
    let added = |new: &Authenticator, old: &Authenticator| -> Vec<String> {
        let added = new.added_api_hosts(old, provider);
        added.iter().map(ToString::to_string).collect()
    };
    let (one, none) = (of(&["api.github.com"]), of(&[]));
    assert_eq!(added(&own, &one), ["uploads.github.com"]);
    assert!(added(&one, &own).is_empty());
    assert!(added(&one, &none).is_empty(), "the catalogue's");
    assert_eq!(
        added(&none, &of(&["uploads.github.com"])),
        ["api.github.com"]
    );
}

#[test]
fn token_and_revocation_endpoints_are_closed_on_an_allowed_host() {
    let closed = |id: &str, host: &str, path: &str| {
        let provider = catalogue::provider(id).unwrap();
        let own = authenticator(serde_json::json!({
            "authenticator_type": id, "client_id": "c1", "client_secret": "s",
        }));
        let host = ApiHost::parse(host).unwrap();
        own.is_closed(provider, &host, ProxyPath::check(path).unwrap())
    };
    for (id, host, path) in [
        ("github", "api.github.com", "/applications/c1/token"),
        ("github", "api.github.com", "/applications/c1/grant"),
        ("github", "github.com", "/login/oauth/access_token/"),
        ("slack", "slack.com", "/api/oauth.v2.access"),
        ("slack", "slack.com", "/API//auth.revoke"),
        ("slack", "slack.com", "/api/oauth.access"),
        ("google", "www.googleapis.com", "/oauth2/v4/token"),
        ("google", "oauth2.googleapis.com", "/token"),
    ] {
        assert!(closed(id, host, path), "{host}{path}");
    }
    for (id, host, path) in [
        ("github", "api.github.com", "/user"),
        ("github", "uploads.github.com", "/applications/c1/token"),
        ("slack", "slack.com", "/api/auth.test"),
        ("google", "www.googleapis.com", "/drive/v3/files"),
    ] {
        assert!(!closed(id, host, path), "{host}{path}");
    }
}

#[test]
fn metadata_urls_follow_their_specifications() {
    let issuer = EndpointUrl::parse("https://h/t1").unwrap();
    assert_eq!(
        rfc8414_metadata_url(&issuer),
        "https://h/.well-known/oauth-authorization-server/t1"
    );
    assert_eq!(
        openid_metadata_url("https://h/t1"),
        "https://h/t1/.well-known/openid-configuration"
    );
    assert_eq!(
        openid_metadata_url("https://h/"),
        "https://h/.well-known/openid-configuration"
    );
}
