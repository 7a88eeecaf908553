//! Connections that need no person: client credentials, and a token in exchange for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use valetkey_agent::sign_in::{SignInState, SignInView};
use valetkey_agent::{AgentError, protocol::Revocation};
use valetkey_core::connection_state::Status;
use valetkey_core::event::EventKind;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, GrantType, Latch, Settings};

use crate::support::{Bench, authenticator_key, change, completed, eventually, failed, key, me};

fn tokens() -> Filter {
    Filter::grants(GrantType::ClientCredentials)
}

fn exchanges() -> Filter {
    Filter::grants(GrantType::TokenExchange)
}

/// With an authenticator `robot` that asks for itself.
async fn bench() -> Bench {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    bench.add("robot", robot()).await;
    bench
}

fn robot() -> Value {
    json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "client_credentials", "scopes": ["files.read"], "authorize_url": null,
        "device_authorization_url": null, "redirect_uri": null,
    })
}

/// With `robot`, connected.
async fn connected() -> Bench {
    let bench = bench().await;
    let view = bench.begin("robot").await;
    completed(bench.finished(view.id).await);
    bench
}

fn fault(kind: FaultKind) -> Fault {
    Fault {
        grant: Some(GrantType::ClientCredentials),
        ..Fault::at(Endpoint::Token, kind)
    }
}

/// Begun, and its answer is held after the provider has issued a token.
async fn held(bench: &Bench) -> (SignInView, Latch) {
    let latch = bench
        .provider
        .latch(|latch| fault(latch).after_processing());
    let view = bench.begin("robot").await;
    bench.provider.arrived(tokens(), 1).await;
    (view, latch)
}

async fn revoked(bench: &Bench) {
    bench.provider.arrived(Endpoint::Revoke, 1).await;
    let requests = bench.provider.requests(Endpoint::Revoke);
    assert_eq!(requests[0].param("token_type_hint"), Some("access_token"));
}

#[tokio::test]
async fn a_client_connects_without_a_browser_and_is_its_own_account() {
    let bench = bench().await;
    let view = bench.begin("robot").await;
    assert_eq!((view.authorize_url, view.redirect_uri), (None, None));
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.account.as_deref(), Some("demo-confidential"));
    assert_eq!(done.granted.to_string(), "files.read");
    let request = bench.provider.requests(tokens()).remove(0);
    assert_eq!(request.param("scope"), Some("files.read"));
    // The provider sent a refresh token all the same.
    let held = bench.token("robot").await.expect("a token").live;
    assert!(held.grant.refresh_token.is_none());
    assert!(bench.view("robot").row.refreshable);
    assert_eq!(bench.count(EventKind::SignInAuthorized).await, 0);
    // Again: the same client renews its connection.
    let view = bench.begin("robot").await;
    assert!(completed(bench.finished(view.id).await).renewed);
}

#[tokio::test]
async fn many_callers_at_expiry_make_one_request_and_no_refresh() {
    let bench = connected().await;
    let first = bench.access("robot").await;
    bench.expire();
    let calls: Vec<_> = (0..50).map(|_| bench.ask("robot")).collect();
    for call in calls {
        let served = call.await.expect("no panic").expect("a token");
        assert_ne!(served.live.grant.access_token.expose(), first);
    }
    assert_eq!(bench.provider.count(tokens()), 2);
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_request() {
    let bench = connected().await;
    let first = bench.access("robot").await;
    bench.expire();
    let latch = bench.provider.latch(fault);
    let call = bench.ask("robot");
    bench.provider.arrived(tokens(), 2).await;
    call.abort();
    latch.release();
    assert_ne!(bench.access("robot").await, first);
    assert_eq!(bench.provider.count(tokens()), 2, "it was joined");
}

#[tokio::test]
async fn its_token_is_renewed_by_the_scheduler_and_survives_a_restart() {
    let mut bench = connected().await;
    bench.access("robot").await;
    bench.restart().await;
    bench
        .pass(
            std::time::Duration::from_secs(3600),
            std::time::Duration::from_secs(60),
        )
        .await;
    eventually("asked again", || bench.provider.count(tokens()) >= 2).await;
    assert_eq!(bench.refreshes(), 0);
}

#[tokio::test]
async fn a_refused_client_is_to_be_mended_and_nobody_is_to_sign_in() {
    let bench = connected().await;
    bench.expire();
    for error in ["invalid_client", "invalid_grant", "unauthorized_client"] {
        bench.provider.fault(fault(FaultKind::OauthError {
            error: error.to_owned(),
            description: None,
            status: None,
        }));
        match bench.token("robot").await.expect_err("refused") {
            AgentError::ClientMisconfigured { reason, .. } => assert!(reason.contains(error)),
            other => panic!("{error}: {other:?}"),
        }
        assert_eq!(bench.status("robot"), Status::Expired);
        bench.clock.jump(jiff::SignedDuration::from_mins(1));
    }
    bench.access("robot").await;
}

#[tokio::test]
async fn a_cancelled_sign_in_gives_its_token_back() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let cancelled = bench.agent.cancel_sign_in(view.id, &me()).await;
    assert!(matches!(
        cancelled.expect("known").state,
        SignInState::Cancelled
    ));
    latch.release();
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn an_authenticator_that_is_removed_or_changed_meanwhile_gets_nothing() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let robot = authenticator_key("robot");
    bench
        .agent
        .remove_authenticator(&robot, true, &me())
        .await
        .expect("removed");
    latch.release();
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::Cancelled
    ));
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());

    let bench = self::bench().await;
    let (view, latch) = held(&bench).await;
    bench.update("robot", json!({ "audience": "others" })).await;
    latch.release();
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("was changed during the sign-in"), "{why}");
    revoked(&bench).await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn a_disabled_client_is_connected_to_the_end_and_serves_nothing() {
    let bench = bench().await;
    let (view, latch) = held(&bench).await;
    let disable = valetkey_agent::AuthenticatorChange {
        is_active: Some(false),
        ..change(json!({}))
    };
    let robot = authenticator_key("robot");
    bench
        .agent
        .update_authenticator(&robot, disable, &me())
        .await
        .expect("disabled");
    latch.release();
    completed(bench.finished(view.id).await);
    assert!(matches!(
        bench.token("robot").await,
        Err(AgentError::Disabled(_))
    ));
    assert!(matches!(
        bench.begin_as("robot", None).await,
        Err(AgentError::Disabled(_))
    ));
}

#[tokio::test]
async fn a_stop_during_the_request_leaves_no_token_behind() {
    let mut bench = bench().await;
    let (view, latch) = held(&bench).await;
    let agent = bench.agent.clone();
    let stop = tokio::spawn(async move { agent.shutdown().await });
    eventually("cancelled", || {
        let view = bench.agent.sign_in(view.id);
        view.is_ok_and(|view| view.state.has_ended())
    })
    .await;
    latch.release();
    stop.await.expect("no panic");
    revoked(&bench).await;
    bench.start_again().await;
    assert!(bench.agent.connections(None).is_empty());
}

#[tokio::test]
async fn a_change_of_client_during_a_renewal_discards_what_comes() {
    let bench = connected().await;
    bench.expire();
    let latch = bench
        .provider
        .latch(|latch| fault(latch).after_processing());
    let call = bench.ask("robot");
    bench.provider.arrived(tokens(), 2).await;
    bench
        .update(
            "robot",
            json!({ "client_id": "another", "client_secret": "x" }),
        )
        .await;
    latch.release();
    let error = call.await.expect("no panic").expect_err("nothing to serve");
    assert!(error.to_string().contains("was changed"), "{error}");
    let error = bench.token("robot").await.expect_err("another client's");
    assert!(
        matches!(error, AgentError::AuthRequired { .. }),
        "{error:?}"
    );
    assert_eq!(bench.status("robot"), Status::NeedsReconnect);
    revoked(&bench).await;
}

#[tokio::test]
async fn disconnecting_revokes_the_access_token() {
    let bench = connected().await;
    let token = bench.access("robot").await;
    // Another connection of the same client does not stand in the way: there is no consent to share.
    bench.add("twin", robot()).await;
    let view = bench.begin("twin").await;
    completed(bench.finished(view.id).await);
    let gone = bench.agent.disconnect(&key("robot"), true, &me()).await;
    assert_eq!(gone.expect("disconnected").revocation, Revocation::Revoked);
    let revoked = bench.provider.requests(Endpoint::Revoke);
    let tokens: Vec<_> = revoked
        .iter()
        .map(|it| it.param("token").unwrap())
        .collect();
    assert_eq!(tokens, [token.as_str()]);
    bench.access("twin").await;
}

/// `sts` exchanges the token of `demo`, which ada has signed in.
async fn exchanging() -> Bench {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    bench.connect("demo").await;
    bench.add("sts", sts("demo")).await;
    let view = bench.begin("sts").await;
    assert_eq!(view.authorize_url, None);
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.account.as_deref(), Some("ada"));
    bench
}

fn sts(subject: &str) -> Value {
    json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "token_exchange", "subject": subject, "audience": "files",
        "scopes": ["files.read"], "authorize_url": null,
    })
}

#[tokio::test]
async fn a_token_is_exchanged_at_first_and_at_each_renewal() {
    let bench = exchanging().await;
    let subject = bench.access("demo").await;
    let request = bench.provider.requests(exchanges()).remove(0);
    assert_eq!(request.param("subject_token"), Some(subject.as_str()));
    assert_eq!(request.param("audience"), Some("files"));
    assert_eq!(request.param("scope"), Some("files.read"));
    bench.expire();
    let calls: Vec<_> = (0..20).map(|_| bench.ask("sts")).collect();
    for call in calls {
        call.await.expect("no panic").expect("a token");
    }
    assert_eq!(
        (bench.provider.count(exchanges()), bench.refreshes()),
        (2, 1)
    );
    let request = bench.provider.requests(exchanges()).remove(1);
    let renewed = bench.access("demo").await;
    assert_ne!(renewed, subject);
    assert_eq!(request.param("subject_token"), Some(renewed.as_str()));
    assert_eq!(bench.count(EventKind::TokenExchanged).await, 2);
}

#[tokio::test]
async fn a_subject_that_is_not_to_be_had_is_named() {
    let bench = exchanging().await;
    bench.expire();
    let disable = valetkey_agent::AuthenticatorChange {
        is_active: Some(false),
        ..change(json!({}))
    };
    let demo = authenticator_key("demo");
    bench
        .agent
        .update_authenticator(&demo, disable, &me())
        .await
        .expect("disabled");
    let error = bench
        .token("sts")
        .await
        .expect_err("no subject")
        .to_string();
    assert!(error.contains("`demo`"), "{error}");
    let error = bench.begin_as("sts", None).await;
    let view = error.expect("it begins");
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("`demo`"), "{why}");

    bench
        .agent
        .remove_authenticator(&demo, true, &me())
        .await
        .expect("removed");
    bench.clock.jump(jiff::SignedDuration::from_mins(20));
    let error = bench
        .token("sts")
        .await
        .expect_err("no subject")
        .to_string();
    assert!(error.contains("demo"), "{error}");
    assert_eq!(bench.provider.count(exchanges()), 1);
}

#[tokio::test]
async fn a_loop_of_exchanges_is_refused() {
    let bench = exchanging().await;
    bench.add("second", sts("sts")).await;
    let view = bench.begin("second").await;
    completed(bench.finished(view.id).await);
    bench.update("sts", json!({ "subject": "second" })).await;
    let error = bench
        .begin_as("sts", None)
        .await
        .expect_err("a loop")
        .to_string();
    assert!(error.contains("its own token"), "{error}");
    bench.expire();
    let error = bench.token("second").await.expect_err("a loop").to_string();
    assert!(error.contains("its own token"), "{error}");
}

#[tokio::test]
async fn another_subject_needs_a_new_connect() {
    let bench = exchanging().await;
    bench.provider.update(|settings| {
        settings.consent = valetkey_demo_provider::Consent::allow("grace");
    });
    bench.add("other", json!({})).await;
    bench.connect("other").await;
    bench.update("sts", json!({ "subject": "other" })).await;
    assert_eq!(bench.status("sts"), Status::NeedsReconnect);
    assert_eq!(bench.provider.count(exchanges()), 1);
}

#[tokio::test]
async fn a_token_is_sent_to_hosts_of_its_own_only() {
    let bench = exchanging().await;
    let elsewhere = json!({ "token_url": "https://sts.example.com/token" });
    let mut fields = sts("demo");
    fields["token_url"] = elsewhere["token_url"].clone();
    bench.add("elsewhere", fields).await;
    let error = bench
        .begin_as("elsewhere", None)
        .await
        .expect_err("refused");
    let AgentError::InvalidRequest { message, hint } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        message,
        "`elsewhere` would send the token of `demo` to `sts.example.com`, which is none of its hosts"
    );
    assert!(hint.expect("a hint").contains("--api-host sts.example.com"));
}

const KEY: &str = include_str!("../../src/protocol/signing_key/keys/p256.pem");

fn signing_client(provider: &valetkey_demo_provider::DemoProvider) {
    provider.update(|settings| {
        let public = json!({
            "kty": "EC", "crv": "P-256",
            "x": "RHqllNj48gqhhJ23izmJcO_x_JuFga4VgfWjgInqr2Y",
            "y": "wXw84zvWxOJAbrDCe1G0L-6yUN83W-WIzq-SW7esCc0",
        });
        settings
            .clients
            .push(valetkey_demo_provider::Client::with_key("signer", public));
    });
}

/// The ids of the assertions so far.
fn assertion_ids(bench: &Bench) -> Vec<String> {
    let requests = bench.provider.requests(Filter::all());
    let assertions = requests
        .iter()
        .filter_map(|it| it.param("client_assertion"));
    let ids = assertions.map(|assertion| {
        let claims = assertion.split('.').nth(1).expect("claims");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], bench.provider.issuer());
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("signer"), &json!("signer"))
        );
        claims["jti"].as_str().expect("an id").to_owned()
    });
    ids.collect()
}

#[tokio::test]
async fn each_request_of_a_client_with_a_key_has_an_assertion_of_its_own() {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    signing_client(&bench.provider);
    bench
        .add("key", json!({ "client_id": "signer", "private_key": KEY }))
        .await;
    bench.connect("key").await;
    bench.expire();
    // The clock here is two hours ahead now, and the answer is lost once: it is asked again.
    let lost = Fault::refresh(FaultKind::Close);
    bench.provider.fault(lost);
    bench.access("key").await;
    assert_eq!(bench.refreshes(), 3, "lost, for another clock, good");
    let gone = bench.agent.disconnect(&key("key"), true, &me()).await;
    assert_eq!(gone.expect("disconnected").revocation, Revocation::Revoked);
    // Code, three refreshes, two revocations.
    let mut ids = assertion_ids(&bench);
    assert_eq!(ids.len(), 6);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    let requests = bench.provider.requests(Filter::all());
    assert!(
        requests
            .iter()
            .all(|it| it.param("client_secret").is_none())
    );
}

#[tokio::test]
async fn a_client_signs_with_its_secret_and_does_not_send_it() {
    let bench = bench().await;
    bench
        .update("robot", json!({ "client_auth": "client_secret_jwt" }))
        .await;
    let view = bench.begin("robot").await;
    completed(bench.finished(view.id).await);
    let request = bench.provider.requests(tokens()).remove(0);
    assert!(request.param("client_assertion").is_some());
    assert_eq!(request.param("client_secret"), None);
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn an_assertion_for_another_clock_is_signed_once_more() {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    signing_client(&bench.provider);
    let mut fields = robot();
    fields["client_secret"] = Value::Null;
    fields["client_id"] = json!("signer");
    fields["private_key"] = json!(KEY);
    // Nothing is fetched before the first token request.
    fields["issuer"] = Value::Null;
    fields["assertion_audience"] = json!(bench.provider.issuer());
    bench.add("robot", fields).await;
    bench.clock.jump(jiff::SignedDuration::from_mins(10));
    let view = bench.begin("robot").await;
    completed(bench.finished(view.id).await);
    assert_eq!(bench.provider.count(tokens()), 2);
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_refused_when_it_is_added() {
    let bench = Bench::start().await;
    let broken = KEY.replace("MIG", "MIH");
    let mut fields = bench.provider.client_config("key");
    fields["private_key"] = json!(broken);
    let input = valetkey_core::draft::DraftInput::from_json(&fields.to_string()).expect("JSON");
    let refused = bench
        .agent
        .add_authenticator(input, Default::default(), &me())
        .await;
    let Err(AgentError::BadDraft(problems)) = refused else {
        panic!("not refused");
    };
    assert_eq!(problems[0].field, "private_key");
}

#[tokio::test]
async fn a_stored_key_is_never_sent_as_a_secret() {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    signing_client(&bench.provider);
    bench
        .add("key", json!({ "client_id": "signer", "private_key": KEY }))
        .await;
    let posted = change(json!({ "client_auth": "client_secret_post" }));
    let name = authenticator_key("key");
    let refused = bench.agent.update_authenticator(&name, posted, &me()).await;
    assert!(
        matches!(refused, Err(AgentError::BadDraft(_))),
        "{refused:?}"
    );
}
