//! What an MCP client MUST do to get a token (2026-07-28, `basic/authorization`; those marked are in
//! 2025-11-25 as well), and the SHOULDs that change what is sent.

use serde_json::{Value, json};
use valetkey_agent::sign_in::SignInState;
use valetkey_agent::{AgentError, DiscoveryRequest};
use valetkey_core::scope::Scopes;

use super::servers::{METADATA, RESOURCE, Reply, World, authorization_server, words};
use crate::support::{completed, failed};

// Discovery of the authorization server (both).

#[tokio::test]
async fn must_use_the_resource_metadata_that_the_challenge_names() {
    let world = World::start().await;
    let document = json!({"resource": world.url(), "authorization_servers": [world.server.base]});
    world.mcp.json("/elsewhere", document);
    world.mcp.remove(RESOURCE);
    world.challenge(&format!(
        "resource_metadata=\"{}/elsewhere\"",
        world.mcp.base
    ));
    let found = world.discover().await.unwrap();
    assert_eq!(found.issuers, [world.server.base.clone()]);
    assert_eq!(world.mcp.paths(), ["/mcp", "/elsewhere"]);
}

#[tokio::test]
async fn must_otherwise_try_the_well_known_place_of_the_path_and_then_the_root() {
    let world = World::start().await;
    world.mcp.remove(RESOURCE);
    let document =
        json!({"resource": world.mcp.base, "authorization_servers": [world.server.base]});
    world
        .mcp
        .json("/.well-known/oauth-protected-resource", document);
    let found = world.discover().await.unwrap();
    let resource = found.plan.unwrap().resource;
    assert_eq!(
        resource,
        Some(world.mcp.base.clone()),
        "exactly as published"
    );
    assert_eq!(
        world.mcp.paths(),
        ["/mcp", RESOURCE, "/.well-known/oauth-protected-resource"]
    );
}

#[tokio::test]
async fn must_support_both_kinds_of_server_metadata_in_this_order() {
    let world = World::start().await;
    let issuer = format!("{}/tenant", world.server.base);
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([issuer]));
    let refused = world.refused().await;
    assert!(refused.contains("publishes no metadata"), "{refused}");
    let places = [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    ];
    assert_eq!(world.server.paths(), places);
    for place in places {
        let base = &world.server.base;
        let document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"), "code_challenge_methods_supported": ["S256"],
        });
        world.server.json(place, document);
        assert_eq!(
            world.discover().await.unwrap().issuers,
            [issuer.clone()],
            "{place}"
        );
        world.server.remove(place);
    }
}

#[tokio::test]
async fn must_reject_server_metadata_of_another_issuer() {
    let world = World::start().await;
    for other in [
        format!("{}/", world.server.base),
        "https://evil.example.com".to_owned(),
    ] {
        world.server.change(METADATA, "issuer", json!(other));
        let refused = world.refused().await;
        assert!(
            refused.contains(&other) && refused.contains("another issuer"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn must_reject_resource_metadata_of_another_resource() {
    let world = World::start().await;
    for other in [
        format!("{}/", world.url()),
        "https://evil.example.com/mcp".to_owned(),
    ] {
        world.mcp.change(RESOURCE, "resource", json!(other));
        let refused = world.refused().await;
        assert!(
            refused.contains(&other) && refused.contains("another resource"),
            "{refused}"
        );
    }
    assert!(
        world.server.paths().is_empty(),
        "nobody was asked for tokens"
    );
}

#[tokio::test]
async fn the_client_chooses_among_several_authorization_servers() {
    let world = World::start().await;
    let second = authorization_server();
    let both = vec![world.server.base.clone(), second.base.clone()];
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!(both));
    let found = world.discover().await.unwrap();
    assert!(found.plan.is_none() && found.issuers == both);
    let choose = |issuer: &str| DiscoveryRequest {
        url: world.url(),
        issuer: Some(issuer.to_owned()),
        ..DiscoveryRequest::default()
    };
    let chosen = world.ask(choose(&second.base)).await.unwrap().plan.unwrap();
    assert_eq!(chosen.members["issuer"], second.base.as_str());
    let refused = world
        .ask(choose("https://evil.example.com"))
        .await
        .unwrap_err();
    assert!(words(&refused).contains("takes no tokens of"), "{refused}");
}

#[tokio::test]
async fn must_keep_separate_registrations_and_tokens_for_each_authorization_server() {
    let world = World::start().await;
    let first = world.add().await;
    let second = authorization_server();
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([second.base]));
    let found = world.discover().await.unwrap();
    let other = world
        .add_draft(World::draft(&found, "other"))
        .await
        .unwrap()
        .0
        .authenticator;
    assert_ne!(first.client_id, other.client_id);
    assert_eq!(
        first.overrides.registration.unwrap().issuer,
        world.server.base
    );
    assert_eq!(
        other.overrides.registration.as_ref().unwrap().issuer,
        second.base
    );
}

// Registration.

#[tokio::test]
async fn must_register_as_a_native_application_and_should_name_refresh_tokens() {
    let world = World::start().await;
    world.add().await;
    let body = world.server.seen("POST", "/register")[0].json();
    assert_eq!(body["application_type"], "native");
    assert_eq!(
        body["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(body["token_endpoint_auth_method"], "none");
}

#[tokio::test]
async fn must_handle_refused_redirect_uris() {
    let world = World::start().await;
    world.server.set(
        "POST /register",
        Reply::Json(
            400,
            json!({
                "error": "invalid_redirect_uri", "error_description": "no loopback",
            }),
        ),
    );
    let mut draft = World::draft(&world.discover().await.unwrap(), "mcp");
    draft.remove("redirect_uri");
    let refused = words(&world.add_draft(draft).await.unwrap_err());
    assert!(
        refused.contains("client_id: ") && refused.contains("no loopback"),
        "{refused}"
    );
    let tried: Vec<Value> = world
        .server
        .seen("POST", "/register")
        .iter()
        .map(|it| it.json()["redirect_uris"].clone())
        .collect();
    assert_eq!(tried.len(), 3);
    assert_eq!(
        tried[0],
        json!([
            "http://127.0.0.1/callback",
            "http://127.0.0.1:4316/callback"
        ])
    );
    assert_eq!(tried[2], json!(["http://localhost:4316/callback"]));
}

#[tokio::test]
async fn redirect_uris_must_be_localhost_or_https() {
    let world = World::start().await;
    let mut draft = World::draft(&world.discover().await.unwrap(), "mcp");
    draft.insert(
        "redirect_uri".to_owned(),
        "http://example.com/callback".into(),
    );
    assert!(matches!(
        world.add_draft(draft).await,
        Err(AgentError::BadDraft(_))
    ));
    assert!(world.server.seen("POST", "/register").is_empty());
}

#[tokio::test]
async fn must_not_reuse_credentials_and_must_register_again_when_the_issuer_changes() {
    let world = World::start().await;
    let old = world.add().await;
    completed(world.connect().await);
    let second = authorization_server();
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([second.base]));
    completed(world.connect().await);
    let new = world.authenticator();
    assert_ne!(new.client_id, old.client_id);
    assert_eq!(new.overrides.issuer.unwrap().as_str(), second.base);
    assert_eq!(second.seen("POST", "/register").len(), 1);
    for request in second.seen("POST", "/token") {
        assert_eq!(request.field("client_id"), Some(new.client_id.clone()));
        assert!(
            !request.body.contains("refresh_token"),
            "no token of the old server: {request:?}"
        );
    }
    assert_eq!(
        world.server.seen("POST", "/token").len(),
        1,
        "nothing more for the old one"
    );
}

#[tokio::test]
async fn should_surface_an_error_when_the_issuer_of_a_preregistered_client_changes() {
    let world = World::start().await;
    let mut draft = World::draft(&world.discover().await.unwrap(), "mcp");
    draft.insert("client_id".to_owned(), "mine".into());
    world.add_draft(draft).await.unwrap();
    completed(world.connect().await);
    let second = authorization_server();
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([second.base]));
    let refused = words(&world.bench.begin_as("mcp", None).await.unwrap_err());
    assert!(
        refused.contains(&second.base) && refused.contains("register a client"),
        "{refused}"
    );
    assert!(second.seen("POST", "/register").is_empty());
}

#[tokio::test]
async fn client_metadata_is_used_where_the_server_takes_it_and_is_portable() {
    let world = World::start().await;
    let url = format!("{}/client.json", world.mcp.base);
    world.mcp.json(
        "/client.json",
        json!({
            "client_id": url, "client_name": "Mine", "redirect_uris": ["http://127.0.0.1/callback"],
        }),
    );
    world.server.change(
        METADATA,
        "client_id_metadata_document_supported",
        json!(true),
    );
    let ask = DiscoveryRequest {
        url: world.url(),
        client_metadata_url: Some(url.clone()),
        ..DiscoveryRequest::default()
    };
    let found = world.ask(ask).await.unwrap();
    world.add_draft(World::draft(&found, "mcp")).await.unwrap();
    completed(world.connect().await);
    let second = authorization_server();
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([second.base]));
    completed(world.connect().await);
    assert_eq!(
        second.seen("GET", "/authorize")[0].field("client_id"),
        Some(url)
    );
    assert!(
        second.seen("POST", "/register").is_empty()
            && world.server.seen("POST", "/register").is_empty()
    );
}

// The authorization request (both).

#[tokio::test]
async fn must_use_pkce_with_s256() {
    let world = World::start().await;
    world.add().await;
    completed(world.connect().await);
    let request = world.authorized();
    assert_eq!(
        request.field("code_challenge_method").as_deref(),
        Some("S256")
    );
    assert!(request.field("code_challenge").is_some());
    assert!(
        world.server.seen("POST", "/token")[0]
            .field("code_verifier")
            .is_some()
    );
}

#[tokio::test]
async fn must_refuse_to_proceed_without_advertised_pkce() {
    let world = World::start().await;
    for methods in [json!(null), json!([]), json!(["plain"])] {
        world
            .server
            .change(METADATA, "code_challenge_methods_supported", methods);
        let refused = world.refused().await;
        assert!(refused.contains("PKCE"), "{refused}");
    }
    let base = world.server.base.clone();
    world.server.remove(METADATA);
    world.server.json("/.well-known/openid-configuration", json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
    }));
    let refused = world.refused().await;
    assert!(
        refused.contains("code_challenge_methods_supported"),
        "OpenID, too: {refused}"
    );
    let assume = DiscoveryRequest {
        url: world.url(),
        assume_pkce: true,
        ..DiscoveryRequest::default()
    };
    assert!(
        world.ask(assume).await.is_ok(),
        "the person may vouch for it"
    );
}

#[tokio::test]
async fn must_refuse_a_sign_in_once_pkce_is_no_longer_advertised() {
    let world = World::start().await;
    world.add().await;
    world
        .server
        .change(METADATA, "code_challenge_methods_supported", json!(null));
    let refused = words(&world.bench.begin_as("mcp", None).await.unwrap_err());
    assert!(refused.contains("PKCE"), "{refused}");
}

#[tokio::test]
async fn must_send_the_resource_as_published_in_authorization_token_and_refresh_requests() {
    let world = World::start().await;
    world.mcp.remove(RESOURCE);
    // As URL types write it: kept, although none of ours adds or drops the slash.
    let resource = format!("{}/", world.mcp.base);
    world.mcp.json(
        "/.well-known/oauth-protected-resource",
        json!({
            "resource": resource, "authorization_servers": [world.server.base],
        }),
    );
    world.add().await;
    completed(world.connect().await);
    world.bench.expire();
    world.bench.access("mcp").await;
    assert_eq!(
        world.authorized().field("resource").as_deref(),
        Some(resource.as_str())
    );
    let requests = world.server.seen("POST", "/token");
    let grants: Vec<_> = requests
        .iter()
        .map(|it| it.field("grant_type").unwrap())
        .collect();
    assert_eq!(grants, ["authorization_code", "refresh_token"]);
    for request in requests {
        assert_eq!(
            request.field("resource").as_deref(),
            Some(resource.as_str())
        );
    }
}

#[tokio::test]
async fn must_treat_challenged_scopes_as_authoritative() {
    let world = World::start().await;
    world
        .mcp
        .change(RESOURCE, "scopes_supported", json!(["all", "of", "them"]));
    world.challenge("scope=\"files:read\"");
    world.add().await;
    completed(world.connect().await);
    assert_eq!(
        world.authorized().field("scope").as_deref(),
        Some("files:read")
    );
}

#[tokio::test]
async fn should_ask_for_published_scopes_or_for_none() {
    let world = World::start().await;
    assert_eq!(
        world.discover().await.unwrap().plan.unwrap().scopes,
        Scopes::default()
    );
    world
        .mcp
        .change(RESOURCE, "scopes_supported", json!(["a", "b"]));
    assert_eq!(
        world.discover().await.unwrap().plan.unwrap().scopes,
        Scopes::parse_any("a b")
    );
    world
        .server
        .change(METADATA, "scopes_supported", json!(["a", "offline_access"]));
    assert_eq!(
        world.discover().await.unwrap().plan.unwrap().scopes,
        Scopes::parse_any("a b offline_access")
    );
}

#[tokio::test]
async fn must_not_assume_that_a_refresh_token_comes() {
    let world = World::start().await;
    world
        .server
        .change("POST /token", "refresh_token", json!(null));
    world.add().await;
    completed(world.connect().await);
    assert_eq!(world.bench.access("mcp").await, "at");
}

#[tokio::test]
async fn must_compare_iss_with_the_recorded_issuer_as_plain_text_even_if_not_advertised() {
    let world = World::start().await;
    world.add().await;
    world.server.answers(&[("iss", &world.server.base)]);
    completed(world.connect().await);
    for wrong in [
        format!("{}/", world.server.base),
        world.server.base.replace("http", "HTTP"),
    ] {
        world.server.answers(&[("iss", &wrong)]);
        let why = failed(world.connect().await);
        assert!(why.contains(&wrong), "{why}");
    }
    assert_eq!(world.server.seen("POST", "/token").len(), 1);
}

#[tokio::test]
async fn must_reject_an_answer_without_the_iss_that_was_advertised() {
    let world = World::start().await;
    world.server.change(
        METADATA,
        "authorization_response_iss_parameter_supported",
        json!(true),
    );
    world.add().await;
    let why = failed(world.connect().await);
    assert!(why.contains("does not say which provider sent it"), "{why}");
    assert!(world.server.seen("POST", "/token").is_empty());
}

#[tokio::test]
async fn must_not_act_on_or_display_errors_of_another_issuer() {
    let world = World::start().await;
    world.add().await;
    world.server.answers(&[
        ("iss", "https://evil.example.com"),
        ("error", "access_denied"),
        ("error_description", "call 555"),
    ]);
    let state = world.connect().await;
    assert!(
        matches!(state, SignInState::Failed(_)),
        "not denied: {state:?}"
    );
    let shown = format!("{state:?}");
    assert!(
        !shown.contains("555") && !shown.contains("access_denied"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_authorization_url_must_be_https_or_loopback_http() {
    let world = World::start().await;
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://example.com/authorize",
    ] {
        world
            .server
            .change(METADATA, "authorization_endpoint", json!(url));
        let refused = world.refused().await;
        assert!(
            refused.contains("authorization_endpoint") && refused.contains("no browser was opened"),
            "{refused}"
        );
    }
}

// The use of tokens (both).

#[tokio::test]
async fn must_not_send_tokens_anywhere_but_to_the_server_that_they_were_issued_for() {
    let world = World::start().await;
    let added = world.add().await;
    let provider = valetkey_core::catalogue::provider("custom").unwrap();
    let hosts: Vec<String> = added
        .api_hosts(provider)
        .iter()
        .map(|host| host.origin())
        .collect();
    assert_eq!(hosts, [world.mcp.base.clone()]);
}
