//! What an MCP client MUST do to get a token (2026-07-28, `basic/authorization`; those marked are in
//! 2025-11-25 as well), and the SHOULDs that change what is sent.

mod authorization;

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
    assert_eq!(found.issuers, std::slice::from_ref(&world.server.base));
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
            std::slice::from_ref(&issuer),
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
