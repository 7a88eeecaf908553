#![expect(
    clippy::needless_pass_by_value,
    reason = "the documents are written where they are used"
)]

use super::*;
use crate::discovery::{Network, ResourcePlace};

const MCP: &str = "https://mcp.example.com/mcp";

fn server(more: Value) -> ServerMetadata {
    let mut document = json!({
        "issuer": "https://as.test", "authorization_endpoint": "https://as.test/a", "token_endpoint": "https://as.test/t",
        "code_challenge_methods_supported": ["S256"],
    });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    let body = document.to_string();
    ServerMetadata::read(
        body.as_bytes(),
        "https://as.test",
        "https://as.test",
        Network::Public,
    )
    .unwrap()
}

fn issuer(more: Value) -> Found {
    Found {
        url: EndpointUrl::parse("https://as.test").unwrap(),
        resource: None,
        server: server(more),
    }
}

fn mcp(more: Value, scopes: Value, challenge: Option<&str>) -> Found {
    let url = EndpointUrl::parse(MCP).unwrap();
    let document = json!({
        "resource": MCP, "authorization_servers": ["https://as.test"], "scopes_supported": scopes,
    });
    let body = document.to_string();
    let metadata = ResourceMetadata::read(body.as_bytes(), &url, MCP, ResourcePlace::Own).unwrap();
    Found {
        url,
        resource: Some(FoundResource {
            metadata: Some(metadata),
            challenge: challenge.map(|header| Challenge::read([header]).unwrap()),
        }),
        server: server(more),
    }
}

#[test]
fn a_challenged_scope_counts_more_than_those_that_are_published() {
    let plan = |found: Found| found.plan(Given::default()).unwrap().scopes;
    let both = mcp(json!({}), json!(["a", "b"]), Some("Bearer scope=\"c\""));
    assert_eq!(plan(both), Scopes::parse_any("c"));
    assert_eq!(
        plan(mcp(json!({}), json!(["a", "b"]), Some("Bearer"))),
        Scopes::parse_any("a b")
    );
    assert_eq!(plan(mcp(json!({}), json!(null), None)), Scopes::default());
}

#[test]
fn offline_access_is_asked_for_only_where_the_server_has_it() {
    let offered = json!({"scopes_supported": ["openid", "offline_access", "email", "admin"]});
    let found = mcp(offered.clone(), json!(["a"]), None)
        .plan(Given::default())
        .unwrap();
    assert_eq!(found.scopes, Scopes::parse_any("a offline_access"));
    let found = issuer(offered).plan(Given::default()).unwrap();
    assert_eq!(
        found.scopes,
        Scopes::parse_any("openid email offline_access")
    );
}

#[test]
fn registration_is_tried_in_the_order_of_the_specification() {
    let all = json!({"registration_endpoint": "https://as.test/r", "client_id_metadata_document_supported": true});
    let url = EndpointUrl::parse("https://me/client").unwrap();
    let redirect = RedirectUri::ephemeral();
    let document = Given {
        client_metadata: Some((&url, &redirect)),
        ..Given::default()
    };
    let way = |found: &Found, given| found.plan(given).unwrap().registration;
    let found = mcp(all, json!(null), None);
    assert_eq!(
        way(
            &found,
            Given {
                has_client_id: true,
                ..document
            }
        ),
        RegistrationPlan::Registered
    );
    assert_eq!(way(&found, document), RegistrationPlan::ClientMetadata);
    assert_eq!(way(&found, Given::default()), RegistrationPlan::Dynamic);
    assert_eq!(
        found.plan(document).unwrap().members["client_id"],
        "https://me/client"
    );

    let no_documents = mcp(
        json!({"registration_endpoint": "https://as.test/r"}),
        json!(null),
        None,
    );
    let plan = no_documents.plan(document).unwrap();
    assert_eq!(plan.registration, RegistrationPlan::Dynamic);
    assert_eq!(plan.warnings[0].field, "client_metadata_url");

    let plan = mcp(json!({}), json!(null), None)
        .plan(Given::default())
        .unwrap();
    assert_eq!(plan.registration, RegistrationPlan::ByHand);
    assert_eq!(plan.needs[0].field, "client_id");
    assert!(
        plan.needs[0]
            .hint
            .contains("http://127.0.0.1:4316/callback"),
        "{:?}",
        plan.needs
    );
}

#[test]
fn pkce_must_be_advertised_by_the_server_of_an_mcp_server() {
    let silent = json!({"code_challenge_methods_supported": null});
    let refused = mcp(silent.clone(), json!(null), None)
        .plan(Given::default())
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("code_challenge_methods_supported"),
        "{refused}"
    );
    assert!(refused.hint().contains("--assume-pkce"));
    let assumed = Given {
        assume_pkce: true,
        ..Given::default()
    };
    let made = mcp(silent.clone(), json!(null), None)
        .plan(assumed)
        .unwrap();
    assert_eq!(made.members["assume_pkce"], true);
    assert!(
        issuer(silent).plan(Given::default()).is_ok(),
        "OpenID has no such field of its own"
    );
    let plain = json!({"code_challenge_methods_supported": ["plain"]});
    for found in [mcp(plain.clone(), json!(null), None), issuer(plain)] {
        assert!(
            found.plan(assumed).is_err(),
            "what is denied is not assumed"
        );
    }
}

#[test]
fn the_draft_of_an_mcp_server_binds_tokens_to_it() {
    let plan = mcp(
        json!({"userinfo_endpoint": "https://as.test/me"}),
        json!(["a"]),
        None,
    )
    .plan(Given::default())
    .unwrap();
    assert_eq!(plan.members["resource"], MCP);
    assert_eq!(plan.members["mcp_server"], MCP);
    assert_eq!(plan.members["api_hosts"], json!(["mcp.example.com"]));
    assert!(
        !plan.members.contains_key("userinfo_url"),
        "only OpenID has it"
    );
}

#[test]
fn a_known_issuer_is_said_to_be_in_the_catalogue() {
    let mut found = issuer(json!({}));
    found.server.issuer = "https://accounts.google.com".to_owned();
    let plan = found.plan(Given::default()).unwrap();
    assert!(
        plan.warnings[0].hint.contains("valetkey add google"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_name_is_made_of_the_host() {
    for (url, name) in [
        ("https://mcp.linear.app/mcp", "linear"),
        ("https://linear.app", "linear"),
        ("https://login.example.co.uk/t", "example"),
        ("http://127.0.0.1:3000/mcp", "mcp"),
        ("http://[::1]:3000/mcp", "mcp"),
        ("http://localhost:3000/mcp", "localhost"),
        ("https://mcp.mcp", "mcp"),
    ] {
        assert_eq!(
            suggested_name(&EndpointUrl::parse(url).unwrap()).as_str(),
            name,
            "{url}"
        );
    }
}
