//! Servers that lie, or want us to ask others: refused in words, nothing stored, nobody else asked.

use std::time::Instant;

use serde_json::json;
use valetkey_agent::{AgentError, DiscoveryRequest};

use super::servers::{METADATA, RESOURCE, Reply, Server, World, words};

#[tokio::test]
async fn metadata_of_ten_megabytes_is_refused() {
    let world = World::start().await;
    let large = "x".repeat(10 << 20);
    for route in [RESOURCE, METADATA] {
        let server = if route == RESOURCE {
            &world.mcp
        } else {
            &world.server
        };
        let text =
            format!("200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{large}");
        server.set(route, Reply::Raw(text));
        let refused = world.refused().await;
        assert!(refused.contains("larger than 1 MiB"), "{refused}");
        let resource =
            json!({"resource": world.url(), "authorization_servers": [world.server.base]});
        world.mcp.json(RESOURCE, resource);
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_so_make_no_loop() {
    let world = World::start().await;
    let text = format!(
        "302 X\r\nLocation: {}{RESOURCE}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        world.mcp.base
    );
    world.mcp.set(RESOURCE, Reply::Raw(text));
    let refused = world.refused().await;
    assert!(refused.contains("redirect"), "{refused}");
    let asked = world.mcp.seen("GET", RESOURCE).len();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn what_publishes_nothing_is_said_to() {
    let world = World::start().await;
    let nothing = Server::start();
    let ask = DiscoveryRequest {
        url: nothing.base.clone(),
        ..DiscoveryRequest::default()
    };
    let refused = words(&world.ask(ask).await.unwrap_err());
    assert!(
        refused.contains("publishes no OAuth metadata") && refused.contains("valetkey add custom"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_page_for_every_path_is_no_metadata() {
    let world = World::start().await;
    let page =
        "200 X\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    world.mcp.set("POST /mcp", Reply::Raw(page.to_owned()));
    for path in [
        RESOURCE,
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/mcp",
    ] {
        world.mcp.set(path, Reply::Raw(page.to_owned()));
    }
    let refused = world.refused().await;
    assert!(refused.contains("is no OAuth metadata"), "{refused}");
}

#[tokio::test]
async fn only_https_and_loopback_can_be_typed() {
    let world = World::start().await;
    for url in [
        "http://example.com/mcp",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "mcp.example.com",
        "",
    ] {
        let ask = DiscoveryRequest {
            url: url.to_owned(),
            ..DiscoveryRequest::default()
        };
        let refused = world.ask(ask).await.unwrap_err();
        assert!(matches!(refused, AgentError::BadDraft(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_without_metadata_that_is_down_is_not_taken_for_one_without_any() {
    let world = World::start().await;
    world.mcp.set(RESOURCE, Reply::Json(503, json!({})));
    let refused = world.discover().await.unwrap_err();
    assert!(
        matches!(refused, AgentError::ServerUnreachable { .. }),
        "{refused:?}"
    );
    world.mcp.set(RESOURCE, Reply::Silent);
    let begun = Instant::now();
    let refused = world.discover().await.unwrap_err();
    assert!(
        words(&refused).contains("did not answer in time"),
        "{refused}"
    );
    assert!(begun.elapsed().as_secs() < 20);
}

#[tokio::test]
async fn client_metadata_of_another_url_is_refused() {
    let world = World::start().await;
    world.mcp.json(
        "/client.json",
        json!({
            "client_id": "https://evil.example.com/client.json", "client_name": "X",
            "redirect_uris": ["http://127.0.0.1/callback"],
        }),
    );
    let ask = DiscoveryRequest {
        url: world.url(),
        client_metadata_url: Some(format!("{}/client.json", world.mcp.base)),
        ..DiscoveryRequest::default()
    };
    let refused = words(&world.ask(ask).await.unwrap_err());
    assert!(refused.contains("not its own URL"), "{refused}");
}
