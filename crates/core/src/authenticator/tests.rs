use super::*;
use crate::catalogue::{self, OwnFile, OwnProviders};
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
fn another_resource_is_another_way_and_another_client() {
    let of = |resource: Option<&str>| {
        authenticator(serde_json::json!({
            "name": "acme", "authenticator_type": "custom", "client_id": "x", "resource": resource,
            "authorize_url": "https://acme.example/a", "token_url": "https://acme.example/t",
        }))
    };
    let provider = catalogue::provider("custom").unwrap();
    let (none, one) = (of(None), of(Some("https://mcp.example")));
    let slash = of(Some("https://mcp.example/"));
    assert_eq!(slash.rerouted(&one), ["resource: https://mcp.example/"]);
    assert_eq!(one.rerouted(&none), ["resource: https://mcp.example"]);
    assert!(!one.is_same_client(&none, provider) && !one.is_same_client(&slash, provider));
    assert!(one.is_same_client(&one.clone(), provider));
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
fn the_metadata_url_is_appended_to_the_issuer() {
    assert_eq!(
        openid_metadata_url("https://h/t1"),
        "https://h/t1/.well-known/openid-configuration"
    );
    assert_eq!(
        openid_metadata_url("https://h/"),
        "https://h/.well-known/openid-configuration"
    );
}

const ACME: &str = r##"
id = "acme"
display_name = "Acme"
authorize_url = "https://{host}/authorize"
token_url = "https://{host}/token"
api_hosts = ["api.acme.example"]
setup_steps = ["Ask the help desk for a client ID."]
initials = "Ac"
colour = "#123456"
[[placeholders]]
name = "host"
default = "login.acme.example"
note = "your region"
"##;

fn own(text: &str) -> OwnProviders {
    OwnProviders::read([OwnFile {
        name: "acme.toml".to_owned(),
        text: Ok(text.to_owned()),
    }])
}

fn changed_file(from: &str, to: &str) -> Provider {
    let text = ACME.replace(from, to);
    assert_ne!(text, ACME);
    let mut own = own(&text);
    assert_eq!(own.wrong, []);
    own.providers.remove(0)
}

fn acme() -> Authenticator {
    catalogue::install(own(ACME));
    authenticator(serde_json::json!({"authenticator_type": "acme", "client_id": "x"}))
}

#[test]
fn a_changed_file_of_ones_own_moves_no_authenticator() {
    let acme = acme();
    let provider = catalogue::provider("acme").unwrap();
    assert!(!acme.differs_from_file(provider));
    for (from, to) in [
        ("https://{host}/token", "https://evil.example/token"),
        ("\"login.acme.example\"", "\"evil.example\""),
        ("api.acme.example", "evil.example"),
        (
            "initials",
            "refresh_url = \"https://evil.example/\"\ninitials",
        ),
        (
            "initials",
            "revocation = { url = \"https://evil.example/\" }\ninitials",
        ),
        (
            "initials",
            "userinfo = { url = \"https://evil.example/\" }\ninitials",
        ),
        ("initials", "issuer = \"https://evil.example\"\ninitials"),
        (
            "initials",
            "discovery_url = \"https://evil.example\"\ninitials",
        ),
        (
            "initials",
            "closed_urls = [\"https://evil.example\"]\ninitials",
        ),
        (
            "initials",
            "client_auth = \"client_secret_basic\"\ninitials",
        ),
    ] {
        let changed = changed_file(from, to);
        assert!(acme.differs_from_file(&changed), "{from} -> {to}");
        assert_eq!(acme.endpoints(&changed), acme.endpoints(provider), "{to}");
        assert_eq!(acme.api_hosts(&changed), acme.api_hosts(provider), "{to}");
        assert_eq!(acme.servers(&changed), acme.servers(provider), "{to}");
    }
    let words = changed_file("Ask the help desk", "Ask Ada");
    assert!(!acme.differs_from_file(&words), "words are no endpoints");
}

#[test]
fn new_endpoints_of_a_file_are_taken_when_they_are_accepted_and_count_as_rerouting() {
    let mut old = acme();
    let provider = catalogue::provider("acme").unwrap();
    let before = changed_file("https://{host}/token", "https://old.acme.example/token");
    old.overrides.confirmed_routes = Some(before.routes());
    let change = |patch: Value| {
        let Value::Object(patch) = patch else {
            panic!("no object")
        };
        DraftInput::from_members(patch).check_change(&old, Timestamp::UNIX_EPOCH)
    };

    let other = change(serde_json::json!({"scopes": ["read"]}))
        .unwrap()
        .authenticator;
    assert!(other.rerouted(&old).is_empty());
    assert!(other.differs_from_file(provider));

    let accepted = change(serde_json::json!({"accept_endpoints": true}))
        .unwrap()
        .authenticator;
    assert_eq!(
        accepted.rerouted(&old),
        ["file.token_url: https://{host}/token"]
    );
    assert!(!accepted.differs_from_file(provider));
    assert!(old.servers(provider).contains("https://old.acme.example"));
    assert!(
        !accepted
            .servers(provider)
            .contains("https://old.acme.example")
    );

    for patch in [
        serde_json::json!({"accept_endpoints": "yes"}),
        serde_json::json!({"confirmed_routes": provider.routes()}),
    ] {
        assert!(change(patch.clone()).is_err(), "{patch}");
    }
}

#[test]
fn a_shipped_client_needs_no_registration() {
    let shipped = ACME.replace(
        "initials",
        "default_client = { client_id = \"shipped\" }\ninitials",
    );
    catalogue::install(own(&shipped));
    let acme = authenticator(serde_json::json!({"authenticator_type": "acme"}));
    assert_eq!(acme.client_id, "shipped");
    let named =
        authenticator(serde_json::json!({"authenticator_type": "acme", "client_id": "mine"}));
    assert_eq!(named.client_id, "mine");
}

#[test]
fn the_console_page_is_that_of_the_persons_own_tenant() {
    let okta = authenticator(serde_json::json!({
        "authenticator_type": "okta", "client_id": "x", "domain": "example.okta.com",
    }));
    let provider = catalogue::provider("okta").unwrap();
    let page = okta.console_page(provider);
    assert_eq!(
        page.as_deref(),
        Some("https://example.okta.com/admin/apps/active")
    );
    assert_eq!(
        provider.console_page(&BTreeMap::new()),
        None,
        "no tenant, no page"
    );
    let gitlab = catalogue::provider("gitlab").unwrap();
    let page = gitlab.console_page(&BTreeMap::new());
    assert_eq!(
        page.as_deref(),
        Some("https://gitlab.com/-/user_settings/applications")
    );
}

#[test]
fn placeholders_reach_urls_hosts_and_parameters_and_an_empty_one_leaves_its_parameter_out() {
    let endpoints = |fields| {
        let own = authenticator(fields);
        let provider = catalogue::provider(&own.provider).unwrap();
        (own.endpoints(provider).unwrap(), own.api_hosts(provider))
    };
    let (gitlab, hosts) = endpoints(serde_json::json!({
        "authenticator_type": "gitlab", "client_id": "x", "base_url": "https://git.example.com:8443",
    }));
    assert_eq!(
        gitlab.token_url.as_str(),
        "https://git.example.com:8443/oauth/token"
    );
    assert_eq!(hosts, [ApiHost::parse("git.example.com:8443").unwrap()]);
    let auth0 = |audience: &str| {
        endpoints(serde_json::json!({
            "authenticator_type": "auth0", "client_id": "x", "domain": "example.auth0.com",
            "placeholders": {"audience": audience},
        }))
    };
    assert_eq!(
        auth0("https://api/").0.authorize_params["audience"],
        "https://api/"
    );
    assert!(auth0("").0.authorize_params.is_empty());
    for (id, name, value) in [
        ("gitlab", "base_url", "https://git.example.com/"),
        ("gitlab", "base_url", "http://git.example.com"),
        ("gitlab", "base_url", "https://u@git.example.com"),
        ("okta", "domain", "example.okta.com/evil"),
        ("okta", "domain", "a@evil.example"),
        ("zendesk", "subdomain", "evil.example#"),
        ("zendesk", "subdomain", ""),
    ] {
        let fields = serde_json::json!({
            "authenticator_type": id, "client_id": "x", "placeholders": {name: value},
        });
        let Value::Object(fields) = fields else {
            panic!("no object")
        };
        let wrong = DraftInput::from_members(fields).check().unwrap_err();
        assert_eq!(wrong[0].field, name, "{value}");
    }
}
