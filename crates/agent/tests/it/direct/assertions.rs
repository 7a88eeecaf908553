//! Clients that authenticate by a signed assertion (RFC 7523).

use valetkey_core::name::ProfileName;

use super::*;

const KEY: &str = include_str!("../../../src/protocol/signing_key/keys/p256.pem");

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
        .add_authenticator(input, ProfileName::default(), &me())
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
