//! `id_token`s: a key made at start, its JWKS, and tokens that are valid or have a given flaw.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::fault::IdTokenFlaw;
use crate::request_log::now_ms;

const KEY_ID: &str = "demo-1";
const LIFETIME_SECONDS: u64 = 3600;

/// Signs with ES256, whose keys are generated quickly.
pub(crate) struct Signer {
    key: EncodingKey,
    /// Not in the JWKS: makes invalid signatures.
    other_key: EncodingKey,
    jwks: Value,
}

/// The claims of an `id_token`.
pub(crate) struct Claims<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) name: &'a str,
    pub(crate) email: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) nonce: Option<&'a str>,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let key = new_key();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)
            .expect("a P-256 key that was just made has its public half");
        jwk.common.key_id = Some(KEY_ID.to_owned());
        Self {
            key,
            other_key: new_key(),
            jwks: json!({ "keys": [jwk] }),
        }
    }

    pub(crate) fn jwks(&self) -> &Value {
        &self.jwks
    }

    pub(crate) fn sign(&self, claims: &Claims<'_>, flaw: Option<IdTokenFlaw>) -> String {
        let now = now_ms() / 1000;
        let mut body = json!({
            "iss": claims.issuer,
            "sub": claims.subject,
            "aud": claims.audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "name": claims.name,
            "preferred_username": claims.subject,
            "email": claims.email,
            "email_verified": true,
        });
        if let Some(nonce) = claims.nonce {
            body["nonce"] = nonce.into();
        }
        let mut key = &self.key;
        match flaw {
            None => {}
            Some(IdTokenFlaw::WrongNonce) => body["nonce"] = "another-nonce".into(),
            Some(IdTokenFlaw::MissingNonce) => body["nonce"] = Value::Null,
            Some(IdTokenFlaw::WrongAudience) => body["aud"] = "another-client".into(),
            Some(IdTokenFlaw::WrongIssuer) => body["iss"] = "http://127.0.0.1:9".into(),
            Some(IdTokenFlaw::WrongSubject) => body["sub"] = "mallory".into(),
            Some(IdTokenFlaw::Expired) => {
                body["iat"] = (now - 2 * LIFETIME_SECONDS).into();
                body["exp"] = (now - LIFETIME_SECONDS).into();
            }
            Some(IdTokenFlaw::BadSignature) => key = &self.other_key,
            Some(IdTokenFlaw::Unsigned) => return unsigned(&body),
        }
        if body["nonce"].is_null()
            && let Value::Object(members) = &mut body
        {
            members.remove("nonce");
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.to_owned());
        encode(&header, &body, key).expect("JSON claims and a P-256 key can be signed")
    }
}

fn unsigned(body: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT" }).to_string());
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(body.to_string()))
}

fn new_key() -> EncodingKey {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("the system has randomness for a key");
    EncodingKey::from_ec_der(document.as_ref())
}
