use std::time::Duration;

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use valetkey_core::provider::{ClientAuth, Dpop};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::RefreshToken;
use valetkey_core::token_error::{RefreshOutcome, SignInFailure};

use super::*;
use crate::protocol::AuthorizeRequest;
use crate::protocol::fake::{Fake, Reply};
use crate::protocol::http::HttpLimits;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn http() -> ProviderClient {
    ProviderClient::with(HttpLimits {
        connect: Duration::from_secs(1),
        total: Duration::from_secs(1),
    })
}

fn client(fake: &Fake, dpop: Dpop) -> Client {
    let mut client = fake.client(ClientAuth::None);
    client.endpoints.dpop = Some(dpop);
    client.proof_key = Some(ProofKey::generate());
    client
}

/// An answer with headers of its own.
fn reply(status: u16, headers: &str, body: &Value) -> Reply {
    let body = body.to_string();
    Reply::raw(&format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn tokens(token_type: &str) -> Value {
    json!({"access_token": "at2", "refresh_token": "rt2", "token_type": token_type, "expires_in": 60})
}

fn wants(nonce: &str) -> Reply {
    let header = format!("DPoP-Nonce: {nonce}\r\n");
    reply(400, &header, &json!({"error": "use_dpop_nonce"}))
}

/// The claims of each proof, whose signature is right.
fn proofs(fake: &Fake) -> Vec<Value> {
    let requests = fake.requests();
    let proofs = requests.iter().map(|sent| {
        let proof = sent.header("dpop").expect("there is a proof");
        let header = decode_header(proof).unwrap();
        assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        assert_eq!(header.alg, Algorithm::ES256);
        let key = DecodingKey::from_jwk(&header.jwk.unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        decode::<Value>(proof, &key, &rules).unwrap().claims
    });
    proofs.collect()
}

async fn refresh(http: &ProviderClient, client: &Client) -> RefreshOutcome {
    let token = RefreshToken::new("rt1");
    http.refresh(client, &token, None, None, NOW).await.unwrap()
}

#[test]
fn a_key_survives_the_keychain_and_another_is_another() {
    let key = ProofKey::generate();
    let again = ProofKey::read(key.secret()).unwrap();
    assert_eq!(again.thumbprint(), key.thumbprint());
    assert_eq!(key.thumbprint().len(), 43);
    assert_ne!(ProofKey::generate().thumbprint(), key.thumbprint());
    assert_eq!(format!("{key:?}"), "ProofKey([redacted])");
    for damaged in ["", "AAAA", "not base64!"] {
        assert!(
            ProofKey::read(&DpopKey::new(damaged)).is_none(),
            "{damaged}"
        );
    }
}

#[test]
fn the_authorize_url_names_the_key() {
    let fake = Fake::start(Vec::new());
    let client = client(&fake, Dpop::Required);
    let request = AuthorizeRequest::new(&client, None, "http://127.0.0.1:1", &Scopes::default());
    let url = Url::parse(&request.url).unwrap();
    let named = url.query_pairs().find(|(name, _)| name == "dpop_jkt");
    let key = client.proof_key.as_ref().unwrap();
    assert_eq!(named.unwrap().1, key.thumbprint());
    assert!(!request.url.contains(key.secret().expose()));
}

#[tokio::test]
async fn each_token_request_has_a_proof_of_its_own_by_one_key() {
    let fake = Fake::start(vec![
        reply(200, "", &tokens("DPoP")),
        reply(200, "", &tokens("dpop")),
    ]);
    let (http, client) = (http(), client(&fake, Dpop::Required));
    for _ in 0..2 {
        let RefreshOutcome::Refreshed(reply) = refresh(&http, &client).await else {
            panic!("it is refreshed");
        };
        let key = client.proof_key.as_ref().unwrap();
        assert_eq!(reply.dpop_key.as_ref(), Some(key.secret()));
    }
    let proofs = proofs(&fake);
    for proof in &proofs {
        assert_eq!(proof["htm"], "POST");
        assert_eq!(proof["htu"], fake.url("/token"));
        assert!(
            proof["ath"].is_null() && proof["nonce"].is_null(),
            "{proof}"
        );
    }
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
}

#[tokio::test]
async fn a_nonce_is_taken_up_once_and_kept_for_the_next_request() {
    let newer = "DPoP-Nonce: n2\r\n";
    let fake = Fake::start(vec![
        wants("n1"),
        reply(200, newer, &tokens("DPoP")),
        reply(200, "", &tokens("DPoP")),
    ]);
    let (http, client) = (http(), client(&fake, Dpop::Required));
    for _ in 0..2 {
        let outcome = refresh(&http, &client).await;
        assert!(
            matches!(outcome, RefreshOutcome::Refreshed(_)),
            "{outcome:?}"
        );
    }
    let nonces: Vec<Value> = proofs(&fake)
        .into_iter()
        .map(|proof| proof["nonce"].clone())
        .collect();
    assert_eq!(nonces, [json!(null), json!("n1"), json!("n2")]);
}

#[tokio::test]
async fn a_server_that_wants_nonce_after_nonce_is_asked_twice() {
    let fake = Fake::start(vec![wants("n1"), wants("n2"), wants("n3")]);
    let outcome = refresh(&http(), &client(&fake, Dpop::Required)).await;
    assert!(
        matches!(outcome, RefreshOutcome::FixClient { .. }),
        "{outcome:?}"
    );
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn only_the_wish_for_a_nonce_is_a_reason_to_ask_again() {
    let header = "DPoP-Nonce: n1\r\n";
    for error in ["invalid_grant", "invalid_dpop_proof", "invalid_client"] {
        let refused = reply(400, header, &json!({ "error": error }));
        let fake = Fake::start(vec![refused, reply(200, "", &tokens("DPoP"))]);
        let outcome = refresh(&http(), &client(&fake, Dpop::Required)).await;
        assert!(
            !matches!(outcome, RefreshOutcome::Refreshed(_)),
            "{error}: {outcome:?}"
        );
        assert_eq!(fake.requests().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_hostile_nonce_is_not_taken_up() {
    let long = "n".repeat(1025);
    for nonce in ["", "a b", "a\\b", "a\"b", "n\u{e9}", &long] {
        let fake = Fake::start(vec![wants(nonce), reply(200, "", &tokens("DPoP"))]);
        let outcome = refresh(&http(), &client(&fake, Dpop::Required)).await;
        assert!(
            matches!(outcome, RefreshOutcome::FixClient { .. }),
            "{outcome:?}"
        );
        assert_eq!(fake.requests().len(), 1, "{nonce}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_bound_is_refused_unless_it_is_allowed() {
    let outcome = |dpop, token_type: &'static str| async move {
        let fake = Fake::start(vec![reply(200, "", &tokens(token_type))]);
        refresh(&http(), &client(&fake, dpop)).await
    };
    let refused = outcome(Dpop::Required, "Bearer").await;
    assert!(
        matches!(&refused, RefreshOutcome::FixClient { reason } if reason.contains("not bound")),
        "{refused:?}"
    );
    let taken = outcome(Dpop::Preferred, "Bearer").await;
    assert!(matches!(taken, RefreshOutcome::Refreshed(_)), "{taken:?}");
    let fake = Fake::start(vec![reply(200, "", &tokens("DPoP"))]);
    let request = AuthorizeRequest::new(
        &fake.client(ClientAuth::None),
        None,
        "http://127.0.0.1:1",
        &Scopes::default(),
    );
    let nobody_asked = http()
        .exchange_code(&fake.client(ClientAuth::None), &request, "c0de", NOW)
        .await;
    assert!(
        matches!(nobody_asked, Err(SignInFailure::FixClient { .. })),
        "{nobody_asked:?}"
    );
}

#[tokio::test]
async fn a_proof_that_was_made_by_a_wrong_clock_is_made_again_once() {
    let date = "Date: Sat, 01 Jan 2022 00:00:00 GMT\r\n";
    let wrong = || reply(400, date, &json!({"error": "invalid_dpop_proof"}));
    let fake = Fake::start(vec![wrong(), reply(200, "", &tokens("DPoP"))]);
    let outcome = refresh(&http(), &client(&fake, Dpop::Required)).await;
    assert!(
        matches!(outcome, RefreshOutcome::Refreshed(_)),
        "{outcome:?}"
    );
    let fake = Fake::start(vec![wrong(), wrong(), wrong()]);
    let outcome = refresh(&http(), &client(&fake, Dpop::Required)).await;
    assert!(
        matches!(outcome, RefreshOutcome::FixClient { .. }),
        "{outcome:?}"
    );
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn a_proof_bears_the_time_of_its_server_if_the_clock_is_wrong() {
    let date = "Date: Sat, 01 Jan 2022 00:00:00 GMT\r\n";
    let fake = Fake::start(vec![
        reply(503, date, &json!({})),
        reply(200, "", &tokens("DPoP")),
    ]);
    let (http, client) = (http(), client(&fake, Dpop::Required));
    for _ in 0..2 {
        refresh(&http, &client).await;
    }
    let proofs = proofs(&fake);
    let there: Timestamp = "2022-01-01T00:00:00Z".parse().unwrap();
    let iat = |proof: &Value| proof["iat"].as_i64().unwrap();
    assert!(iat(&proofs[0]) > there.as_second() + 86_400);
    let late = iat(&proofs[1]) - there.as_second();
    assert!((0..60).contains(&late), "{late}");
}
