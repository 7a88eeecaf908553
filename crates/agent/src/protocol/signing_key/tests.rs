use base64::Engine as _;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

use super::*;

const RSA_PEM: &str = include_str!("keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa-pkcs1.pem");
/// The same key, for PS256.
const RSA_JWK: &str = include_str!("keys/rsa.jwk");
const P256_PEM: &str = include_str!("keys/p256.pem");
const ED25519_PEM: &str = include_str!("keys/ed25519.pem");
/// RFC 7515, appendix A.3.1
const P256_JWK: &str = r#"{"kty":"EC","crv":"P-256","kid":"p",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
/// RFC 8037, appendix A.1
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo"}"#;

/// What it signs, as its header says.
fn header(text: &str) -> (Value, String) {
    let key = SigningKey::parse(text).unwrap();
    let jwt = key.sign(&json!({ "iss": "me" })).unwrap();
    let first = jwt.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(first).unwrap();
    (serde_json::from_slice(&header).unwrap(), jwt.to_string())
}

#[test]
fn the_key_says_how_it_signs() {
    for (text, expected) in [
        (RSA_PEM, json!({ "typ": "JWT", "alg": "RS256" })),
        (RSA_PKCS1, json!({ "typ": "JWT", "alg": "RS256" })),
        (
            RSA_JWK,
            json!({ "typ": "JWT", "alg": "PS256", "kid": "rsa-1" }),
        ),
        (P256_PEM, json!({ "typ": "JWT", "alg": "ES256" })),
        (
            P256_JWK,
            json!({ "typ": "JWT", "alg": "ES256", "kid": "p" }),
        ),
        (ED25519_PEM, json!({ "typ": "JWT", "alg": "EdDSA" })),
        (ED25519_JWK, json!({ "typ": "JWT", "alg": "EdDSA" })),
    ] {
        assert_eq!(header(text).0, expected);
    }
}

#[test]
fn the_public_half_verifies_what_was_signed() {
    for (text, algorithm) in [(RSA_JWK, Algorithm::PS256), (P256_JWK, Algorithm::ES256)] {
        let jwt = header(text).1;
        let mut public: Value = serde_json::from_str(text).unwrap();
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            public.as_object_mut().unwrap().remove(private);
        }
        let public = serde_json::from_value(public).unwrap();
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(&public).unwrap();
        let read = jsonwebtoken::decode::<Value>(&jwt, &key, &validation).unwrap();
        assert_eq!(read.claims["iss"], "me");
    }
    // The PEM and the JWK are the same key, and PKCS#1 padding has no randomness.
    assert_eq!(header(RSA_PEM).1, header(RSA_PKCS1).1);
    let rs256 = RSA_JWK.replace("PS256", "RS256");
    let signature = |jwt: String| jwt.rsplit('.').next().unwrap().to_owned();
    let with_id = header(&rs256).1;
    assert_ne!(signature(with_id), "");
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_words() {
    let refused = |text: &str| SigningKey::parse(text).unwrap_err().to_string();
    let sec1 = include_str!("keys/p256-sec1.pem");
    let p384 = include_str!("keys/p384.pem");
    assert_eq!(refused(sec1), "this private key is not in PKCS#8 form");
    assert_eq!(refused(p384), "keys of this kind are not supported");
    let mut half: Value = serde_json::from_str(P256_JWK).unwrap();
    half.as_object_mut().unwrap().remove("d");
    assert_eq!(
        refused(&half.to_string()),
        "this JWK is the public half of a key"
    );
    assert_eq!(refused(r#"{"keys":[]}"#), "this is a set of keys");
    assert_eq!(
        refused(r#"{"kty":"oct","k":"AA"}"#),
        "keys of this kind are not supported"
    );
    let es512 = RSA_JWK.replace("PS256", "RS1");
    assert_eq!(refused(&es512), "the `alg` of this JWK is not supported");
    // Half of a key, and a key whose numbers do not belong together.
    let lines: Vec<&str> = RSA_PEM.lines().collect();
    let cut = format!("{}\n{}\n{}", lines[0], lines[1], lines[lines.len() - 1]);
    assert_eq!(refused(&cut), "this private key is damaged");
    let mut wrong: Value = serde_json::from_str(RSA_JWK).unwrap();
    wrong["p"] = wrong["q"].clone();
    assert_eq!(refused(&wrong.to_string()), "this key cannot sign");
    assert_eq!(
        refused("-----BEGIN PRIVATE KEY-----"),
        "this PEM is damaged"
    );
}

#[test]
fn no_text_makes_reading_a_key_panic() {
    for length in 0..RSA_PEM.len() {
        let _ = SigningKey::parse(&RSA_PEM[..length]);
    }
    for length in 0..64 {
        let der = STANDARD.encode(vec![0x30; length]);
        let _ = SigningKey::parse(&format!(
            "-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----"
        ));
    }
}
