//! Pushed requests, resources and bound tokens, as the RFCs define them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use valetkey_demo_provider::{DemoProvider, PushedRequests};

use crate::app::{App, CHALLENGE, REDIRECT, ada, text};

fn new_key() -> EncodingKey {
    let rng = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
    EncodingKey::from_ec_der(made.as_ref())
}

/// A proof with these claims beside the time.
fn proof(key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(Jwk::from_encoding_key(key, Algorithm::ES256).unwrap());
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut all = json!({ "iat": now });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    encode(&header, &all, key).unwrap()
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

async fn refused(request: RequestBuilder) -> String {
    let (status, body) = answer(request).await;
    assert!(status.is_client_error(), "{body}");
    text(&body, "error").to_owned()
}

fn at_token(provider: &DemoProvider, jti: &str) -> Value {
    json!({ "jti": jti, "htm": "POST", "htu": provider.url("/token") })
}

#[tokio::test]
async fn a_proof_works_once_and_binds_the_tokens_to_its_key() {
    let provider = ada();
    let app = App::of(&provider);
    let key = new_key();
    let once = proof(&key, &at_token(&provider, "1"));
    let request = app.exchange(&app.code().await).header("dpop", &once);
    let (status, tokens) = answer(request).await;
    assert_eq!(
        (status, &tokens["token_type"]),
        (StatusCode::OK, &json!("DPoP"))
    );
    let refresh_token = text(&tokens, "refresh_token");
    let replayed = app.refresh(refresh_token).header("dpop", &once);
    assert_eq!(refused(replayed).await, "invalid_dpop_proof");
    let none = app.refresh(refresh_token);
    assert_eq!(refused(none).await, "invalid_dpop_proof");
    let other = proof(&new_key(), &at_token(&provider, "2"));
    let other = app.refresh(refresh_token).header("dpop", other);
    assert_eq!(refused(other).await, "invalid_dpop_proof");

    let token = text(&tokens, "access_token");
    assert!(!app.works(token).await, "a bearer has no key");
    let me = |proof: String| {
        let request = app.http.get(app.url("/api/me"));
        let request = request.header("authorization", format!("DPoP {token}"));
        request.header("dpop", proof)
    };
    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    let about = |jti: &str, method: &str| {
        let htu = provider.url("/api/me");
        json!({ "jti": jti, "htm": method, "htu": htu, "ath": ath })
    };
    assert_eq!(
        answer(me(proof(&key, &about("3", "GET")))).await.0,
        StatusCode::OK
    );
    for wrong in [
        proof(&key, &about("3", "GET")),
        proof(&key, &about("4", "POST")),
        proof(&new_key(), &about("5", "GET")),
        proof(
            &key,
            &json!({"jti": "6", "htm": "GET", "htu": provider.url("/api/me")}),
        ),
        proof(
            &key,
            &json!({"jti": "7", "htm": "GET", "htu": provider.url("/api/me"), "ath": ath, "iat": 1}),
        ),
    ] {
        assert_eq!(answer(me(wrong)).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_nonce_is_named_and_then_required() {
    let provider = ada();
    let app = App::of(&provider);
    provider.update(|settings| settings.dpop_nonce = Some("n1".to_owned()));
    let key = new_key();
    let code = app.code().await;
    let without = proof(&key, &at_token(&provider, "1"));
    let response = app
        .exchange(&code)
        .header("dpop", without)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["dpop-nonce"], "n1");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "use_dpop_nonce");
    let mut claims = at_token(&provider, "2");
    claims["nonce"] = "n1".into();
    let (status, _) = answer(app.exchange(&code).header("dpop", proof(&key, &claims))).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "the code is not spent by a challenge"
    );
}

#[tokio::test]
async fn a_pushed_request_works_once_and_others_can_be_refused() {
    let provider = ada();
    let app = App::of(&provider);
    provider.update(|settings| settings.pushed_requests = PushedRequests::Required);
    assert_eq!(app.authorize(&[]).await.status(), StatusCode::BAD_REQUEST);
    let form = [
        ("client_id", "demo"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("state", "st4te"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let (status, pushed) = answer(app.http.post(app.url("/par")).form(&form)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(pushed["expires_in"], 60);
    let query = [
        ("client_id", "demo"),
        ("request_uri", text(&pushed, "request_uri")),
    ];
    let url = url::Url::parse_with_params(&app.url("/authorize"), query).unwrap();
    let open = || app.http.get(url.clone()).send();
    assert!(open().await.unwrap().status().is_redirection());
    assert_eq!(open().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_resource_is_compared_letter_by_letter_in_every_request() {
    let provider = ada();
    let app = App::of(&provider);
    let resource = "https://mcp.example.com";
    provider.update(|settings| settings.resource = Some(resource.to_owned()));
    let back = app
        .redirected(&[("resource", "https://mcp.example.com/")])
        .await;
    assert_eq!(back.get("error"), Some("invalid_target"));
    let code = app
        .redirected(&[("resource", resource)])
        .await
        .required("code");
    assert_eq!(refused(app.exchange(&code)).await, "invalid_target");
}
