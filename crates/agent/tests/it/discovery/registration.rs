//! Dynamic registration: one client for each issuer, kept, renewed when it has ended or is refused.

use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_core::connection_state::Status;
use valetkey_core::provider::ClientAuth;

use super::servers::{METADATA, Reply, Seen, World, words};
use crate::support::{authenticator_key, completed, failed, me};

fn registrations(world: &World) -> usize {
    world.server.seen("POST", "/register").len()
}

#[tokio::test]
async fn a_client_is_registered_once_and_not_at_each_sign_in() {
    let world = World::start().await;
    world.add().await;
    for _ in 0..2 {
        completed(world.connect().await);
    }
    assert_eq!(registrations(&world), 1);
    let found = world.discover().await.unwrap();
    let second = world
        .add_draft(World::draft(&found, "second"))
        .await
        .unwrap()
        .0;
    assert_eq!(
        second.authenticator.client_id,
        world.authenticator().client_id
    );
    assert_eq!(
        registrations(&world),
        1,
        "another authenticator of the issuer shares it"
    );
}

#[tokio::test]
async fn what_the_server_registered_is_used_with_its_secret_from_the_keychain() {
    let world = World::start().await;
    world.server.set("POST /register", Reply::Json(201, json!({
        "client_id": "c1", "client_secret": "s1", "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code"],
    })));
    let found = world.discover().await.unwrap();
    let (view, warnings) = world.add_draft(World::draft(&found, "mcp")).await.unwrap();
    assert!(view.authenticator.has_secret);
    assert_eq!(
        view.authenticator.overrides.client_auth,
        Some(ClientAuth::ClientSecretPost)
    );
    assert!(
        warnings
            .iter()
            .any(|it| it.message.contains("no refresh tokens")),
        "{warnings:?}"
    );
    completed(world.connect().await);
    let exchange = &world.server.seen("POST", "/token")[0];
    assert_eq!(exchange.field("client_secret").as_deref(), Some("s1"));
}

#[tokio::test]
async fn the_secret_of_a_given_client_is_sent_as_the_server_takes_it() {
    const BASIC: &str = "client_secret_basic";
    const POST: &str = "client_secret_post";
    for (offered, given, sent) in [
        (json!(null), None, ClientAuth::ClientSecretBasic),
        (json!([BASIC]), None, ClientAuth::ClientSecretBasic),
        (json!(["none", POST]), None, ClientAuth::ClientSecretPost),
        (json!([POST, BASIC]), None, ClientAuth::ClientSecretBasic),
        (json!([BASIC]), Some(POST), ClientAuth::ClientSecretPost),
    ] {
        let world = World::start().await;
        let field = "token_endpoint_auth_methods_supported";
        world.server.change(METADATA, field, offered.clone());
        let mut draft = World::draft(&world.discover().await.unwrap(), "mcp");
        draft.insert("client_id".to_owned(), "mine".into());
        draft.insert("client_secret".to_owned(), "s1".into());
        if let Some(method) = given {
            draft.insert("client_auth".to_owned(), method.into());
        }
        let added = world.add_draft(draft).await.unwrap().0.authenticator;
        assert_eq!(added.overrides.client_auth, Some(sent), "{offered}");
        completed(world.connect().await);
        let exchange = &world.server.seen("POST", "/token")[0];
        let is_basic = exchange
            .head
            .to_lowercase()
            .contains("authorization: basic ");
        assert_eq!(is_basic, sent == ClientAuth::ClientSecretBasic, "{offered}");
        assert_eq!(exchange.field("client_secret").is_some(), !is_basic);
        assert_eq!(registrations(&world), 0);
    }
}

#[tokio::test]
async fn a_client_is_registered_for_codes_where_the_server_has_them() {
    const CODES: &str = "urn:ietf:params:oauth:grant-type:device_code";
    let world = World::start().await;
    let grants = async |name: &str| {
        let draft = World::draft(&world.discover().await.unwrap(), name);
        let added = world.add_draft(draft).await.unwrap().0;
        let key = authenticator_key(name);
        let agent = &world.bench.agent;
        agent.remove_authenticator(&key, true, &me()).await.unwrap();
        let asked = world.server.seen("POST", "/register");
        let of = |seen: &Seen| {
            let grants = seen.json()["grant_types"].clone();
            serde_json::from_value::<Vec<String>>(grants).unwrap()
        };
        let client_id = added.authenticator.client_id.clone();
        (client_id, asked.iter().map(of).collect::<Vec<_>>())
    };
    let usual = ["authorization_code", "refresh_token"];
    assert_eq!(grants("mcp").await.1, [usual]);
    let device = json!(format!("{}/device", world.server.base));
    world
        .server
        .change(METADATA, "device_authorization_endpoint", device);
    let with_codes = grants("mcp").await.1.pop().unwrap();
    assert_eq!(with_codes, [usual[0], usual[1], CODES]);

    // RFC 7591, section 3.2.2.
    let refusal = Reply::Json(400, json!({"error": "invalid_client_metadata"}));
    let registered = Reply::Json(201, json!({"client_id": "c2"}));
    let replies = Reply::Then(Box::new(refusal.clone()), Box::new(registered));
    world.server.set("POST /register", replies);
    let (client_id, asked) = grants("mcp").await;
    assert_eq!(client_id, "c2");
    assert_eq!(asked[2..], [with_codes, usual.map(str::to_owned).to_vec()]);

    world.server.set("POST /register", refusal);
    let draft = World::draft(&world.discover().await.unwrap(), "mcp");
    let refused = words(&world.add_draft(draft).await.unwrap_err());
    assert!(refused.contains("invalid_client_metadata"), "{refused}");
    assert_eq!(registrations(&world), asked.len() + 2, "twice, and no more");
}

#[tokio::test]
async fn a_refused_registration_asks_for_a_client_id() {
    let world = World::start().await;
    let draft = World::draft(&world.discover().await.unwrap(), "mcp");
    for status in [400, 401, 403, 404] {
        world.server.set(
            "POST /register",
            Reply::Json(status, json!({"error": "access_denied"})),
        );
        let refused = world.add_draft(draft.clone()).await.unwrap_err();
        assert!(matches!(refused, AgentError::BadDraft(_)), "{refused:?}");
        assert!(words(&refused).contains("--client-id"), "{refused}");
    }
    world
        .server
        .change(METADATA, "registration_endpoint", json!(null));
    let found = world.discover().await.unwrap();
    assert_eq!(found.plan.unwrap().needs[0].field, "client_id");
}

#[tokio::test]
async fn a_registration_whose_secret_has_ended_is_made_anew_once() {
    let world = World::start().await;
    let end = jiff::Timestamp::now().as_second() + 60;
    world.server.set(
        "POST /register",
        Reply::Json(
            201,
            json!({
                "client_id": "c1", "client_secret": "s1", "client_secret_expires_at": end,
                "token_endpoint_auth_method": "client_secret_post",
            }),
        ),
    );
    world.add().await;
    completed(world.connect().await);
    world.bench.expire();
    world.server.set(
        "POST /register",
        Reply::Json(201, json!({"client_id": "c2"})),
    );
    completed(world.connect().await);
    completed(world.connect().await);
    let renewed = world.authenticator();
    assert_eq!(
        (renewed.client_id.as_str(), renewed.has_secret),
        ("c2", false)
    );
    assert_eq!(registrations(&world), 2);
}

#[tokio::test]
async fn a_client_that_the_server_has_forgotten_is_registered_anew_at_the_next_sign_in() {
    let world = World::start().await;
    world.add().await;
    completed(world.connect().await);
    world.server.set(
        "POST /token",
        Reply::Json(401, json!({"error": "invalid_client"})),
    );
    failed(world.connect().await);
    world.server.set(
        "POST /register",
        Reply::Json(201, json!({"client_id": "c2"})),
    );
    world.server.json(
        "POST /token",
        json!({"access_token": "new", "token_type": "Bearer"}),
    );
    let view = world.bench.begin("mcp").await;
    assert_eq!(
        world.bench.status("mcp"),
        Status::NeedsReconnect,
        "nothing of the old client is used"
    );
    crate::support::visit(view.authorize_url.as_deref().expect("a page")).await;
    completed(world.bench.finished(view.id).await);
    assert_eq!(world.authenticator().client_id, "c2");
}

#[tokio::test]
async fn a_client_that_is_refused_at_a_refresh_is_registered_anew_at_the_next_sign_in() {
    let world = World::start().await;
    world.add().await;
    completed(world.connect().await);
    world.bench.expire();
    world.server.set(
        "POST /token",
        Reply::Json(401, json!({"error": "invalid_client"})),
    );
    assert!(world.bench.token("mcp").await.is_err());
    assert_eq!(registrations(&world), 1, "a refresh registers nothing");
    world.server.json(
        "POST /token",
        json!({"access_token": "new", "token_type": "Bearer"}),
    );
    world.server.set(
        "POST /register",
        Reply::Json(201, json!({"client_id": "c2"})),
    );
    completed(world.connect().await);
    assert_eq!(world.authenticator().client_id, "c2");
    assert_eq!(world.bench.access("mcp").await, "new");
}

#[tokio::test]
async fn a_scope_that_is_refused_costs_no_registration() {
    let world = World::start().await;
    world.add().await;
    world.server.set(
        "POST /token",
        Reply::Json(400, json!({"error": "invalid_scope"})),
    );
    failed(world.connect().await);
    failed(world.connect().await);
    assert_eq!(registrations(&world), 1);
}
