//! What a registration is deleted with (RFC 7592): kept as long as the registration is used, sent to its
//! own server alone.

use std::time::Duration;

use serde_json::json;
use valetkey_vault::ItemName;
use valetkey_vault::store::testing::Fault;

use super::servers::{RESOURCE, Reply, Server, World, authorization_server, words};
use crate::support::{authenticator_key, eventually, me};

/// The server says how a registration is deleted.
fn manageable(server: &Server, client_id: &str, token: &str) {
    let url = format!("{}/register/1", server.base);
    server.set("POST /register", Reply::Json(201, json!({
        "client_id": client_id, "registration_client_uri": url, "registration_access_token": token,
    })));
    server.set(
        "DELETE /register/1",
        Reply::Raw("204 X\r\nConnection: close\r\n\r\n".to_owned()),
    );
}

/// A world whose server says how a registration is deleted.
async fn world() -> World {
    let world = World::start().await;
    manageable(&world.server, "c1", "planted-registration-token");
    world
}

async fn remove(world: &World, name: &str) {
    let key = authenticator_key(name);
    let agent = &world.bench.agent;
    let removed = agent.remove_authenticator(&key, false, &me()).await;
    removed.expect("it is not used");
}

fn deletions(server: &Server) -> Vec<String> {
    let seen = server.seen("DELETE", "/register/1");
    seen.into_iter().map(|seen| seen.head).collect()
}

#[tokio::test]
async fn the_registration_token_is_in_the_keychain_alone_and_deletes_the_registration() {
    let world = world().await;
    let added = world.add().await;
    let registration = added.overrides.registration.clone().unwrap();
    assert!(registration.management_url.is_some());
    assert!(!format!("{:?}", serde_json::to_string(&added)).contains("planted"));
    let item = ItemName::Registration(added.id);
    assert!(world.bench.store.items().contains(&item));
    remove(&world, "mcp").await;
    assert!(!world.bench.store.items().contains(&item));
    eventually("the deletion", || {
        !world.server.seen("DELETE", "/register/1").is_empty()
    })
    .await;
    let deletion = &world.server.seen("DELETE", "/register/1")[0];
    assert!(
        deletion.head.contains("Bearer planted-registration-token"),
        "{deletion:?}"
    );
}

#[tokio::test]
async fn a_registration_that_another_authenticator_uses_is_not_deleted() {
    let world = world().await;
    world.add().await;
    let found = world.discover().await.unwrap();
    world
        .add_draft(World::draft(&found, "second"))
        .await
        .unwrap();
    remove(&world, "mcp").await;
    world.bench.take_turns().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(world.server.seen("DELETE", "/register/1").is_empty());
    remove(&world, "second").await;
    eventually("the deletion", || {
        world.server.seen("DELETE", "/register/1").len() == 1
    })
    .await;
}

#[tokio::test]
async fn an_add_that_fails_leaves_no_registration_or_says_so() {
    let world = world().await;
    let draft = World::draft(&world.discover().await.unwrap(), "mcp");
    // What is registered cannot be used: it wants a key.
    world.server.change(
        "POST /register",
        "token_endpoint_auth_method",
        json!("private_key_jwt"),
    );
    let refused = words(&world.add_draft(draft.clone()).await.unwrap_err());
    assert!(
        refused.contains("private_key_jwt") && !refused.contains("stays there"),
        "{refused}"
    );
    assert_eq!(world.server.seen("DELETE", "/register/1").len(), 1);
    world
        .server
        .set("DELETE /register/1", Reply::Json(403, json!({})));
    let refused = words(&world.add_draft(draft).await.unwrap_err());
    assert!(refused.contains("stays there"), "{refused}");
}

#[tokio::test]
async fn another_client_id_leaves_no_registration_token() {
    let world = world().await;
    let item = ItemName::Registration(world.add().await.id);
    world
        .bench
        .update("mcp", json!({"client_id": "mine"}))
        .await;
    assert!(!world.bench.store.items().contains(&item));
    eventually("the deletion", || deletions(&world.server).len() == 1).await;
    assert!(deletions(&world.server)[0].contains("Bearer planted-registration-token"));
    remove(&world, "mcp").await;
    world.bench.agent.shutdown().await;
    assert_eq!(deletions(&world.server).len(), 1);
}

#[tokio::test]
async fn a_change_that_keeps_the_client_keeps_its_registration() {
    let world = world().await;
    let item = ItemName::Registration(world.add().await.id);
    world.bench.update("mcp", json!({"scopes": ["a"]})).await;
    assert!(world.bench.store.items().contains(&item));
    remove(&world, "mcp").await;
    eventually("the deletion", || deletions(&world.server).len() == 1).await;
}

#[tokio::test]
async fn a_registration_token_goes_to_its_own_server_alone() {
    let world = world().await;
    let item = ItemName::Registration(world.add().await.id);
    let second = authorization_server();
    manageable(&second, "c2", "token-of-the-second");
    let resource = json!({"resource": world.url(), "authorization_servers": [second.base]});
    world.mcp.json(RESOURCE, resource);
    world.bench.store.set(Fault::FailNextWrite);
    world.bench.begin_as("mcp", None).await.unwrap();
    assert_eq!(world.authenticator().client_id, "c2");
    assert!(!world.bench.store.items().contains(&item));
    eventually("the deletion", || deletions(&world.server).len() == 1).await;
    assert!(deletions(&world.server)[0].contains("Bearer planted-registration-token"));
    remove(&world, "mcp").await;
    world.bench.agent.shutdown().await;
    let sent = deletions(&second);
    assert!(
        !sent.iter().any(|head| head.contains("planted")),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_keychain_that_keeps_the_old_token_keeps_the_old_client() {
    let world = world().await;
    world.add().await;
    world.bench.store.set(Fault::FailDeletes);
    let change = crate::support::change(json!({"client_id": "mine"}));
    let key = authenticator_key("mcp");
    let agent = &world.bench.agent;
    agent
        .update_authenticator(&key, change, &me())
        .await
        .unwrap_err();
    assert_eq!(world.authenticator().client_id, "c1");
    world.bench.store.set(Fault::None);
    assert!(deletions(&world.server).is_empty());
}
