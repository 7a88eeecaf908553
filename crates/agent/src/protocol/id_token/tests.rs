use jsonwebtoken::{EncodingKey, encode};
use proptest::prelude::*;
use serde_json::json;
use valetkey_core::discovery::Network;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::ClientAuth;

use super::*;
use crate::protocol::fake::{Fake, Reply, client_at};

const ISSUER: &str = "https://h";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// An Ed25519 key made from one byte, in PKCS#8 (RFC 8410).
fn key(seed: u8) -> EncodingKey {
    let mut der = vec![
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    der.extend([seed; 32]);
    EncodingKey::from_ed_der(&der)
}

fn jwk(seed: u8, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&key(seed), Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": "client id", "exp": 1_800_000_600, "iat": 1_800_000_000,
        "nonce": "n0nce",
    })
}

fn sign(claims: &Value, seed: u8, kid: &str) -> IdToken {
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    IdToken::new(encode(&header, claims, &key(seed)).unwrap())
}

fn client(token_url: &str, issuer: Option<&str>) -> Client {
    let mut client = client_at(token_url, ClientAuth::None);
    client.endpoints.issuer = issuer.map(str::to_owned);
    client
}

fn metadata(fake: &Fake) -> Metadata {
    Metadata {
        issuer: ISSUER.to_owned(),
        network: Network::Any,
        jwks_uri: Some(EndpointUrl::parse(&fake.url("/keys")).unwrap()),
        device_authorization_endpoint: None,
        pushed_authorization_request_endpoint: None,
        requires_pushed_requests: false,
        offers_s256: true,
        sends_iss: false,
    }
}

/// Checks against published keys, over plain http: only the signature can make it good.
async fn check(
    token: &IdToken,
    key_sets: Vec<Value>,
) -> (Result<Option<Verified>, SignInFailure>, usize) {
    let replies = key_sets
        .iter()
        .map(|keys| Reply::json(200, &json!({ "keys": keys })))
        .collect();
    let fake = Fake::start(replies);
    let provider = ProviderClient::default();
    let client = client(&fake.url(""), Some(ISSUER));
    let checked = verify(
        &provider,
        &client,
        Some(&metadata(&fake)),
        token,
        Some("n0nce"),
        now(),
    )
    .await;
    (checked, fake.requests().len())
}

fn reason(refused: Result<Option<Verified>, SignInFailure>) -> String {
    match refused {
        Err(SignInFailure::Untrusted { reason }) => reason,
        other => panic!("it is refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_that_keeps_every_rule_names_its_subject() {
    let token = sign(&claims(), 1, "a");
    let unknown = json!({"kty": "quantum", "kid": "q"});
    let (checked, _) = check(&token, vec![json!([unknown, jwk(1, "a")])]).await;
    let identity = checked.unwrap().unwrap();
    assert_eq!(identity.subject.sub, "ada");
    assert_eq!(identity.subject.issuer, ISSUER);
}

#[tokio::test]
async fn each_broken_rule_is_refused() {
    let broken = [
        ("iss", json!("https://h/"), "by another issuer"),
        ("iss", json!(null), "names no issuer"),
        ("aud", json!("somebody"), "for another client"),
        ("aud", json!([]), "for another client"),
        ("aud", json!(["client id", "b"]), "for several clients"),
        ("azp", json!("b"), "(azp)"),
        ("exp", json!(1_799_999_940), "has expired"),
        ("exp", json!(null), "has no expiry"),
        ("exp", json!("1800000600"), "has no expiry"),
        ("iat", json!(1_800_000_061), "in the future"),
        ("iat", json!(null), "when it was issued"),
        ("nbf", json!(1_800_000_061), "in the future"),
        ("nonce", json!("other"), "nonce"),
        ("nonce", json!(null), "nonce"),
        ("sub", json!(""), "names no account"),
        ("sub", json!("x".repeat(256)), "names no account"),
    ];
    for (claim, value, expected) in broken {
        let mut claims = claims();
        claims[claim] = value;
        let (refused, _) = check(&sign(&claims, 1, "a"), vec![json!([jwk(1, "a")])]).await;
        let reason = reason(refused);
        assert!(reason.contains(expected), "{claim}: {reason}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_several_audiences_need_azp() {
    for (claim, value) in [
        ("exp", json!(1_799_999_941)),
        ("iat", json!(1_800_000_060)),
        ("azp", json!("client id")),
    ] {
        let mut claims = claims();
        claims["aud"] = if claim == "azp" {
            json!(["b", "client id"])
        } else {
            json!(["client id"])
        };
        claims[claim] = value;
        let (checked, _) = check(&sign(&claims, 1, "a"), vec![json!([jwk(1, "a")])]).await;
        assert!(checked.is_ok(), "{claim}: {checked:?}");
    }
}

#[tokio::test]
async fn a_rolled_over_key_is_fetched_once_and_a_wrong_signature_costs_no_more() {
    let token = sign(&claims(), 2, "b");
    let (old, new) = (json!([jwk(1, "a")]), json!([jwk(1, "a"), jwk(2, "b")]));
    let (checked, requests) = check(&token, vec![old.clone(), new]).await;
    assert!(checked.is_ok(), "{checked:?}");
    assert_eq!(requests, 2);

    let (refused, requests) = check(&token, vec![old.clone(), old.clone(), old]).await;
    assert!(reason(refused).contains("signature"));
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn a_signature_of_another_key_under_a_known_id_is_refused() {
    let forged = sign(&claims(), 9, "a");
    let keys = json!([jwk(1, "a")]);
    let (refused, _) = check(&forged, vec![keys.clone(), keys]).await;
    assert!(reason(refused).contains("signature"));
}

#[tokio::test]
async fn unsigned_and_hmac_tokens_are_refused_before_anything_is_fetched() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims()));
    let hmac = encode(
        &Header::default(),
        &claims(),
        &EncodingKey::from_secret(b"client secret"),
    )
    .unwrap();
    for token in [
        none,
        hmac,
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        String::new(),
    ] {
        let (refused, requests) = check(&IdToken::new(token), vec![]).await;
        assert!(reason(refused).contains("algorithm"));
        assert_eq!(requests, 0);
    }
}

#[tokio::test]
async fn without_keys_tls_vouches_for_the_token_and_plain_http_does_not() {
    let provider = ProviderClient::default();
    let token = sign(&claims(), 1, "a");
    let verify = async |base: &str, issuer| {
        let client = client(base, issuer);
        verify(&provider, &client, None, &token, Some("n0nce"), now()).await
    };
    assert!(verify("https://h", Some(ISSUER)).await.unwrap().is_some());
    assert!(verify("https://h", Some("https://other")).await.is_err());
    assert!(verify("http://127.0.0.1:9", Some(ISSUER)).await.is_err());
    assert_eq!(
        verify("http://127.0.0.1:9", None).await,
        Ok(None),
        "nothing is known, nothing is believed"
    );
}

#[tokio::test]
async fn the_tenant_of_a_microsoft_token_completes_its_issuer() {
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let of = |tenant: &str| template.replace("{tenantid}", tenant);
    let provider = ProviderClient::default();
    let accepted = async |iss: String, tid: &str, published: String| {
        let mut claims = claims();
        claims["iss"] = iss.into();
        claims["tid"] = tid.into();
        let metadata = Metadata {
            issuer: published,
            network: Network::Any,
            jwks_uri: None,
            device_authorization_endpoint: None,
            pushed_authorization_request_endpoint: None,
            requires_pushed_requests: false,
            offers_s256: true,
            sends_iss: false,
        };
        let client = client("https://h", Some(template));
        let token = sign(&claims, 1, "a");
        verify(
            &provider,
            &client,
            Some(&metadata),
            &token,
            Some("n0nce"),
            now(),
        )
        .await
        .is_ok()
    };
    assert!(accepted(of("t-1"), "t-1", template.to_owned()).await);
    assert!(accepted(of("t-1"), "t-1", of("t-1")).await);
    assert!(!accepted(of("t-1"), "t-2", template.to_owned()).await);
    assert!(
        !accepted(of("t-2"), "t-2", of("t-1")).await,
        "the tenant was chosen"
    );
    assert!(!accepted(template.to_owned(), "", template.to_owned()).await);
}

#[test]
fn a_refreshed_token_of_somebody_else_is_noticed() {
    let known = sign(&claims(), 1, "a");
    let is_for_other_account = |new: &IdToken| is_for_other_account(Some(&known), Some(new));
    assert!(!is_for_other_account(&sign(&claims(), 2, "b")));
    assert!(!is_for_other_account(&IdToken::new("unreadable")));
    for (claim, value) in [("sub", "bob"), ("iss", "https://other")] {
        let mut claims = claims();
        claims[claim] = value.into();
        assert!(is_for_other_account(&sign(&claims, 1, "a")), "{claim}");
    }
}

proptest! {
    #[test]
    fn no_token_breaks_the_reader(token in ".{0,80}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
        let _ = read(&IdToken::new(token));
    }

    #[test]
    fn no_claims_but_good_ones_name_a_subject(
        claim in "iss|sub|aud|exp|iat|nonce",
        value in prop_oneof![
            Just(Value::Null), any::<bool>().prop_map(Value::from), any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from), prop::collection::vec(".{0,5}", 0..3).prop_map(Value::from),
        ],
    ) {
        let rules = Rules {
            issuer: Some(ISSUER), published: None, client_id: "client id", nonce: Some("n0nce"), now: now(),
        };
        let mut claims = claims().as_object().unwrap().clone();
        claims.insert(claim.clone(), value.clone());
        if let Ok(subject) = rules.check(&claims) {
            let told = [json!(subject.sub), json!(subject.issuer)];
            prop_assert!(told.contains(&value) || matches!(claim.as_str(), "exp" | "iat"));
        }
    }
}
