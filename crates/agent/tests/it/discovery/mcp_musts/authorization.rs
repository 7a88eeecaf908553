//! The authorization request, and the use of tokens (both revisions).

use super::*;
use crate::support::visit;

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
async fn a_challenge_after_the_handshake_counts_like_one_before() {
    let world = World::start().await;
    world
        .mcp
        .change(RESOURCE, "scopes_supported", json!(["all"]));
    world.mcp.set(
        "POST /mcp tools/list",
        Reply::Raw(
            "401 X\r\nWWW-Authenticate: Bearer scope=\"files:read\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_owned(),
        ),
    );
    let hello = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
    let greeting = format!(
        "200 X\r\nContent-Type: application/json\r\nMcp-Session-Id: s1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{hello}",
        hello.len()
    );
    world.mcp.set("POST /mcp", Reply::Raw(greeting));
    let plan = world.discover().await.unwrap().plan.unwrap();
    assert_eq!(plan.scopes, Scopes::parse_any("files:read"));
    let list = &world.mcp.seen("POST", "/mcp")[1];
    assert!(list.head.to_lowercase().contains("mcp-session-id: s1"));

    // 2026-07-28 has no handshake to answer.
    world.mcp.set("POST /mcp", Reply::Json(400, json!({})));
    let plan = world.discover().await.unwrap().plan.unwrap();
    assert_eq!(plan.scopes, Scopes::parse_any("files:read"));
    let list = world.mcp.seen("POST", "/mcp").pop().unwrap();
    assert!(list.head.contains("mcp-protocol-version: 2026-07-28"));
    let meta = &list.json()["params"]["_meta"];
    assert_eq!(
        meta["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );

    // A server that lets everybody list its tools has no challenge to show.
    world.mcp.remove("POST /mcp tools/list");
    let plan = world.discover().await.unwrap().plan.unwrap();
    assert_eq!(plan.scopes, Scopes::parse_any("all"));
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
async fn must_record_the_validated_issuer_before_the_redirect() {
    let world = World::start().await;
    world.add().await;
    let view = world.bench.begin("mcp").await;
    // Whoever is named from now on is not who was asked.
    let second = authorization_server();
    world
        .mcp
        .change(RESOURCE, "authorization_servers", json!([second.base]));
    world.server.change(METADATA, "issuer", json!(second.base));
    world.server.answers(&[("iss", &second.base)]);
    visit(view.authorize_url.as_deref().unwrap()).await;
    let why = failed(world.bench.finished(view.id).await);
    assert!(why.contains(&second.base), "{why}");
    for server in [&world.server, &second] {
        assert!(server.seen("POST", "/token").is_empty());
    }
}

#[tokio::test]
async fn should_verify_the_state_of_an_answer() {
    let world = World::start().await;
    world.add().await;
    let view = world.bench.begin("mcp").await;
    let url = view.authorize_url.as_deref().unwrap();
    for state in ["", "another"] {
        world.server.answers(&[("state", state)]);
        visit(url).await;
        let now = world.bench.agent.sign_in(view.id).unwrap();
        assert!(matches!(now.state, SignInState::Started), "{now:?}");
    }
    assert!(world.server.seen("POST", "/token").is_empty());
    world.server.answers(&[]);
    visit(url).await;
    completed(world.bench.finished(view.id).await);
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
        .map(valetkey_core::api_host::ApiHost::origin)
        .collect();
    assert_eq!(hosts, std::slice::from_ref(&world.mcp.base));
}
