//! A client that its server has forgotten is registered anew at the next sign-in, wherever it was refused.

use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{Failed, SignInMethod, SignInOptions, SignInState, SignInView};
use valetkey_core::connection_state::Status;
use valetkey_core::scope::Scopes;

use super::servers::{METADATA, Reply, Server, World, words};
use crate::support::{authenticator_key, completed, failed, me, seconds, visit};

fn registrations(world: &World) -> usize {
    world.server.seen("POST", "/register").len()
}

/// The next client that the server registers.
fn registers(server: &Server, client_id: &str) {
    let registered = Reply::Json(201, json!({"client_id": client_id}));
    server.set("POST /register", registered);
}

/// The server does not know the client at this endpoint.
fn refuses_client(server: &Server, route: &str) {
    server.set(route, Reply::Json(401, json!({"error": "invalid_client"})));
}

fn options(method: SignInMethod) -> SignInOptions {
    SignInOptions {
        authenticator: authenticator_key("mcp"),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method,
        reason: None,
    }
}

async fn begin(world: &World, options: SignInOptions) -> Result<SignInView, AgentError> {
    world.bench.agent.begin_sign_in(options, &me()).await
}

fn hint(state: SignInState) -> String {
    match state {
        SignInState::Failed(Failed { hint, .. }) => hint.expect("a hint"),
        other => panic!("not failed: {other:?}"),
    }
}

/// A world whose server has device sign-ins.
async fn with_codes() -> World {
    let world = World::start().await;
    let device = json!(format!("{}/device", world.server.base));
    world
        .server
        .change(METADATA, "device_authorization_endpoint", device);
    world
}

fn grants_codes(server: &Server) {
    let page = format!("{}/enter", server.base);
    server.json(
        "POST /device",
        json!({"device_code": "planted-device-code", "user_code": "WXYZ", "verification_uri": page, "expires_in": 600}),
    );
}

#[tokio::test]
async fn a_client_that_is_refused_when_its_request_is_pushed_is_registered_anew() {
    let world = World::start().await;
    let par = json!(format!("{}/par", world.server.base));
    let server = &world.server;
    server.change(METADATA, "pushed_authorization_request_endpoint", par);
    server.change(
        METADATA,
        "require_pushed_authorization_requests",
        json!(true),
    );
    refuses_client(server, "POST /par");
    world.add().await;
    let refused = words(&world.bench.begin_as("mcp", None).await.unwrap_err());
    assert!(refused.contains("invalid_client"), "{refused}");
    assert!(refused.contains("registered anew"), "{refused}");
    assert!(!refused.contains("client-secret"), "{refused}");
    registers(server, "c2");
    let pushed = json!({"request_uri": "urn:x:1", "expires_in": 60});
    server.set("POST /par", Reply::Json(201, pushed));
    world.bench.begin_as("mcp", None).await.unwrap();
    assert_eq!(world.authenticator().client_id, "c2");
    assert_eq!(registrations(&world), 2);
}

#[tokio::test]
async fn a_client_that_gets_no_code_is_registered_anew() {
    let world = with_codes().await;
    refuses_client(&world.server, "POST /device");
    world.add().await;
    let refused = begin(&world, options(SignInMethod::Device)).await;
    let refused = words(&refused.unwrap_err());
    assert!(refused.contains("registered anew"), "{refused}");
    registers(&world.server, "c2");
    grants_codes(&world.server);
    begin(&world, options(SignInMethod::Device)).await.unwrap();
    assert_eq!(world.authenticator().client_id, "c2");
}

#[tokio::test]
async fn a_client_that_is_refused_at_a_poll_is_registered_anew() {
    let world = with_codes().await;
    grants_codes(&world.server);
    world.add().await;
    refuses_client(&world.server, "POST /token");
    let view = begin(&world, options(SignInMethod::Device)).await.unwrap();
    world.bench.pass(seconds(10), seconds(5)).await;
    let hint = hint(world.bench.finished(view.id).await);
    assert!(hint.contains("registered anew"), "{hint}");
    registers(&world.server, "c2");
    begin(&world, options(SignInMethod::Device)).await.unwrap();
    assert_eq!(world.authenticator().client_id, "c2");
}

#[tokio::test]
async fn a_client_that_is_refused_at_a_refresh_goes_to_no_other_authenticator() {
    let world = World::start().await;
    world.add().await;
    let found = world.discover().await.unwrap();
    let add = async |name: &str| {
        let added = world.add_draft(World::draft(&found, name)).await;
        added.unwrap().0.authenticator.client_id.clone()
    };
    assert_eq!(add("second").await, world.authenticator().client_id);
    completed(world.connect().await);
    world.bench.expire();
    refuses_client(&world.server, "POST /token");
    world.bench.token("mcp").await.unwrap_err();
    registers(&world.server, "c2");
    assert_eq!(add("third").await, "c2");
    registers(&world.server, "c3");
    for name in ["mcp", "second"] {
        world.bench.begin(name).await;
    }
    let agent = &world.bench.agent;
    for name in ["mcp", "second"] {
        let shared = agent.authenticator(&authenticator_key(name)).unwrap();
        assert_eq!(shared.authenticator.client_id, "c2", "{name}");
    }
    assert_eq!(add("fourth").await, "c2");
}

#[tokio::test]
async fn a_client_that_is_registered_under_its_old_id_is_not_refused_any_more() {
    let world = World::start().await;
    world.add().await;
    let token = json!({"access_token": "new", "token_type": "Bearer"});
    refuses_client(&world.server, "POST /token");
    failed(world.connect().await);
    world.server.json("POST /token", token);
    for _ in 0..2 {
        completed(world.connect().await);
    }
    assert_eq!(registrations(&world), 2);
}

/// An authorization endpoint sends nobody back for a client that it does not know (RFC 6749, section
/// 4.1.2.1): the sign-in times out.
#[tokio::test]
async fn a_client_that_only_the_page_in_the_browser_refuses_is_registered_again_on_request() {
    let world = World::start().await;
    world.add().await;
    completed(world.connect().await);
    let view = world.bench.begin("mcp").await;
    world.bench.pass(seconds(310), seconds(62)).await;
    let state = world.bench.finished(view.id).await;
    assert!(matches!(state, SignInState::TimedOut), "{state:?}");
    let failed = world
        .bench
        .view("mcp")
        .failed_sign_in
        .expect("it timed out");
    let hint = failed.failed.hint.expect("a hint");
    assert!(hint.contains("--register-again"), "{hint}");
    assert_eq!(registrations(&world), 1);
    registers(&world.server, "c2");
    let again = SignInOptions {
        register_again: true,
        ..options(SignInMethod::Browser)
    };
    let view = begin(&world, again.clone()).await.unwrap();
    assert_eq!(world.authenticator().client_id, "c2");
    assert_eq!(
        world.bench.status("mcp"),
        Status::NeedsReconnect,
        "nothing of the old client is used"
    );
    visit(view.authorize_url.as_deref().expect("a page")).await;
    completed(world.bench.finished(view.id).await);
    completed(world.connect().await);
    assert_eq!(registrations(&world), 2);

    world
        .bench
        .update("mcp", json!({"client_id": "mine"}))
        .await;
    let refused = words(&begin(&world, again).await.unwrap_err());
    assert!(refused.contains("--client-id"), "{refused}");
    assert_eq!(registrations(&world), 2);
}
