//! Two at once, somebody who hangs up, a server that changes its mind.

use std::time::Duration;

use serde_json::json;
use valetkey_agent::{AgentError, DiscoveryRequest, TokenRequirements};
use valetkey_core::connection_state::Status;
use valetkey_core::scope::Scopes;

use super::servers::{METADATA, Reply, Server, World, authorization_server, words};
use crate::support::{authenticator_key, completed, eventually, key, me};
use crate::tokens_by_name::TokensByName as _;

#[tokio::test]
async fn two_adds_of_one_url_share_a_registration_and_one_of_them_gets_the_name() {
    let world = World::start().await;
    let found = world.discover().await.unwrap();
    let (one, two) = tokio::join!(
        world.add_draft(World::draft(&found, "mcp")),
        world.add_draft(World::draft(&found, "mcp")),
    );
    let refused = [one, two]
        .into_iter()
        .filter_map(Result::err)
        .collect::<Vec<_>>();
    assert!(
        matches!(refused.as_slice(), [AgentError::Conflict { .. }]),
        "{refused:?}"
    );
    let (one, two) = tokio::join!(
        world.add_draft(World::draft(&found, "a")),
        world.add_draft(World::draft(&found, "b")),
    );
    assert_eq!(
        one.unwrap().0.authenticator.client_id,
        two.unwrap().0.authenticator.client_id
    );
    assert_eq!(world.server.seen("POST", "/register").len(), 1);
}

#[tokio::test]
async fn two_sign_ins_at_once_register_a_moved_client_once() {
    let world = World::start().await;
    world.add().await;
    let second = authorization_server();
    world.mcp.change(
        super::servers::RESOURCE,
        "authorization_servers",
        json!([second.base]),
    );
    let (one, two) = tokio::join!(
        world.bench.begin_as("mcp", None),
        world.bench.begin_as("mcp", None)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    for view in [one, two] {
        let page = view.authorize_url.expect("a page");
        assert!(page.starts_with(&second.base), "{page}");
    }
    assert_eq!(second.seen("POST", "/register").len(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_during_a_discovery_leaves_nothing() {
    let world = World::start().await;
    world.server.set(METADATA, Reply::Silent);
    let asked = tokio::time::timeout(Duration::from_millis(200), world.discover()).await;
    assert!(asked.is_err(), "still waiting");
    assert!(
        world
            .bench
            .agent
            .authenticator(&authenticator_key("mcp"))
            .is_err()
    );
    assert!(world.server.seen("POST", "/register").is_empty());
}

#[tokio::test]
async fn whoever_hangs_up_during_an_add_finds_it_added() {
    let world = World::start().await;
    let draft = World::draft(&world.discover().await.unwrap(), "mcp");
    let added = tokio::time::timeout(Duration::from_millis(1), world.add_draft(draft)).await;
    assert!(added.is_err(), "hung up");
    eventually("it is added", || {
        world
            .bench
            .agent
            .authenticator(&authenticator_key("mcp"))
            .is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_server_that_changes_between_discovery_and_add_is_refused() {
    let world = World::start().await;
    let draft = World::draft(&world.discover().await.unwrap(), "mcp");
    let elsewhere = Server::start();
    world.server.change(
        METADATA,
        "token_endpoint",
        json!(format!("{}/token", elsewhere.base)),
    );
    let refused = world.add_draft(draft).await.unwrap_err();
    assert!(
        matches!(refused, AgentError::Conflict { .. }),
        "{refused:?}"
    );
    assert!(words(&refused).contains("`token_url`"), "{refused}");
    assert!(world.server.seen("POST", "/register").is_empty());
}

#[tokio::test]
async fn a_name_that_is_taken_costs_no_registration() {
    let world = World::start().await;
    let draft = World::draft(&world.discover().await.unwrap(), "demo");
    let refused = world.add_draft(draft).await.unwrap_err();
    assert!(
        matches!(refused, AgentError::Conflict { .. }),
        "{refused:?}"
    );
    assert!(world.server.seen("POST", "/register").is_empty());
}

#[tokio::test]
async fn an_authenticator_that_is_removed_while_its_client_is_registered_anew_is_gone() {
    let world = World::start().await;
    world.add().await;
    let second = authorization_server();
    second.set("POST /register", Reply::Silent);
    world.mcp.change(
        super::servers::RESOURCE,
        "authorization_servers",
        json!([second.base]),
    );
    let agent = world.bench.agent.clone();
    let begun = async { world.bench.begin_as("mcp", None).await };
    let removed = async {
        eventually("a registration", || {
            !second.seen("POST", "/register").is_empty()
        })
        .await;
        agent
            .remove_authenticator(&authenticator_key("mcp"), false, &me())
            .await
    };
    let (begun, removed) = tokio::join!(begun, removed);
    removed.unwrap();
    assert!(begun.is_err(), "{begun:?}");
    assert!(agent.authenticator(&authenticator_key("mcp")).is_err());
}

#[tokio::test]
async fn an_issuer_is_added_by_its_url() {
    let world = World::start().await;
    let ask = DiscoveryRequest {
        url: world.server.base.clone(),
        ..DiscoveryRequest::default()
    };
    let found = world.ask(ask).await.unwrap();
    assert!(!found.is_mcp_server);
    world.add_draft(World::draft(&found, "mcp")).await.unwrap();
    completed(world.connect().await);
    assert_eq!(world.authorized().field("resource"), None);
}

/// What the old server issues late goes neither to programs nor to the new one.
#[tokio::test]
async fn a_narrow_token_that_arrives_after_the_client_moved_is_not_kept() {
    let world = World::start().await;
    world.add().await;
    world
        .server
        .change("POST /token", "scope", json!("read write"));
    completed(world.connect().await);
    let bench = &world.bench;
    bench.update("mcp", json!({ "narrow_tokens": true })).await;
    world.server.set("POST /token", Reply::Silent);
    let scopes = || Some(Scopes::parse_any("read"));
    let wanted = TokenRequirements {
        scopes: scopes(),
        only: scopes(),
        ..TokenRequirements::default()
    };
    let agent = bench.agent.clone();
    let asked = tokio::spawn(async move { agent.token_of(&key("mcp"), &wanted, &me()).await });
    eventually("it asks", || world.server.seen("POST", "/token").len() == 2).await;

    let second = authorization_server();
    world.mcp.change(
        super::servers::RESOURCE,
        "authorization_servers",
        json!([second.base]),
    );
    bench.begin_as("mcp", None).await.unwrap();
    world.server.answer_late(&json!({
        "access_token": "at2", "refresh_token": "rt2", "token_type": "Bearer", "expires_in": 3600, "scope": "read",
    }));
    asked.await.unwrap().expect_err("it is not served");
    assert_eq!(bench.status("mcp"), Status::NeedsReconnect);
    assert!(second.seen("POST", "/token").is_empty());
}
